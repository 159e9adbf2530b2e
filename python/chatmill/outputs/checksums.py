"""`WrittenFile`: a file of an output, with what its writer recorded; `checksum_of` and `sha256_of_all` hash files."""

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

_CHUNK_BYTES = 1 << 20
# Hashing one file takes a core; more threads than this only wait for the disk.
_MOST_THREADS = 8
_LONGEST_TICK_NS = 20_000_000

#: What tells whether a file is still the same one, without reading it: its inode, its size, and the times at which its
#: content and its entry in the filesystem changed, in nanoseconds.
Identity: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class WrittenFile:
    """A file of the output, as it was when its writer closed it.

    Attributes:
        file: Its path in the output folder, with `/`.
        rows: The number of its rows.
        bytes: Its size on disk.
        sha256: The SHA-256 of its bytes, in hexadecimal digits.
        identity: As long as the file has it, it need not be hashed again; None if it must be. Not in the manifest.
    """

    file: str
    rows: int
    bytes: int
    sha256: str
    identity: Identity | None = field(default=None, kw_only=True, compare=False, repr=False)

    def record(self) -> dict[str, Any]:
        """Return the fields for the manifest."""
        return {it.name: getattr(self, it.name) for it in fields(self) if it.name != "identity"}


def identity_of(path: Path) -> Identity:
    """Return the identity of a file. Of a link, it is that of the link.

    Args:
        path: The file.

    Raises:
        OSError: There is no such file.
    """
    status = path.lstat()
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def checksum_of(path: Path) -> tuple[str, Identity | None]:
    """Hash a file that its writer has closed.

    Args:
        path: The file.

    Returns:
        The SHA-256, and the identity, if each later change of the file changes it.

    Raises:
        OSError: The file cannot be read.
    """
    before, sha256, after = identity_of(path), sha256_of(path), identity_of(path)
    # Clocks of filesystems tick. A change within the tick of the last one would leave no trace.
    is_telling = before == after and time.time_ns() - after[3] > _LONGEST_TICK_NS and os.name != "nt"
    return sha256, after if is_telling else None


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
