"""Which files an input names: paths, globs, fsspec URLs; and of which kind each is."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import fsspec

from chatmill._chatmill import DataError

InputPath: TypeAlias = str | os.PathLike[str]
Kind = Literal["jsonl", "parquet", "ipc"]
Compression = Literal["gzip", "zstd", "bz2", "xz"]

_KINDS: dict[str, Kind] = {
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
_READABLE = (
    ".jsonl, .ndjson and .json (lines of JSON; also with .gz, .zst, .xz or .bz2 behind), .parquet, .pq, "
    ".arrow, .ipc and .feather"
)


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes:
        path: What to call it: the path as given, or the URL.
        position: Index among the files of the run; one file may be named twice.
        kind: How it is read.
        compression: What it is compressed with, by its suffix.
        size: Bytes on disk, or None where the store does not say.
        filesystem: The fsspec filesystem that opens it.
        location: Its path there.
        rows: The rows that are wanted, from 0; None for all.
    """

    path: str
    position: int
    kind: Kind
    compression: Compression | None
    size: int | None
    filesystem: Any = field(repr=False)
    location: str = field(repr=False)
    rows: range | None = None

    @property
    def is_local(self) -> bool:
        """Whether the file is on this machine's disks."""
        return "file" in _protocols(self.filesystem)


def find_inputs(inputs: InputPath | Sequence[InputPath]) -> list[InputFile]:
    """List the files that inputs name, in the order of the inputs; matches of a glob are sorted.

    Args:
        inputs: One or more paths, globs (`data/**/*.jsonl.gz`) or fsspec URLs (`s3://bucket/*.parquet`).

    Returns:
        At least one file.

    Raises:
        DataError: A file is missing, a glob matches nothing, or a suffix is not one that is read.

    Example:
        >>> [file.kind for file in find_inputs("chats/*.jsonl.zst")]  # doctest: +SKIP
        ['jsonl', 'jsonl']
    """
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    if not given:
        raise DataError("no inputs: give at least one path, glob or URL")
    files: list[InputFile] = []
    for entry in given:
        for path, filesystem, location in _expand(os.fspath(entry)):
            kind, compression = _kind_of(path)
            size = filesystem.size(location)
            files.append(InputFile(path, len(files), kind, compression, size, filesystem, location))
    return files


def _expand(entry: str) -> list[tuple[str, Any, str]]:
    """The files behind one input: (what to call it, filesystem, path there)."""
    entry = os.path.expanduser(entry)
    try:
        filesystem, location = fsspec.core.url_to_fs(entry)
    except (ImportError, ValueError) as cause:
        raise DataError(f"cannot open {entry}: {cause}") from cause
    is_local = "file" in _protocols(filesystem)
    if is_local and entry.startswith(("file://", "local://")):
        entry = location
    try:
        # A file whose name happens to hold brackets is that file.
        if filesystem.isfile(location):
            return [(entry, filesystem, location)]
        if not _is_glob(entry):
            raise _missing(entry, is_folder=filesystem.isdir(location))
        found = sorted(
            path for path, facts in filesystem.glob(location, detail=True).items() if facts["type"] == "file"
        )
    except OSError as cause:
        raise DataError(f"cannot open {entry}: {cause}") from cause
    if not found:
        raise DataError(f"no file matches {entry}: check the pattern; `**` matches folders of any depth")
    if is_local:
        # As the user wrote it: below the working directory unless the pattern was absolute.
        return [(path if os.path.isabs(entry) else os.path.relpath(path), filesystem, path) for path in found]
    return [(filesystem.unstrip_protocol(path), filesystem, path) for path in found]


def _missing(entry: str, *, is_folder: bool) -> DataError:
    if is_folder:
        return DataError(f"{entry} is a folder: name the files in it with a glob, such as {entry.rstrip('/')}/*.jsonl")
    return DataError(f"there is no file {entry}: check the path (the working directory is {Path.cwd()})")


def _kind_of(path: str) -> tuple[Kind, Compression | None]:
    stem, suffix = os.path.splitext(path.lower())
    compression = _COMPRESSIONS.get(suffix)
    if compression is not None:
        stem, suffix = os.path.splitext(stem)
    kind = _KINDS.get(suffix)
    if kind is None or (compression is not None and kind != "jsonl"):
        raise DataError(f"cannot tell how to read {path} by its suffix: read are {_READABLE}")
    return kind, compression


def _is_glob(entry: str) -> bool:
    return any(character in entry for character in "*?[")


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
