"""The files of a dataset, and which of their rows are wanted."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

from chatmill._chatmill import DataError
from chatmill.config.card import card_patterns
from chatmill.config.model import Config, DatasetConfig
from chatmill.hub import fetch_dataset
from chatmill.inputs import InputFile, find_inputs, share_rows

_SUFFIXES = ("*.jsonl", "*.jsonl.*", "*.ndjson", "*.json", "*.parquet", "*.arrow")
# Names of splits, as they stand in names of files.
_SPLITS = {"train", "test", "validation", "valid", "val", "dev", "eval"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_SPLIT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<start>\d+%?)?:(?P<end>\d+%?)?\])?")


def files_of(config: Config, dataset: DatasetConfig, local: Mapping[str, str]) -> list[InputFile]:
    """The files that hold the rows of a dataset.

    Args:
        config: The config that it is in.
        dataset: The dataset.
        local: For paths of datasets, where their rows lie.

    Raises:
        DataError: There are no such files; the message names file, line and key.
    """
    path = local.get(dataset.path, dataset.path)
    if dataset.shards is not None:
        _refuse(config, dataset, "shards", "parts of a dataset are taken with split, such as train[:25%]")
    usual = "test" if dataset.key.startswith("test_datasets") else "train"
    split = _SPLIT.fullmatch(dataset.split or usual)
    if split is None:
        _refuse(config, dataset, "split", f"{dataset.split!r} is not understood: write train, or train[10%:20%]")
    files = _found(config, dataset, path, split["name"])
    start, end = split["start"], split["end"]
    if dataset.skip:
        if start is not None:
            _refuse(config, dataset, "skip", f"split says already where the rows begin, at {start}: one is enough")
        start = str(dataset.skip)
    if start is None and end is None:
        return files
    try:
        return share_rows(files, start, end)
    except DataError as error:
        _refuse(config, dataset, "skip" if dataset.skip else "split", str(error))


def _found(config: Config, dataset: DatasetConfig, path: str, split: str) -> list[InputFile]:
    place = Path(path).expanduser()
    if dataset.data_files and not place.is_dir() and not _HUB_ID.fullmatch(path):
        return find_inputs(list(dataset.data_files))
    if not place.exists() and _HUB_ID.fullmatch(path) and not _kind(path):
        place = _fetched(config, dataset, path, split)
    if not place.is_dir():
        if "://" not in path and not place.exists() and not any(letter in path for letter in "*?["):
            _refuse(config, dataset, "path", f"there is no file or folder {path}")
        return find_inputs(path)
    folder = place / dataset.data_dir if dataset.data_dir else place
    if dataset.data_files:
        return find_inputs([str(folder / name) for name in dataset.data_files])
    patterns = _patterns(config, dataset, place, split)
    if patterns is not None and not dataset.data_dir:
        found: list[str] = []
        for pattern in patterns:
            matching = sorted({str(file) for file in _matching(place, pattern)} - set(found))
            if not matching:
                _refuse(config, dataset, "path", f"the folder {place} holds no file of rows that matches {pattern}")
            whole = pattern.endswith("**/*")
            found += _of_split(config, dataset, place, matching, split) if whole else matching
        return find_inputs(found)
    found = sorted({str(file) for file in _matching(folder, "**/*")})
    if not found:
        _refuse(config, dataset, "path", f"the folder {folder} holds no file of rows ({', '.join(_SUFFIXES)})")
    return find_inputs(_of_split(config, dataset, folder, found, split))


def _of_split(config: Config, dataset: DatasetConfig, folder: Path, found: list[str], split: str) -> list[str]:
    """Files of several splits lie side by side, and their names tell which is which."""
    words = {file: re.split(r"[^A-Za-z]+", file.removeprefix(str(folder)).lower()) for file in found}
    of_split = [file for file in found if split.lower() in words[file]]
    names = ", ".join(Path(file).name for file in found[:5])
    if not of_split and split != "train":
        _refuse(config, dataset, "split", f"no file of the folder {folder} is called after {split}; there are {names}")
    # Files that name no split are all there is.
    others = [file for file in found if not _SPLITS & set(words[file])]
    if not of_split and not others:
        _refuse(config, dataset, "path", f"the folder {folder} has files of other splits only: {names}; name a split")
    return of_split or others


def _fetched(config: Config, dataset: DatasetConfig, hub_id: str, split: str) -> Path:
    """The folder of a dataset of the Hub: the card first, since it tells which files are wanted."""
    try:
        folder = fetch_dataset(hub_id, ["README.md"], revision=dataset.revision)
        within = f"{dataset.data_dir}/" if dataset.data_dir else ""
        patterns: list[str] | None = [f"{within}{name}" for name in dataset.data_files]
        if not patterns and not within:
            patterns = _patterns(config, dataset, folder, split)
        wanted = patterns or [f"{within}{suffix}" for suffix in _SUFFIXES]
        return fetch_dataset(hub_id, ["README.md", *wanted], revision=dataset.revision)
    except DataError as error:
        if str(error).startswith(config.path):
            raise
        _refuse(config, dataset, "path", str(error))


def _patterns(config: Config, dataset: DatasetConfig, folder: Path, split: str) -> list[str] | None:
    try:
        return card_patterns(folder, dataset.name, split)
    except DataError as error:
        _refuse(config, dataset, "split" if "no split" in str(error) else "name", str(error))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    """The files of rows below a folder that match a pattern, or that lie in a folder that does."""
    place = folder / pattern
    found = place.rglob("*") if place.is_dir() else folder.glob(pattern)
    yield from (file for file in found if file.is_file() and _kind(file.name))


def _kind(name: str) -> bool:
    return any(fnmatch(name, suffix) for suffix in _SUFFIXES)


def _refuse(config: Config, dataset: DatasetConfig, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(f'{dataset.key}.{key}')}: {why}")
