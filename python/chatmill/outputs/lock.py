"""`hold_output`: lets one run at a time write to an output, also across containers that share a disk."""

import errno
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor, unlock_descriptor

from chatmill._chatmill import DataError
from chatmill.outputs.place import DENIED, Base, OutputPlace

# Within this time a run that ends has removed its lock file.
_PATIENCE_SECONDS = 0.3
# Within this time a run that begins has written its name into its lock file, also on a busy machine.
_NAME_SECONDS = 2.0
_POLL_SECONDS = 0.02


_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


class HeldError(Exception):
    """Another process holds a folder."""


@contextmanager
def hold_output(place: OutputPlace) -> Iterator[Base]:
    """Hold an output until the end of the block. The kernel releases the locks of a dead process.

    Args:
        place: The output.

    Yields:
        The folder for the workspace: the parent of the output, or the output itself if it must stay where it is or the
        parent cannot be written to.

    Raises:
        DataError: Another run holds the output, or no lock can be made.
    """
    with ExitStack() as stack:
        base = place.inside if place.is_fixed else place.beside
        if base == place.beside:
            try:
                place.folder.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(_lock_file(base, place))
            except OSError as error:
                if error.errno not in DENIED or not place.folder.is_dir():
                    raise _cannot_create(place, error) from error
                base = place.inside
        if base == place.inside:
            try:
                stack.enter_context(_lock_file(base, place))
            except OSError as error:
                raise _cannot_create(place, error) from error
        if place.folder.is_dir():
            # The same folder may have other names: by mounts, or on a disk that ignores case.
            try:
                stack.enter_context(hold_folder(place.folder))
            except HeldError:
                raise DataError(_held_by(place, place.inside.lock)) from None
        other = place.beside if base == place.inside else place.inside
        if other.lock.exists():
            # A dead run left it there, when the folder was or was not a mount point.
            with suppress(OSError), _lock_file(other, place):
                pass
        yield base


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold a folder itself until the end of the block, if the filesystem has locks of folders.

    Args:
        folder: The folder.

    Raises:
        HeldError: Another process holds it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders.
        yield
        return
    try:
        try:
            is_free = lock_descriptor(descriptor, blocking=False)
        except OSError:  # network filesystems
            is_free = True
        if not is_free:
            raise HeldError(str(folder))
        try:
            yield
        finally:
            # A child that was forked meanwhile has the descriptor too, so closing it would not end the lock.
            with suppress(OSError):
                unlock_descriptor(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _lock_file(base: Base, place: OutputPlace) -> Iterator[None]:
    path = base.lock
    lock = FileLock(path, _PATIENCE_SECONDS, poll_interval=_POLL_SECONDS, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        if not path.exists():
            # The lock also waits if the folder refuses new files, as `/proc` does. This raises the reason.
            probe = base.new_workspace()
            probe.mkdir()
            probe.rmdir()
        raise DataError(_held_by(place, path)) from None
    own = path.stat()
    try:
        with suppress(OSError):  # Windows lets nobody write to a locked file.
            path.write_text(json.dumps(_owner()), encoding="utf-8")
        yield
    finally:
        # Under the lock: a run that waits for this file sees that it was unlinked, and makes a new one.
        with suppress(OSError):
            if os.path.samestat(own, path.stat()):
                path.unlink()
        lock.release()
        if os.name == "nt":
            with suppress(OSError):
                path.unlink()


def _owner() -> dict[str, str | int]:
    return {
        "process": os.getpid(),
        "host": platform.node(),
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _held_by(place: OutputPlace, lock: Path) -> str:
    who = "another run of chatmill"
    until = time.monotonic() + _NAME_SECONDS
    while time.monotonic() < until:
        try:
            owner = json.loads(lock.read_text(encoding="utf-8"))
            who = f"{who} (process {owner['process']} on {owner['host']}, started at {owner['started']})"
            break
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(_POLL_SECONDS)
    return f"{who} writes to {place.shown}; wait until it has ended, or choose another output"


def _cannot_create(place: OutputPlace, error: OSError) -> DataError:
    if error.errno in _NO_LOCKS:
        return DataError(
            f"the filesystem of {place.folder} has no file locks ({error.strerror}), which keep two runs apart; write "
            "to another disk and copy the output afterwards"
        )
    return DataError(
        f"cannot create the output folder {place.folder} ({error.strerror or error}); choose another output"
    )
