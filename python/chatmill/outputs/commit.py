"""`commit`: brings a new output to its place in one step, or by steps that the next run can complete or undo."""

import errno
import os
from pathlib import Path

from chatmill._chatmill import DataError, exchange_files
from chatmill.outputs.checksums import Identity
from chatmill.outputs.durable import sync_file, sync_folder
from chatmill.outputs.earlier import EarlierOutput
from chatmill.outputs.manifest import MANIFEST
from chatmill.outputs.place import DENIED, Base
from chatmill.outputs.settle import fill
from chatmill.outputs.workspace import Journal, Workspace

# Two names cannot be swapped here. No code: Windows.
_NO_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, None}
# The folder itself cannot be renamed, but files in it can: a mount point, a folder of a lower layer of a container, or
# a folder of another user.
_FIXED = {errno.EXDEV, errno.EBUSY, *DENIED}
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def commit(workspace: Workspace, base: Base, place: Path, earlier: EarlierOutput | None) -> None:
    """Bring the new output of a workspace to its place. Its end, and the clean-up after an error, is `settle`.

    Args:
        workspace: The workspace; its output is complete and checked.
        base: The folder of the workspace.
        place: The output folder.
        earlier: The output to replace; None if there is no folder, or an empty one.

    Raises:
        DataError: Other files appeared at the place.
        OSError: The filesystem refuses.
    """
    new = _sync(workspace.output)
    old = {} if earlier is None else dict(earlier.files)
    inode = workspace.output.stat().st_ino
    try:
        if base.folder == place:
            _fill(workspace, Journal("fill", inode, new, old), place)
        elif earlier is None:
            _rename_into(workspace, Journal("fill", inode, new, old), place)
        else:
            _replace(workspace, inode, new, old, place)
    except OSError as error:
        if error.errno in _TAKEN:
            raise DataError(
                f"files appeared at {place} during the run ({error.strerror}), so nothing was written; choose another "
                "output"
            ) from error
        raise
    sync_folder(place.parent)
    sync_folder(workspace.folder)


def _sync(output: Path) -> tuple[str, ...]:
    """Wait until all files of the new output are on the disk; return their names, the manifest last."""
    names = []
    for parent, _, files in os.walk(output):
        for file in files:
            sync_file(Path(parent, file))
            names.append(Path(parent, file).relative_to(output).as_posix())
        sync_folder(Path(parent))
    return tuple(sorted(names, key=lambda name: (name == MANIFEST, name)))


def _rename_into(workspace: Workspace, journal: Journal, place: Path) -> None:
    if os.name == "nt" and place.exists():
        os.rmdir(place)  # noqa: PTH106  # Windows replaces no folder, not even an empty one
    try:
        os.rename(workspace.output, place)  # noqa: PTH104  # as all steps of a commit: by `os`
    except OSError as error:
        if error.errno not in _FIXED or not place.is_dir():
            raise
        _fill(workspace, journal, place)


def _replace(workspace: Workspace, inode: int, new: tuple[str, ...], old: dict[str, Identity], place: Path) -> None:
    workspace.write_journal(Journal("exchange", inode, new, old))
    try:
        exchange_files(workspace.output, place)
    except OSError as error:
        if error.errno in _NO_EXCHANGE:
            workspace.write_journal(Journal("rename", inode, new, old))
            try:
                os.rename(place, workspace.earlier)  # noqa: PTH104
            except OSError as denied:
                if denied.errno not in _FIXED:
                    raise
                _fill(workspace, Journal("fill", inode, new, old), place)
            else:
                os.rename(workspace.output, place)  # noqa: PTH104
        elif error.errno in _FIXED:
            _fill(workspace, Journal("fill", inode, new, old), place)
        else:
            raise


def _fill(workspace: Workspace, journal: Journal, place: Path) -> None:
    workspace.write_journal(journal)
    fill(workspace, journal, place)
