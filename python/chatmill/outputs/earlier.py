"""`find_earlier`: the earlier output at a place, if chatmill wrote all of it and nothing has changed since."""

import os
import stat
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import Identity, WrittenFile, identity_of, sha256_of_all
from chatmill.outputs.manifest import manifest_name, recorded_files
from chatmill.outputs.place import names_of

#: What `overwrite` leaves alone, and what to do then.
KEPT = "`overwrite` replaces only unchanged outputs of chatmill"
REMEDY = "choose another output, or remove these files yourself"


@dataclass(frozen=True)
class EarlierOutput:
    """A folder that chatmill wrote, and that nothing else has changed.

    Attributes:
        files: Its files; the manifest is the first one.
    """

    files: Mapping[str, Identity]


def find_earlier(folder: Path, *, overwrite: bool, ignored: AbstractSet[str] = frozenset()) -> EarlierOutput | None:
    """Check that an output may be written to a folder.

    Args:
        folder: The output folder.
        overwrite: Whether an earlier output may be replaced.
        ignored: Names in the folder that are no part of an output.

    Returns:
        The earlier output; None if there is no folder, or an empty one.

    Raises:
        DataError: The folder has files that must not be replaced; the message names them.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise DataError(
            f"cannot write to {folder}, because it is a file and the output is a folder; choose another output"
        )
    top = sorted(entry.name for entry in folder.iterdir() if entry.name not in ignored)
    if not top:
        return None
    if not overwrite:
        raise DataError(f"{folder} is not empty; choose another output, or replace it with `overwrite` (`--overwrite`)")
    return _check(folder, top, ignored)


def is_unchanged(folder: Path, earlier: EarlierOutput, ignored: AbstractSet[str] = frozenset()) -> bool:
    """Return whether a folder still holds the same files, and nothing else. No file is read.

    Args:
        folder: The folder of the earlier output.
        earlier: Its files, as `find_earlier` found them.
        ignored: Names in the folder that are no part of an output.
    """
    return not changed_names(folder, earlier.files, ignored)


def changed_names(folder: Path, files: Mapping[str, Identity], ignored: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the names in a folder that are new, or whose files are others than before. No file is read.

    Args:
        folder: The folder.
        files: The files that were there before. Those that are gone are no change: nothing can be lost with them.
        ignored: Names in the folder that are no part of an output.
    """
    present, others = _scan(folder, _subfolders(files), ignored)
    return sorted([*others, *(name for name, identity in present.items() if files.get(name) != identity)])


def _check(folder: Path, top: list[str], ignored: AbstractSet[str]) -> EarlierOutput:
    manifest = manifest_name(top)
    if manifest not in top:
        raise DataError(
            f"{folder} has files that no manifest of chatmill lists ({names_of(top)}), but {KEPT}; {REMEDY}"
        )
    recorded = {file.file: file for file in _recorded(folder / manifest)}
    present, others = _scan(folder, _subfolders(recorded), ignored)
    foreign = sorted([*others, *(name for name in present if name not in recorded and name != manifest)])
    if foreign:
        raise DataError(
            f"{folder} has files that its {manifest} does not list ({names_of(foreign)}), but {KEPT}; {REMEDY}"
        )
    names = sorted(recorded.keys() & present.keys())
    changed = [name for name in names if present[name][1] != recorded[name].bytes]
    same_size = [name for name in names if present[name][1] == recorded[name].bytes]
    sums = sha256_of_all([folder / name for name in same_size])
    changed += [name for name, sha256 in zip(same_size, sums, strict=True) if sha256 != recorded[name].sha256]
    if changed:
        raise DataError(
            f"files in {folder} have changed since chatmill wrote them ({names_of(sorted(changed))}), but {KEPT}; "
            f"{REMEDY}"
        )
    return EarlierOutput({manifest: present[manifest], **{name: present[name] for name in names}})


def _recorded(path: Path) -> list[WrittenFile]:
    try:
        is_file = stat.S_ISREG(path.lstat().st_mode)
        files = recorded_files(path.read_bytes()) if is_file else None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a manifest of chatmill ({error}), but {KEPT}; {REMEDY}") from None
    if files is None:
        raise DataError(
            f"{path} is not a manifest of chatmill with a checksum of each file, but {KEPT}; choose another output, "
            "or remove the folder yourself"
        )
    return files


def _subfolders(names: Iterable[str]) -> set[str]:
    return {name.partition("/")[0] for name in names if "/" in name}


def _scan(
    folder: Path, subfolders: AbstractSet[str], ignored: AbstractSet[str]
) -> tuple[dict[str, Identity], list[str]]:
    """Return the files in a folder and in some of its subfolders, and the names of everything else in them."""
    files: dict[str, Identity] = {}
    others: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in ignored:
                continue
            if entry.is_file(follow_symlinks=False):
                files[entry.name] = identity_of(Path(entry.path))
            elif entry.name in subfolders and entry.is_dir(follow_symlinks=False):
                inner, strange = _scan(Path(entry.path), frozenset(), frozenset())
                files.update({f"{entry.name}/{name}": identity for name, identity in inner.items()})
                others += [f"{entry.name}/{name}" for name in strange]
            else:
                others.append(f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)
    return files, others
