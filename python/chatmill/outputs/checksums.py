"""`WrittenFile`: a file of an output, with what its writer recorded; `sha256_of` and `sha256_of_all` hash files."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20
# Hashing one file takes a core; more threads than this only wait for the disk.
_MOST_THREADS = 8


@dataclass(frozen=True)
class WrittenFile:
    """A file of the output, as it was when its writer closed it.

    Attributes:
        file: Its path in the output folder, with `/`.
        rows: The number of its rows.
        bytes: Its size on disk.
        sha256: The SHA-256 of its bytes, in hexadecimal digits.
    """

    file: str
    rows: int
    bytes: int
    sha256: str


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
    """
    digest, chunk = hashlib.sha256(), memoryview(bytearray(_CHUNK_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(chunk):
            digest.update(chunk[:count])
    return digest.hexdigest()


def sha256_of_all(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file. Several files are read at a time.

    Args:
        paths: The files.

    Raises:
        OSError: A file cannot be read.
    """
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), "chatmill-checksum") as pool:
        return list(pool.map(sha256_of, paths))
