"""Files and names that survive a power cut: `sync_file`, `sync_folder`, `write_durably`."""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

# Some filesystems, and Windows, do not sync folders.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOSYS, errno.ENOTSUP}

# The name of a file that is not finished. It is random, so that it is no file of a user, and does not begin with the
# name of the file, which may be as long as the filesystem allows.
_UNFINISHED = re.compile(r"\.chatmill-[0-9a-f]{16}\.new")
# A name that is there already is not used, also if it is a symbolic link.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


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
    temporary = path.with_name(f".chatmill-{os.urandom(8).hex()}.new")
    try:
        descriptor = os.open(temporary, _NEW, 0o600 if is_private else 0o666)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a path has no method for a descriptor
            file.write(content)
        sync_file(temporary)
        os.replace(temporary, path)  # noqa: PTH105  # as all renames of an output: by `os`
    except BaseException as error:
        if isinstance(error, FileExistsError) and error.filename2 is None:
            raise  # `os.open` found a file, which is not ours
        # Nothing half-written stays, whether the disk is full or a signal ended the run.
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def is_unfinished(name: str) -> bool:
    """Return whether a file has the name of one that `write_durably` had not finished when its process was killed.

    Args:
        name: The name.

    Example:
        >>> is_unfinished(".chatmill-0123456789abcdef.new"), is_unfinished("report.html.new")
        (True, False)
    """
    return _UNFINISHED.fullmatch(name) is not None
