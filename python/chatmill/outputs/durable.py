"""Files and names that survive a power cut: `sync_file`, `sync_folder`, `write_durably`."""

import errno
import os
from contextlib import suppress
from pathlib import Path

# Some filesystems, and Windows, do not sync folders.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOSYS, errno.ENOTSUP}


def sync_file(path: Path) -> None:
    """Wait until the bytes of a file are on the disk.

    Args:
        path: The file.

    Raises:
        OSError: The disk does not take them.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, if the filesystem can do this.

    Args:
        path: The folder.

    Raises:
        OSError: The disk does not take them.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def write_durably(path: Path, content: bytes, *, is_private: bool = False) -> None:
    """Write a file completely or not at all.

    Args:
        path: The file; an earlier one is replaced.
        content: Its bytes.
        is_private: Whether only its owner can read it.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = path.with_name(f"{path.name}.new")
    try:
        with open(temporary, "wb", opener=_open_private if is_private else None) as file:  # it has no opener
            file.write(content)
        sync_file(temporary)
        os.replace(temporary, path)  # noqa: PTH105  # as all renames of an output: by `os`
    except BaseException:
        # Nothing half-written stays, whether the disk is full or a signal ended the run.
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
