"""`seal`: a checksum of a Parquet file within the file, so that a plan that lies alone can be checked."""

import hashlib
import os
from pathlib import Path

import pyarrow.parquet as pq

#: The key in the metadata of the file. Its value is the SHA-256 of the file in which this value is `UNSEALED`.
SEAL = "chatmill.sha256"
#: The value before the file is sealed.
UNSEALED = "0" * 64

_EARLIER_KEYS = {b"ARROW:schema", b"chatmill"}
_CHUNK_BYTES = 1 << 20
# At its end a Parquet file has the size of its footer, in four bytes, and four more bytes.
_END_BYTES = 8


def seal(path: Path) -> None:
    """Write the checksum into a Parquet file, over `UNSEALED`.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read or written.
        ValueError: The file has no value to write over.
    """
    digest = _digest(path, place := _place(path, UNSEALED))
    with path.open("r+b") as file:
        file.seek(place)
        file.write(digest.encode())


def is_seal_right(path: Path) -> bool | None:
    """Return whether a file has the checksum that it says; None if it says none.

    Args:
        path: The Parquet file.

    Raises:
        OSError: The file cannot be read.
        ValueError: Its footer is damaged.
        pyarrow.ArrowException: Its footer is damaged.
    """
    metadata = pq.read_metadata(path).metadata or {}
    value = metadata.get(SEAL.encode())
    if value is None:
        # A plan of an earlier version has no seal. Otherwise the key, or the number of keys, is damaged.
        return None if metadata.keys() == _EARLIER_KEYS and SEAL.encode() not in _footer(path)[1] else False
    return bool(_digest(path, _place(path, value.decode())) == value.decode())


def _place(path: Path, value: str) -> int:
    """Return where the value of the seal is in the file: in the footer, after its key."""
    start, footer = _footer(path)
    at = footer.rindex(value.encode(), footer.rindex(SEAL.encode()))
    if len(value) != len(UNSEALED):
        raise ValueError("the checksum is damaged")
    return start + at


def _footer(path: Path) -> tuple[int, bytes]:
    """Return where the footer of a file begins, and its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_BYTES))
        length = int.from_bytes(file.read(4), "little")
        start = size - _END_BYTES - length
        if start < 0:
            raise ValueError("the footer is damaged")
        file.seek(start)
        return start, file.read(length)


def _digest(path: Path, place: int) -> str:
    """Return the SHA-256 of a file with `UNSEALED` at a place."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start in range(0, os.fstat(file.fileno()).st_size, _CHUNK_BYTES):
            chunk = bytearray(file.read(_CHUNK_BYTES))
            first, last = max(place - start, 0), min(place - start + len(UNSEALED), len(chunk))
            if first < last:
                chunk[first:last] = UNSEALED[: last - first].encode()
            digest.update(chunk)
    return digest.hexdigest()
