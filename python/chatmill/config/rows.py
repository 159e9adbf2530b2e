"""`files_of`: the files of a dataset, restricted to the rows of its split."""

import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

from chatmill._chatmill import DataError
from chatmill.config.card import NoSplitError, card_patterns
from chatmill.config.model import Config, DatasetConfig
from chatmill.inputs import InputFile, find_inputs, share_rows
from chatmill.outputs.apart import check_apart
from chatmill.sources.hub import fetch_dataset

#: The names of the files of each `ds_type`.
_TYPES = {"json": ("*.jsonl", "*.jsonl.*", "*.ndjson", "*.json"), "parquet": ("*.parquet",), "arrow": ("*.arrow",)}
_SUFFIXES = tuple(suffix for suffixes in _TYPES.values() for suffix in suffixes)
# Read if a config names them. Beside other data files, a .csv file often holds something else.
_TYPES["csv"] = ("*.csv", "*.csv.*", "*.tsv", "*.tsv.*")
# Names of splits that occur in file names.
_SPLITS = {"train", "test", "validation", "valid", "val", "dev", "eval"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_SPLIT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<start>\d+%?)?:(?P<end>\d+%?)?\])?")


def files_of(
    config: Config, dataset: DatasetConfig, local: Mapping[str, str], *, output: str | os.PathLike[str] | None = None
) -> list[InputFile]:
    """Find the files that hold the rows of a dataset.

    Args:
        config: The config.
        dataset: The dataset.
        local: Where to read the rows of a dataset instead: a file, folder or glob for each `path` of a dataset.
        output: The output folder, which must be apart from the files; None if there is none.

    Raises:
        DataError: There are no such files, or the output is one of them; the message names the file, the line and the
            key.
    """
    path = local.get(dataset.path, dataset.path)
    if dataset.ds_type not in (None, *_TYPES):
        supported = ", ".join(_TYPES)
        _reject(config, dataset, "ds_type", f"{dataset.ds_type!r} is not supported; convert the files to {supported}")
    usual = "test" if dataset.key.startswith("test_datasets") else "train"
    split = _SPLIT.fullmatch(dataset.split or usual)
    if split is None:
        _reject(config, dataset, "split", f"{dataset.split!r} is not a split; write train, or train[10%:20%]")
    files = _found(config, dataset, path, split["name"])
    _check_output(config, dataset, files, path, output)
    if dataset.ds_type is not None and dataset.path not in local:
        _check_type(config, dataset, files)
    start, end = split["start"], split["end"]
    if dataset.skip:
        if start is not None:
            _reject(config, dataset, "skip", f"`split` already starts at {start}; remove one of the two keys")
        start = str(dataset.skip)
    if start is None and end is None:
        return files
    try:
        return share_rows(files, start, end)
    except DataError as error:
        _reject(config, dataset, "skip" if dataset.skip else "split", str(error))


def _check_output(
    config: Config, dataset: DatasetConfig, files: list[InputFile], path: str, output: str | os.PathLike[str] | None
) -> None:
    """Check that the output is apart from the files of a dataset, and from its folder."""
    if output is not None:
        try:
            check_apart(output, files, [path])
        except DataError as error:
            _reject(config, dataset, "path", str(error))


def _check_type(config: Config, dataset: DatasetConfig, files: list[InputFile]) -> None:
    """Check that the names of the files fit `ds_type`."""
    for file in files:
        if not any(fnmatch(file.path, suffix) for suffix in _TYPES[str(dataset.ds_type)]):
            _reject(
                config,
                dataset,
                "ds_type",
                f"the name of {file.path} does not fit {dataset.ds_type!r}; correct or remove this key",
            )


def _found(config: Config, dataset: DatasetConfig, path: str, split: str) -> list[InputFile]:
    place = Path(path).expanduser()
    if dataset.data_files and not place.is_dir() and not _HUB_ID.fullmatch(path):
        return find_inputs(list(dataset.data_files))
    if not place.exists() and _HUB_ID.fullmatch(path) and not _has_rows(path):
        place = _fetched(config, dataset, path, split)
    if not place.is_dir():
        if "://" not in path and not place.exists() and not any(letter in path for letter in "*?["):
            _reject(config, dataset, "path", f"there is no file or folder {path}; check the path")
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
                _reject(
                    config,
                    dataset,
                    "path",
                    f"the folder {place} has no data file that matches {pattern!r}; set `data_files`",
                )
            whole = pattern.endswith("**/*")
            found += _of_split(config, dataset, place, matching, split) if whole else matching
        return find_inputs(found)
    found = sorted({str(file) for file in _matching(folder, "**/*")})
    if not found:
        _reject(
            config,
            dataset,
            "path",
            f"the folder {folder} has no data file; supported file names are {', '.join(_SUFFIXES)}",
        )
    return find_inputs(_of_split(config, dataset, folder, found, split))


def _of_split(config: Config, dataset: DatasetConfig, folder: Path, found: list[str], split: str) -> list[str]:
    """Return the files of a split, by the words in their names; files without the name of a split belong to train."""
    words = {file: re.split(r"[^A-Za-z]+", file.removeprefix(str(folder)).lower()) for file in found}
    of_split = [file for file in found if split.lower() in words[file]]
    names = ", ".join(Path(file).name for file in found[:5])
    if not of_split and split != "train":
        _reject(
            config, dataset, "split", f"no file name in the folder {folder} contains {split!r}; the files are {names}"
        )
    # Without such files, all files without the name of a split are used.
    others = [file for file in found if not _SPLITS & set(words[file])]
    if not of_split and not others:
        _reject(config, dataset, "path", f"the folder {folder} has only files of other splits ({names}); set `split`")
    return of_split or others


def _fetched(config: Config, dataset: DatasetConfig, hub_id: str, split: str) -> Path:
    """Download a dataset from the Hub: first the card, because it lists the files of each split."""
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
        _reject(config, dataset, "path", str(error))


def _patterns(config: Config, dataset: DatasetConfig, folder: Path, split: str) -> list[str] | None:
    try:
        return card_patterns(folder, dataset.name, split)
    except DataError as error:
        _reject(config, dataset, "split" if isinstance(error, NoSplitError) else "name", str(error))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of rows below a folder that match a pattern, or whose folder matches it."""
    place = folder / pattern
    found = place.rglob("*") if place.is_dir() else folder.glob(pattern)
    yield from (file for file in found if file.is_file() and _has_rows(file.name))


def _has_rows(name: str) -> bool:
    """Return whether a file may hold rows, by the suffix of its name."""
    return any(fnmatch(name, suffix) for suffix in _SUFFIXES)


def _reject(config: Config, dataset: DatasetConfig, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(f'{dataset.key}.{key}')}: {why}")
