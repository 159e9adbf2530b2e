"""`find_inputs`: the files behind paths, folders, globs and URLs, standard input, and data in memory."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.inputs.disk import Disk, is_on_disk
from chatmill.inputs.file import FileKind, InputFile, is_local
from chatmill.inputs.folder import files_in
from chatmill.inputs.hub_rows import hub_input
from chatmill.inputs.kinds import is_web, kind_of, named_kind
from chatmill.inputs.memory_rows import MemoryData, data_entries, is_data, memory_input
from chatmill.inputs.names import finding
from chatmill.inputs.standard_input import STDIN, standard_input
from chatmill.inputs.state import state_of
from chatmill.text.source_name import shown_name

_WHAT = "give paths, folders, globs, URLs, `-` for standard input, or rows in memory such as a list of dicts"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")


@finding
def find_inputs(inputs: Any, kind: str | None = None) -> list[InputFile]:
    """List the files behind inputs, in the order of the inputs; the files of a folder or a glob are sorted.

    Args:
        inputs: One or more paths, folders, globs (`data/**/*.jsonl.gz`), fsspec URLs (`s3://bucket/*.parquet`), `-` for
            standard input, ids of data sets of the Hub (`org/name`, `org/name:split`), rows in memory (as for
            `prepare`), or files that were found before.
        kind: The kind of the files, such as `csv`; None to tell it from their suffixes.

    Returns:
        At least one file.

    Raises:
        DataError: A file is missing, a glob matches nothing, a suffix is not supported, or an input is of another type.

    Example:
        >>> [file.kind for file in find_inputs("chats/*.jsonl.zst")]  # doctest: +SKIP
        ['jsonl', 'jsonl']
        >>> find_inputs([{"messages": []}])[0].path
        'memory'
    """
    known = None if kind is None else named_kind(kind)
    files: list[InputFile] = []
    for entry in _entries(inputs):
        files += [replace(file, position=len(files) + at) for at, file in enumerate(_found(entry, known))]
    if sum(file.location == STDIN for file in files) > 1:
        raise DataError("standard input (`-`) is given twice; give it once")
    return files


def folders_of(inputs: Any) -> list[str]:
    """Return the inputs that are folders of this machine.

    Args:
        inputs: As for `find_inputs`.

    Example:
        >>> folders_of(["no-such-folder", "a.jsonl"])
        []
    """
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs if isinstance(inputs, (list, tuple)) else []
    paths = [os.fspath(entry) for entry in given if isinstance(entry, (str, os.PathLike))]
    return [path for path in paths if Path(path).expanduser().is_dir()]


def is_missing(path: str) -> bool:
    """Return whether a path names nothing on this machine. It may still be the id of a data set of the Hub.

    Args:
        path: A path, a glob, a URL, or `-`.

    Example:
        >>> is_missing("no-such-folder"), is_missing("no-such-folder/*.jsonl"), is_missing("-")
        (True, False, False)
    """
    # Text with a colon may be a URL, or a data set with its split.
    is_path = path != STDIN and ":" not in path and not _is_glob(path)
    return is_path and not os.path.exists(os.path.expanduser(path))


def may_be_hub_id(entry: str) -> bool:
    """Return whether a path that does not exist may be the id of a data set: its folder does not exist either.

    Args:
        entry: The path.

    Example:
        >>> may_be_hub_id("no-such-org/rows"), may_be_hub_id("rows")
        (True, False)
    """
    return _HUB_ID.fullmatch(entry) is not None and not Path(entry).parent.exists()


def _entries(inputs: Any) -> list[Any]:
    if isinstance(inputs, (str, os.PathLike, InputFile)):
        return [inputs]
    if is_data(inputs):
        return [MemoryData(inputs)]
    if not hasattr(inputs, "__iter__"):
        raise DataError(f"`inputs` has the type {type(inputs).__name__}; {_WHAT}")
    entries = data_entries(inputs)
    if not entries:
        raise DataError("there are no inputs; give at least one path, folder, glob or URL, or a row")
    for entry in entries:
        if not isinstance(entry, (str, os.PathLike, InputFile, MemoryData)):
            raise DataError(f"`inputs` holds a value of the type {type(entry).__name__}; {_WHAT}")
    return entries


def _found(entry: Any, kind: FileKind | None) -> list[InputFile]:
    if isinstance(entry, InputFile):
        return [entry]
    if isinstance(entry, MemoryData):
        return [memory_input(entry.data)]
    path = os.fspath(entry)
    if path == STDIN:
        return [standard_input(kind)]
    return _expand(path, kind)


@finding
def _expand(entry: str, kind: FileKind | None) -> list[InputFile]:
    """Return the files behind a path, a folder, a glob or a URL."""
    entry = os.path.expanduser(entry)
    filesystem, location = _store_of(entry)
    local = is_local(filesystem)
    if local and entry.startswith(("file://", "local://")):
        entry = location
    try:
        # A file name may contain brackets, so an existing file comes before a glob.
        if filesystem.isfile(location):
            return [_file(entry, filesystem, location, kind)]
        if not _is_glob(entry):
            if not is_web(entry) and filesystem.isdir(location):
                return _folder(entry, filesystem, location, kind)
            found = hub_input(entry) if may_be_hub_id(entry) else None
            if found is not None:
                return [found]
            raise DataError(f"there is no file {entry}; check the path (the working directory is {Path.cwd()})")
        paths = sorted(
            path for path, details in filesystem.glob(location, detail=True).items() if details["type"] == "file"
        )
    except OSError as cause:
        raise DataError(f"cannot open {entry}: {cause}") from cause
    if not paths:
        raise DataError(f"no file matches {entry}; check the pattern (`**` matches folders of any depth)")
    return [_file(_shown(entry, filesystem, path), filesystem, path, kind) for path in paths]


def _store_of(entry: str) -> tuple[Any, str]:
    """Return the filesystem of an input, and its path there."""
    if is_on_disk(entry):
        return Disk(), os.path.join(os.getcwd(), entry)
    import fsspec

    try:
        filesystem, location = fsspec.core.url_to_fs(entry)
    except (ImportError, ValueError) as cause:
        install = "; `pip install 'chatmill[hub]'` installs it" if entry.startswith("hf://") else ""
        raise DataError(f"cannot open {entry}: {cause}{install}") from cause
    return filesystem, location


def _file(path: str, filesystem: Any, location: str, kind: FileKind | None) -> InputFile:
    known, compression = kind_of(path, kind)
    state = state_of(filesystem, location, is_local=is_local(filesystem))
    return InputFile(shown_name(path), 0, known, compression, state.size, filesystem, location, state=state)


def _folder(folder: str, filesystem: Any, location: str, kind: FileKind | None) -> list[InputFile]:
    paths, warnings = files_in(folder, filesystem, location, kind)
    files = [_file(_shown(folder, filesystem, path), filesystem, path, kind) for path in paths]
    return [replace(files[0], warnings=tuple(map(shown_name, warnings))), *files[1:]]


def _shown(entry: str, filesystem: Any, path: str) -> str:
    """Return the name of a file that a pattern or a folder stands for."""
    if is_local(filesystem):
        # Paths are relative to the working directory, unless the pattern is absolute.
        return path if os.path.isabs(entry) else os.path.relpath(path)
    return str(filesystem.unstrip_protocol(path))


def _is_glob(entry: str) -> bool:
    # In a web address, `?` begins a query.
    return any(character in entry for character in ("*[" if is_web(entry) else "*?["))
