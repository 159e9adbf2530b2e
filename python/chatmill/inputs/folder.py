"""`files_in`: the data files in a folder, also in its subfolders."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatmill._chatmill import DataError
from chatmill.inputs.file import FileKind, is_local
from chatmill.inputs.kinds import has_rows, kind_of
from chatmill.text.parsing import parse_json

_MANIFESTS = ("_manifest.json", "manifest.json")
_MANIFEST_KEYS = {"chatmill", "inputs", "shards", "tokenizer"}
# What the `datasets` library writes beside the rows, and the files of a model.
_NO_ROWS = {
    *("dataset_info.json", "dataset_infos.json", "state.json", "tokenizer.json", "tokenizer_config.json"),
    *("config.json", "generation_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.json"),
}
_SPLITS = ("train", "validation", "valid", "val", "dev", "test", "eval")
_SHOWN = 5
_MOST_LEVELS = 40
# The manifest of 100,000 shards has half of it.
_MOST_JSON = 64 << 20


@dataclass
class FolderFiles:
    """What is in a folder.

    Attributes:
        paths: The data files, in the order of their names.
        others: The names of files that are not read, because their kind is unknown.
    """

    paths: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)

    def place(self, path: str, real_path: str) -> None:
        """Note a file or a folder.

        Args:
            path: Its path.
            real_path: Its path without links.

        Raises:
            DataError: It was found before, by another path.
        """
        other = self._places.setdefault(real_path, path)
        if other != path:
            raise DataError(
                f"{path} and {other} are the same by a link, so its rows would be read twice; remove the link, or give "
                "the files themselves"
            )


def files_in(folder: str, filesystem: Any, location: str, kind: FileKind | None = None) -> tuple[list[str], list[str]]:
    """List the data files in a folder. Names that begin with `.` or `_` are left out.

    A folder of `Dataset.save_to_disk` gives its Arrow files in the order of its rows.

    Args:
        folder: The folder as it was given, for messages.
        filesystem: The fsspec filesystem.
        location: The path of the folder in it.
        kind: The kind of its files, if the user names it. Then files of other kinds are not read.

    Returns:
        The paths of the files in the filesystem, and warnings.

    Raises:
        DataError: There is no data file; or it is an output of chatmill, or has several splits of `save_to_disk`.
        OSError: The folder cannot be read.
    """
    found = FolderFiles()
    _collect(filesystem, location.rstrip("/"), found, 0, kind)
    if not found.paths:
        others = f" (there is {_some(found.others, location)})" if found.others else ""
        raise DataError(
            f"the folder {folder} has no data file{others}; data files end in .jsonl, .json, .csv, .tsv, .parquet or "
            ".arrow, or name their kind by `input_format` (`--input-format`)"
        )
    warnings = []
    if found.others:
        warnings.append(f"the folder {folder} has files that are not read: {_some(found.others, location)}")
    splits = _splits_of(found.paths, location)
    if len(splits) > 1:
        warnings.append(
            f"the folder {folder} has files of several splits ({', '.join(splits)}), and all of them are read; to read "
            f"one, give its files, such as {folder.rstrip('/')}/**/{splits[0]}*"
        )
    return found.paths, warnings


def _collect(filesystem: Any, folder: str, found: FolderFiles, level: int, kind: FileKind | None) -> None:
    if level > _MOST_LEVELS:
        raise DataError(f"{folder} is more than {_MOST_LEVELS} folders deep; give the folders of the files")
    found.place(folder, _real(filesystem, folder))
    entries = {_name(entry["name"]): entry for entry in filesystem.ls(folder, detail=True)}
    for name in _MANIFESTS:
        if name in entries and _is_manifest(filesystem, entries[name]["name"]):
            raise DataError(
                f"{folder} is an output of `chatmill prepare`, so its rows are tokens; give the inputs of that run, or "
                f"name its files: {folder}/*.parquet"
            )
    if "dataset_dict.json" in entries:
        splits = sorted(name for name, entry in entries.items() if entry["type"] == "directory")
        raise DataError(f"{folder} has the splits {', '.join(splits)}; give one of them, such as {folder}/{splits[0]}")
    if {"state.json", "dataset_info.json"} <= entries.keys():
        found.paths += _saved_files(filesystem, folder)
        return
    for name in sorted(entries):
        path, of_entry = entries[name]["name"], entries[name]["type"]
        if name.startswith((".", "_")):
            continue
        # A link is a file or a folder too; caches of the Hub have links.
        if of_entry == "directory" or (of_entry != "file" and filesystem.isdir(path)):
            _collect(filesystem, path, found, level + 1, kind)
        elif (of_entry == "file" or filesystem.isfile(path)) and _is_read(name, kind):
            found.place(path, _real(filesystem, path))
            found.paths.append(path)
        else:
            found.others.append(path)


def _is_read(name: str, kind: FileKind | None) -> bool:
    if name in _NO_ROWS or not (has_rows(name) or kind is not None):
        return False
    return kind is None or not has_rows(name) or kind_of(name)[0] == kind


def _saved_files(filesystem: Any, folder: str) -> Iterator[str]:
    """Yield the Arrow files of a folder of `save_to_disk`, in the order of the rows."""
    state = f"{folder}/state.json"
    try:
        names = [entry["filename"] for entry in parse_json(_read(filesystem, state))["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{state} does not list the files of the data set ({error!r}); save it again") from None
    for name in names:
        path = f"{folder}/{name}"
        if not isinstance(name, str) or "/" in name or not filesystem.isfile(path):
            raise DataError(f"{state} lists the file {name!r}, which is not there; copy the folder again")
        yield path


def _is_manifest(filesystem: Any, path: str) -> bool:
    try:
        value = parse_json(_read(filesystem, path))
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and value.keys() >= _MANIFEST_KEYS


def _read(filesystem: Any, path: str) -> bytes:
    """Return the bytes of a small file; a named pipe would never end."""
    if not filesystem.isfile(path) or (filesystem.size(path) or 0) > _MOST_JSON:
        raise ValueError(f"no file of at most {_MOST_JSON:,} bytes")
    return bytes(filesystem.cat_file(path))


def _real(filesystem: Any, path: str) -> str:
    return os.path.realpath(path) if is_local(filesystem) else path


def _splits_of(paths: list[str], folder: str) -> list[str]:
    words = {word for path in paths for word in re.split(r"[^a-z]+", path.removeprefix(folder).lower())}
    return [split for split in _SPLITS if split in words]


def _some(paths: list[str], folder: str) -> str:
    names = [path.removeprefix(folder).lstrip("/") for path in paths]
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _name(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
