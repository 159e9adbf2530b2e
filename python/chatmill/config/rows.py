"""The files of a dataset, and which of their rows are wanted."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from chatmill._chatmill import DataError
from chatmill.config.model import Config, DatasetConfig
from chatmill.inputs import InputFile, find_inputs, share_rows

_SUFFIXES = ("*.jsonl", "*.jsonl.*", "*.ndjson", "*.json", "*.parquet", "*.arrow")
# Names of splits, as they stand in names of files.
_SPLITS = {"train", "test", "validation", "valid", "val", "dev", "eval"}
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
    if dataset.skip:
        _refuse(config, dataset, "skip", "rows at the start are left out with split, such as train[100:]")
    split = _SPLIT.fullmatch(dataset.split or "train")
    if split is None:
        _refuse(config, dataset, "split", f"{dataset.split!r} is not understood: write train, or train[10%:20%]")
    files = _found(config, dataset, path, split["name"])
    if split["start"] is None and split["end"] is None:
        return files
    try:
        return share_rows(files, split["start"], split["end"])
    except DataError as error:
        _refuse(config, dataset, "split", str(error))


def _found(config: Config, dataset: DatasetConfig, path: str, split: str) -> list[InputFile]:
    place = Path(path).expanduser()
    if dataset.data_files and not place.is_dir():
        return find_inputs(list(dataset.data_files))
    if not place.is_dir():
        if "://" not in path and not place.exists() and not any(letter in path for letter in "*?["):
            why = (
                f"there is no file or folder {path}; fetch a dataset of the Hub first (`hf download --repo-type "
                f"dataset {path} --local-dir DIR`) and say where it lies: `--local {path}=DIR`"
            )
            _refuse(config, dataset, "path", why)
        return find_inputs(path)
    folder = place / dataset.data_dir if dataset.data_dir else place
    if dataset.data_files:
        return find_inputs([str(folder / name) for name in dataset.data_files])
    found = sorted({str(file) for suffix in _SUFFIXES for file in folder.rglob(suffix) if file.is_file()})
    if not found:
        _refuse(config, dataset, "path", f"the folder {folder} holds no file of rows ({', '.join(_SUFFIXES)})")
    # Files of several splits lie side by side, and their names tell which is which.
    words = {file: re.split(r"[^A-Za-z]+", file.removeprefix(str(folder)).lower()) for file in found}
    of_split = [file for file in found if split.lower() in words[file]]
    if not of_split and split != "train":
        names = ", ".join(Path(file).name for file in found[:5])
        _refuse(config, dataset, "split", f"no file of the folder {folder} is called after {split}; there are {names}")
    # Files that name no split are all there is.
    others = [file for file in found if not _SPLITS & set(words[file])]
    if not of_split and not others:
        names = ", ".join(Path(file).name for file in found[:5])
        _refuse(config, dataset, "path", f"the folder {folder} has files of other splits only: {names}; name a split")
    return find_inputs(of_split or others)


def _refuse(config: Config, dataset: DatasetConfig, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(f'{dataset.key}.{key}')}: {why}")
