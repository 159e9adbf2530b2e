"""`find_inputs`: the files behind paths, globs and URLs, and the kind of each file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import fsspec

from chatmill._chatmill import DataError
from chatmill.inputs.names import finding, shown_name
from chatmill.inputs.state import FileState, state_of

InputPath: TypeAlias = str | os.PathLike[str]
FileKind = Literal["jsonl", "parquet", "ipc"]
Compression = Literal["gzip", "zstd", "bz2", "xz"]

_KINDS: dict[str, FileKind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".ipc": "ipc",
    ".feather": "ipc",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
_SUPPORTED = (
    ".jsonl, .ndjson and .json (one JSON object per line; also with .gz, .zst, .xz or .bz2 added), .parquet, .pq, "
    ".arrow, .ipc and .feather"
)
_IN_MEMORY = "for rows in memory, call a mill instead: `Mill(tokenizer, template)(rows)`"


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes:
        path: The name of the file in reports: the path as given, or the URL.
        position: Index among the files of the run, from 0; the same file may occur twice.
        kind: The kind of file, from the suffix.
        compression: The compression, from the suffix; None if there is none.
        size: Bytes on disk, or None if the store does not report sizes.
        filesystem: The fsspec filesystem that opens the file.
        location: The path of the file in that filesystem.
        rows: The indices of the rows to read, from 0; None for all rows.
        state: What the store told about the file when it was found; a later change changes it.
    """

    path: str
    position: int
    kind: FileKind
    compression: Compression | None
    size: int | None
    filesystem: Any = field(repr=False)
    location: str = field(repr=False)
    rows: range | None = None
    state: FileState | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the file is on a disk of this machine."""
        return _is_local(self.filesystem)


@finding
def find_inputs(inputs: InputPath | Sequence[InputPath]) -> list[InputFile]:
    """List the files behind inputs, in the order of the inputs; the matches of a glob are sorted.

    Args:
        inputs: One or more paths, globs (`data/**/*.jsonl.gz`) or fsspec URLs (`s3://bucket/*.parquet`).

    Returns:
        At least one file.

    Raises:
        DataError: A file is missing, a glob matches nothing, a suffix is not supported, or an input is not a path.

    Example:
        >>> [file.kind for file in find_inputs("chats/*.jsonl.zst")]  # doctest: +SKIP
        ['jsonl', 'jsonl']
    """
    files: list[InputFile] = []
    for entry in _entries(inputs):
        for path, filesystem, location in _expand(os.fspath(entry)):
            kind, compression = _kind_of(path)
            state = state_of(filesystem, location, is_local=_is_local(filesystem))
            files.append(
                InputFile(
                    shown_name(path), len(files), kind, compression, state.size, filesystem, location, state=state
                )
            )
    return files


def _entries(inputs: Any) -> list[InputPath]:
    if isinstance(inputs, (str, os.PathLike)):
        return [inputs]
    # Tables and datasets are iterable too, over their column names or over all their rows, so they are rejected here.
    if hasattr(inputs, "__arrow_c_stream__") or hasattr(inputs, "column_names") or not hasattr(inputs, "__iter__"):
        raise DataError(f"`inputs` has the type {type(inputs).__name__}; give paths, globs or URLs, or {_IN_MEMORY}")
    entries: list[InputPath] = []
    for entry in inputs:
        if not isinstance(entry, (str, os.PathLike)):
            raise DataError(
                f"`inputs` holds a value of the type {type(entry).__name__}; give paths, globs or URLs, or {_IN_MEMORY}"
            )
        entries.append(entry)
    if not entries:
        raise DataError("there are no inputs; give at least one path, glob or URL")
    return entries


@finding
def _expand(entry: str) -> list[tuple[str, Any, str]]:
    """Return the files behind one input: the name in reports, the filesystem, and the path in it."""
    entry = os.path.expanduser(entry)
    try:
        filesystem, location = fsspec.core.url_to_fs(entry)
    except (ImportError, ValueError) as cause:
        raise DataError(f"cannot open {entry}: {cause}") from cause
    is_local = _is_local(filesystem)
    if is_local and entry.startswith(("file://", "local://")):
        entry = location
    try:
        # A file name may contain brackets, so an existing file comes before a glob.
        if filesystem.isfile(location):
            return [(entry, filesystem, location)]
        if not _is_glob(entry):
            raise _missing(entry, is_folder=filesystem.isdir(location))
        found = sorted(
            path for path, details in filesystem.glob(location, detail=True).items() if details["type"] == "file"
        )
    except OSError as cause:
        raise DataError(f"cannot open {entry}: {cause}") from cause
    if not found:
        raise DataError(f"no file matches {entry}; check the pattern (`**` matches folders of any depth)")
    if is_local:
        # Paths are relative to the working directory, unless the pattern is absolute.
        return [(path if os.path.isabs(entry) else os.path.relpath(path), filesystem, path) for path in found]
    return [(filesystem.unstrip_protocol(path), filesystem, path) for path in found]


def _missing(entry: str, *, is_folder: bool) -> DataError:
    if is_folder:
        return DataError(f"{entry} is a folder; give its files with a glob, such as {entry.rstrip('/')}/*.jsonl")
    return DataError(f"there is no file {entry}; check the path (the working directory is {Path.cwd()})")


def _kind_of(path: str) -> tuple[FileKind, Compression | None]:
    stem, outer = os.path.splitext(path.lower())
    compression = _COMPRESSIONS.get(outer)
    inner = outer if compression is None else os.path.splitext(stem)[1]
    kind = _KINDS.get(inner)
    if kind is None or (compression is not None and kind != "jsonl"):
        suffix = outer if compression is None else inner + outer
        problem = f"has the unsupported file type {suffix}" if suffix else "has no suffix"
        raise DataError(f"{path} {problem}; supported are {_SUPPORTED}")
    return kind, compression


def _is_glob(entry: str) -> bool:
    return any(character in entry for character in "*?[")


def _is_local(filesystem: Any) -> bool:
    return "file" in _protocols(filesystem)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
