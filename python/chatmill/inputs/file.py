"""`InputFile`: one input to read: a file, standard input or data in memory."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from chatmill.inputs.state import FileState

InputPath: TypeAlias = str | os.PathLike[str]
FileKind = Literal["jsonl", "json", "csv", "tsv", "parquet", "ipc", "memory"]
Compression = Literal["gzip", "zstd", "bz2", "xz"]


@dataclass(frozen=True)
class Span:
    """A part of a file: bytes of JSONL, or row groups of Parquet.

    Attributes:
        start: The first one, from 0.
        stop: The one after the last one.
    """

    start: int
    stop: int


@dataclass(frozen=True)
class InputFile:
    """One file to read, or standard input, or data in memory.

    Attributes:
        path: The name of the file in reports: the path as given, or the URL; `standard input`, or `memory`.
        position: Index among the files of the run, from 0; the same file may occur twice.
        kind: The kind of file, from the suffix.
        compression: The compression, from the suffix; None if there is none.
        size: Bytes on disk, or None if the store does not report sizes.
        filesystem: The fsspec filesystem that opens the file, or a `Disk`; None for standard input and data in memory.
        location: The path of the file in that filesystem.
        rows: The indices of the rows to read, from 0 and ascending; None for all rows.
        state: What the store told about the file when it was found; a later change changes it. None if there is no
            store.
        source: What is read if there is no filesystem: a `Replay` of pieces of bytes, or data in memory.
        about: More facts about the input, for the manifest.
        warnings: What was left out when the input was found.
        span: The part of the file to read; None for the whole file. Rows and lines are counted from its start.
    """

    path: str
    position: int
    kind: FileKind
    compression: Compression | None
    size: int | None
    filesystem: Any = field(repr=False)
    location: str = field(repr=False)
    rows: Sequence[int] | None = None
    state: FileState | None = field(default=None, repr=False)
    source: Any = field(default=None, repr=False, compare=False)
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    span: Span | None = None

    @property
    def is_local(self) -> bool:
        """Whether the file is on a disk of this machine."""
        return self.filesystem is not None and is_local(self.filesystem)


def is_local(filesystem: Any) -> bool:
    """Return whether a filesystem is that of this machine.

    Args:
        filesystem: A filesystem of fsspec, or a `Disk`.
    """
    protocol = filesystem.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else tuple(protocol))
