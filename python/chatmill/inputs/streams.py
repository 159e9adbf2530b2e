"""`decompressed` and `Peeked`: the bytes of a file as a stream, whose beginning can be looked at."""

import lzma
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.file import Compression, InputFile

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# The first bytes of other kinds of files, with the name of the kind and the remedy. Text cannot begin with these bytes.
_OTHER_KINDS = {
    b"\x1f\x8b": ("gzip-compressed", "rename it to end in .{suffix}.gz"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "rename it to end in .{suffix}.zst"),
    b"\xfd7zXZ\x00": ("xz-compressed", "rename it to end in .{suffix}.xz"),
    b"BZh": ("bzip2-compressed", "rename it to end in .{suffix}.bz2"),
    b"PAR1": ("a Parquet file", "rename it to end in .parquet"),
    b"ARROW1": ("an Arrow IPC file", "rename it to end in .arrow"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
}
_COMPRESSIONS: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bz2",
}
_FIRST_BYTES = 8


class Peeked:
    """A stream of bytes, whose beginning can be looked at without reading it.

    Args:
        stream: A stream with `read`.
    """

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """Return the next bytes without reading them; fewer than `size` only at the end.

        Args:
            size: The number of bytes.
        """
        while len(self._ahead) < size:
            more = self._stream.read(size - len(self._ahead))
            if not more:
                break
            self._ahead += bytes(more)
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        """Read bytes; none at the end.

        Args:
            size: The most bytes to read; all if it is negative.
        """
        if not self._ahead:
            return bytes(self._stream.read(size) if size >= 0 else self._stream.read())
        if size < 0:
            found, self._ahead = self._ahead, b""
            return found + bytes(self._stream.read())
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        return found

    def readable(self) -> bool:
        """Return True, as files do."""
        return True

    def close(self) -> None:
        """Do nothing: the owner of the stream closes it."""


class PiecesReader:
    """A stream over pieces of bytes, such as those of standard input.

    Args:
        pieces: The pieces.
    """

    closed = False

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._at = self._before = 0

    def read(self, size: int = -1) -> bytes:
        """Read bytes; none at the end.

        Args:
            size: The most bytes to read; all if it is negative.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while self._at >= len(self._piece):
            self._before += len(self._piece)
            self._piece, self._at = next(self._pieces, b""), 0
            if not self._piece:
                return b""
        found = self._piece[self._at : self._at + size]
        self._at += len(found)
        return found

    def tell(self) -> int:
        """Return the number of bytes that were read."""
        return self._before + self._at

    def readable(self) -> bool:
        """Return True, as files do."""
        return True

    def close(self) -> None:
        """Do nothing: the process owns its standard input."""


def decompressed(file: InputFile, raw: Any) -> Any:
    """Return the text of a file as a stream. Standard input may be compressed without saying so.

    Args:
        file: The file.
        raw: Its bytes.

    Raises:
        EOFError: A compressed file is empty.
    """
    compression = file.compression
    if file.source is not None:
        raw = Peeked(raw)
        start = raw.peek(_FIRST_BYTES)
        compression = next((it for mark, it in _COMPRESSIONS.items() if start.startswith(mark)), None)
        if compression not in {None, "xz"}:
            raw = pa.PythonFile(raw, mode="r")
    if compression is None:
        return raw
    if file.size == 0:
        raise EOFError("it has 0 bytes")
    if compression == "xz":
        return lzma.LZMAFile(raw)
    # Arrow's streams read files with several frames to the end, and report truncated files. The streams of zstandard
    # and fsspec do neither.
    return pa.CompressedInputStream(raw, compression)


def check_text(file: InputFile, start: bytes, *, suffix: str = "jsonl") -> None:
    """Check that the beginning of a file is text, and not another kind of file.

    Args:
        file: The file.
        start: Its first bytes.
        suffix: The right suffix for text of this kind.

    Raises:
        DataError: It is another kind of file, or UTF-16.
    """
    for mark, (kind, remedy) in _OTHER_KINDS.items():
        if start.startswith(mark):
            raise DataError(f"{file.path} is {kind}, not plain {suffix.upper()}; {remedy.format(suffix=suffix)}")
    if start.startswith(_UTF16_MARKS):
        raise DataError(f"{file.path} is UTF-16; convert it to UTF-8 with `iconv -f UTF-16 -t UTF-8 in > out.{suffix}`")
