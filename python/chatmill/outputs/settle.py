"""`settle`: ends what a run began: completes or undoes its commit, and removes its workspace.

Each run calls it at its end. For a run that was killed, the next one does; so every step may have been made or not.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.durable import sync_folder
from chatmill.outputs.earlier import changed_names
from chatmill.outputs.lock import HeldError, hold_folder
from chatmill.outputs.place import OutputPlace, names_of
from chatmill.outputs.workspace import Journal, Workspace


def settle_leftovers(place: OutputPlace) -> list[str]:
    """Settle the workspaces of runs that died. Call it only while the output is held.

    Args:
        place: The output.

    Returns:
        Warnings about earlier outputs that were kept.

    Raises:
        DataError: A half commit can be neither completed nor undone.
    """
    warnings: list[str] = []
    for base in (place.beside, place.inside):
        for folder in base.workspaces():
            workspace = Workspace(folder)
            # If someone deleted the lock file, its run may still be alive.
            with suppress(HeldError), hold_folder(folder):
                if workspace.belongs_to(base):
                    warnings += _settle_leftover(workspace, place.folder)
    return warnings


def _settle_leftover(workspace: Workspace, place: Path) -> list[str]:
    try:
        return settle(workspace, place)
    except OSError as error:
        raise DataError(
            f"an earlier run was killed while it wrote {place}, and chatmill can neither complete nor undo its work in "
            f"{workspace.folder} ({error}); repair this, and run it again"
        ) from error


def settle(workspace: Workspace, place: Path) -> list[str]:
    """Complete or undo a commit, delete the earlier output if it was replaced, and remove the workspace.

    Args:
        workspace: The workspace.
        place: The output folder.

    Returns:
        A warning, if the earlier output was kept because it changed during the run.

    Raises:
        OSError: The commit can be neither completed nor undone.
    """
    journal = workspace.read_journal()
    warnings: list[str] = []
    if journal is not None:
        if not workspace.discarded.exists():
            warnings = _WAYS[journal.way](workspace, journal, place)
        _delete_files(workspace, journal)
        sync_folder(workspace.folder)
        workspace.end_journal()
    if workspace.discarded.exists():
        warnings += _remove_discarded(workspace, place)
    workspace.remove()
    return warnings


def fill(workspace: Workspace, journal: Journal, place: Path) -> None:
    """Move the earlier files out of a folder and the new files into it, with the manifests at the outer ends.

    Args:
        workspace: The workspace. Files that were moved before stay where they are.
        journal: The files.
        place: The output folder.

    Raises:
        DataError: Another file has the name of a new file.
        OSError: A file cannot be moved.
    """
    for name in journal.old:
        is_new = name in journal.new and not (workspace.output / name).exists()
        if not is_new and not (workspace.earlier / name).exists() and (place / name).exists():
            _move(place / name, workspace.earlier / name)
    _remove_subfolders(place, journal.old)
    sync_folder(place)
    for name in journal.new:
        if (workspace.output / name).exists():
            if os.path.lexists(place / name):
                raise DataError(
                    f"{place / name} appeared during the run, so nothing was written; remove it, or choose another "
                    "output"
                )
            if name == journal.new[-1]:  # the manifest
                sync_folder(place)
            _move(workspace.output / name, place / name)
    for folder in {(place / name).parent for name in journal.new}:
        sync_folder(folder)


def _settle_exchange(workspace: Workspace, journal: Journal, place: Path) -> list[str]:
    if not workspace.output.is_dir() or workspace.output.stat().st_ino == journal.inode:
        return []
    return _discard(workspace, workspace.output, journal, place)


def _settle_rename(workspace: Workspace, journal: Journal, place: Path) -> list[str]:
    if not workspace.earlier.is_dir():
        return []
    if workspace.output.is_dir():
        if place.exists():
            return [_keep(workspace.earlier, workspace, place, "another folder took its place")]
        # The files of the new output were checked and synced before the journal was written.
        if all((workspace.output / name).exists() for name in journal.new):
            with suppress(OSError):
                os.rename(workspace.output, place)  # noqa: PTH104  # as all steps of a commit: by `os`
        if not place.exists():
            os.rename(workspace.earlier, place)  # noqa: PTH104
            sync_folder(place.parent)
            return []
        sync_folder(place.parent)
    return _discard(workspace, workspace.earlier, journal, place)


def _settle_fill(workspace: Workspace, journal: Journal, place: Path) -> list[str]:
    if (workspace.output / journal.new[-1]).exists():  # the manifest, whose name was another one in earlier versions
        is_whole = all((workspace.output / name).exists() or (place / name).exists() for name in journal.new)
        try:
            if is_whole:
                fill(workspace, journal, place)
        except (DataError, OSError):
            is_whole = False
        if not is_whole:
            return _unfill(workspace, journal, place)
    if workspace.earlier.is_dir():
        os.rename(workspace.earlier, workspace.discarded)  # noqa: PTH104
    return []


def _unfill(workspace: Workspace, journal: Journal, place: Path) -> list[str]:
    """Move the new files out of a folder again, and the earlier files back into it, the manifest last."""
    for name in reversed(journal.new):
        is_new = name not in journal.old or (workspace.earlier / name).exists()
        if is_new and not (workspace.output / name).exists() and (place / name).exists():
            _move(place / name, workspace.output / name)
    _remove_subfolders(place, journal.new)
    for name in reversed(journal.old):
        if (workspace.earlier / name).exists() and not os.path.lexists(place / name):
            _move(workspace.earlier / name, place / name)
    sync_folder(place)
    _remove_subfolders(workspace.earlier, journal.old)
    with suppress(OSError):
        os.rmdir(workspace.earlier)  # noqa: PTH106
    if workspace.earlier.is_dir():
        return [_keep(workspace.earlier, workspace, place, "other files took its place")]
    return []


_WAYS: dict[str, Callable[[Workspace, Journal, Path], list[str]]] = {
    "exchange": _settle_exchange,
    "rename": _settle_rename,
    "fill": _settle_fill,
}


def _discard(workspace: Workspace, folder: Path, journal: Journal, place: Path) -> list[str]:
    """Let the earlier output be deleted, or keep it if anything in it has changed."""
    changed = changed_names(folder, journal.old)
    if changed:
        why = f"files in it changed or appeared during the run ({names_of(changed)})"
        return [_keep(folder, workspace, place, why)]
    os.rename(folder, workspace.discarded)  # noqa: PTH104
    return []


def _delete_files(workspace: Workspace, journal: Journal) -> None:
    """Delete the files of the earlier output, and no others."""
    if workspace.discarded.exists():
        for name in journal.old:
            (workspace.discarded / name).unlink(missing_ok=True)
        _remove_subfolders(workspace.discarded, journal.old)


def _remove_discarded(workspace: Workspace, place: Path) -> list[str]:
    with suppress(OSError):
        os.rmdir(workspace.discarded)  # noqa: PTH106
    if not workspace.discarded.exists():
        return []
    names = sorted(entry.name for entry in workspace.discarded.iterdir())
    return [_keep(workspace.discarded, workspace, place, f"files appeared in it ({names_of(names)})")]


def _keep(folder: Path, workspace: Workspace, place: Path, why: str) -> str:
    """Give the earlier output a visible name, and return a warning about it."""
    kept = workspace.folder.parent / f"earlier-output-{os.urandom(8).hex()}"
    os.rename(folder, kept)  # noqa: PTH104
    sync_folder(kept.parent)
    return (
        f"the earlier output of {place} is kept in {kept}, because {why}; move the files that you need, and remove the "
        "folder"
    )


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(source, target)  # noqa: PTH104


def _remove_subfolders(folder: Path, names: Iterable[str]) -> None:
    for subfolder in {name.partition("/")[0] for name in names if "/" in name}:
        with suppress(OSError):
            os.rmdir(folder / subfolder)  # noqa: PTH106
