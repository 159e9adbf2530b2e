"""`check_apart`: refuses an output that is an input, holds one, or lies in one; `check_separate`, for two outputs."""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.inputs import InputFile
from chatmill.outputs.object_store import ObjectStore
from chatmill.outputs.place import OutputPlace
from chatmill.outputs.url import checked_url, is_url

#: The number of a file on its disk. It is the same for all names of the file.
_Number = tuple[int, int]


def check_apart(output: str | os.PathLike[str], files: Sequence[InputFile], folders: Sequence[str] = ()) -> None:
    """Check that an output and the inputs of its run have nothing in common.

    Args:
        output: The output: a folder, or a URL.
        files: The input files.
        folders: Inputs as they were given; those that are folders must not hold the output.

    Raises:
        DataError: The output is, holds or lies in an input.
    """
    if is_url(output):
        store = ObjectStore(checked_url(output))
        for file in files:
            if file.filesystem is not None and store.holds(file.filesystem, file.location):
                raise _together(store.name, f"holds the input {file.path}")
        return
    place = OutputPlace.of(output).folder
    number = _number(place)
    numbers = set(_numbers_in(place))
    # Many files have few folders.
    number_of = cache(_number)
    for file in files:
        if not file.is_local:
            continue
        path = Path(file.location).resolve()
        if place == path or place in path.parents or _number(path) in numbers:
            raise _together(output, f"holds the input {file.path}")
        if number is not None and any(number_of(folder) == number for folder in path.parents):
            raise _together(output, f"holds the input {file.path}")
    above = {it for folder in (place, *place.parents) if (it := _number(folder)) is not None}
    for given in folders:
        folder = Path(given).expanduser()
        if folder.is_dir() and _number(folder) in above:
            raise _together(output, f"lies in the input folder {given}")


def check_separate(output: str | os.PathLike[str], source: Path) -> None:
    """Check that neither an output nor the output that it is made from holds the other one. URLs always pass.

    Args:
        output: The new output.
        source: The folder of the output that is read.

    Raises:
        DataError: One holds the other.
    """
    if is_url(output):
        return
    one, other = Path(output).expanduser().resolve(), source.resolve()
    if one == other or one in other.parents or other in one.parents:
        how = "is" if one == other else "holds" if one in other.parents else "lies in"
        raise DataError(f"the output {output} {how} the folder {source}, which is read; choose another output")


def _together(output: str | os.PathLike[str], how: str) -> DataError:
    return DataError(
        f"the output {os.fspath(output)} {how}, so a run would change or delete its own inputs; choose another output"
    )


def _numbers_in(folder: Path) -> Iterator[_Number]:
    """Yield the numbers of the files in a folder, also in its subfolders."""
    for parent, _, names in os.walk(folder):
        for name in names:
            number = _number(Path(parent, name))
            if number is not None:
                yield number


def _number(path: Path) -> _Number | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
