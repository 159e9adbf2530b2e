"""`cache_folder`: the folder of `cache`; `check_cache_apart`: refuses one in the output or among the inputs."""

import os
from collections.abc import Sequence
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.inputs import InputFile
from chatmill.outputs.url import check_no_url, is_url
from chatmill.resume.own_names import is_own
from chatmill.text.source_name import shown_name

_Path = str | os.PathLike[str]


def cache_folder(cache: _Path) -> str | Path:
    """Return the folder of a cache, without symbolic links, or its URL.

    Args:
        cache: The folder as it was given.

    Raises:
        DataError: It cannot be a folder.
    """
    if is_url(cache):
        return os.fspath(cache)
    if not os.fspath(cache):
        raise DataError("the cache has no name; give a folder")
    check_no_url(cache)
    try:
        folder = Path(cache).expanduser().resolve()
        is_file = folder.exists() and not folder.is_dir()
        os.fspath(folder).encode()
    # A link that leads back to itself, `~` without a home, a name that no disk takes or that is not UTF-8.
    except (OSError, RuntimeError, ValueError) as error:
        name = shown_name(os.fspath(cache))
        raise DataError(f"the cache {name} cannot be used ({error}); choose another folder") from None
    if is_file:
        raise DataError(f"the cache {folder} is a file; give a folder")
    return folder


def check_cache_apart(
    cache: _Path | None, output: _Path | None = None, files: Sequence[InputFile] = (), folders: Sequence[str] = ()
) -> None:
    """Check that a cache is not a part of the output or of the inputs of a run.

    Args:
        cache: The cache; None if there is none.
        output: The output; None if it is not checked.
        files: The input files.
        folders: The inputs that are folders.

    Raises:
        DataError: It lies in the output or in an input folder, or an input is one of its files.
    """
    folder = None if cache is None else cache_folder(cache)
    if folder is None:
        return
    if output is not None and is_url(output) == isinstance(folder, str):
        whole = os.fspath(output).rstrip("/") if isinstance(folder, str) else Path(output).expanduser().resolve()
        if f"{os.fspath(folder).rstrip('/')}/".startswith(f"{whole}/"):
            where = f"the cache {shown_name(str(folder))} lies in the output {shown_name(os.fspath(output))}"
            raise DataError(f"{where}, which is replaced as a whole; {_CHOOSE}")
    if isinstance(folder, str):
        return
    for given in folders:
        if _lies_in(folder, Path(given).expanduser().resolve()):
            raise DataError(f"the cache {cache} lies in the input folder {given}, which is read; {_CHOOSE}")
    for file in files:
        path = Path(file.location).resolve() if file.is_local else None
        if path is not None and _lies_in(path, folder) and is_own(path.relative_to(folder).as_posix()):
            raise DataError(f"the input {file.path} is a file of the cache {cache}; {_CHOOSE}")


_CHOOSE = "choose another folder for the cache"


def _lies_in(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
