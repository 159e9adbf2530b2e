"""`FileState`: what a store reports about a file. It shows whether the file changed during a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The keys of fsspec's stores for the version, the checksum or the time of a file.
_DETAILS = (
    *("ETag", "etag", "e_tag", "md5", "md5Hash", "crc32c", "checksum", "content_md5", "sha", "blob_id", "CRC"),
    *("version", "VersionId", "version_id", "generation", "ino"),
    *("mtime", "modified", "updated", "last_modified", "LastModified", "created"),
)


@dataclass(frozen=True)
class FileState:
    """What a store reports about a file.

    Attributes:
        size: Bytes in the store, or None if the store does not report it.
        details: The other facts that change with the file, by name, as texts.
    """

    size: int | None
    details: Mapping[str, str]


def state_of(filesystem: Any, location: str, *, is_local: bool) -> FileState:
    """Ask a store about a file.

    Args:
        filesystem: The fsspec filesystem.
        location: The path of the file in it.
        is_local: Whether the file is on a disk of this machine.

    Returns:
        For a local file its size, its time of change and its inode; for a remote file what the store reports.

    Raises:
        OSError: There is no such file, or the store does not answer.
    """
    if is_local:
        status = Path(location).stat()
        of_disk = {"mtime": status.st_mtime_ns, "inode": status.st_ino, "device": status.st_dev}
        return FileState(status.st_size, {name: str(value) for name, value in of_disk.items()})
    info = filesystem.info(location)
    details = {name: str(info[name]) for name in _DETAILS if info.get(name) is not None}
    return FileState(info.get("size"), details)
