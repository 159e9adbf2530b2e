"""`checked_target`: the place of a new file, which may neither be an input nor lie in an output."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.manifest import MANIFEST
from chatmill.outputs.url import is_url


def checked_target(path: str | os.PathLike[str], inputs: Iterable[Any] = ()) -> Path:
    """Return the path of a new file.

    Args:
        path: The file; it may be there already.
        inputs: Files that it must not replace. Other values are passed over.

    Raises:
        DataError: There is no folder for it; it is a folder, a device, an input, or within an output, whose folder
            holds only the files of its manifest.
    """
    if is_url(path):
        raise DataError(f"{os.fspath(path)} is a URL, but chatmill writes reports only to this machine; give a path")
    target = Path(path).expanduser()
    folder = target.parent
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder} for {target.name}; make it, or give another path")
    if target.is_dir():
        raise DataError(f"{target} is a folder; give the name of a file")
    # A new file takes the place of the old one, and so would do away with `/dev/null` or a named pipe.
    if target.exists() and not target.is_file():
        raise DataError(f"{target} is a device or a pipe, which a file would replace; give the name of a file")
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / MANIFEST).is_file():
            raise DataError(
                f"{target} is within the output {place}, whose manifest does not list this file; give a path "
                "outside of it"
            )
    for entry in inputs:
        if isinstance(entry, (str, os.PathLike)) and _is_same(target, entry):
            raise DataError(f"{target} is an input, and the report would replace it; give another path")
    return target


def _is_same(target: Path, entry: str | os.PathLike[str]) -> bool:
    try:
        return target.samefile(Path(entry).expanduser())
    except (OSError, ValueError):
        return False
