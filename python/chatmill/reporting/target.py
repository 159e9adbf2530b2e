"""`checked_target`: the place of a new file, which may neither be an input nor lie in an output."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.inputs import find_inputs
from chatmill.outputs.manifest import MANIFEST
from chatmill.outputs.url import is_url


def checked_target(path: str | os.PathLike[str], inputs: Iterable[Any] = (), *, kind: str | None = None) -> Path:
    """Return the path of a new file.

    Args:
        path: The file; it may be there already.
        inputs: Files that it must not replace, also as folders and globs. Other values are passed over.
        kind: The kind of the inputs, as for `find_inputs`.

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
    for entry in inputs if target.exists() else ():
        if any(_is_same(target, file) for file in _files_of(entry, kind)):
            raise DataError(f"{target} is an input, and the report would replace it; give another path")
    return target


def _files_of(entry: Any, kind: str | None) -> Iterable[str | os.PathLike[str]]:
    if not isinstance(entry, (str, os.PathLike)) or is_url(entry):
        return []
    try:
        given = Path(entry).expanduser()
        # An id of the Hub is neither of them, so nothing is asked for over the network.
        is_several = given.is_dir() or (not given.exists() and glob.has_magic(os.fspath(entry)))
    except (OSError, RuntimeError, ValueError):
        return []
    if not is_several or (given / MANIFEST).is_file():
        return [entry]
    try:
        return [file.location for file in find_inputs(entry, kind)]
    except DataError:
        # The run says what is wrong with its inputs.
        return []


def _is_same(target: Path, entry: str | os.PathLike[str]) -> bool:
    try:
        return target.samefile(Path(entry).expanduser())
    except (OSError, ValueError):
        return False
