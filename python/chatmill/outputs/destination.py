"""`new_output`: the new output of a run, in a folder of this machine or in a store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from chatmill.outputs.manifest import manifest_name
from chatmill.outputs.object_store import ObjectStore
from chatmill.outputs.place import OutputPlace
from chatmill.outputs.remote import RemoteOutput, local_place, remote_output
from chatmill.outputs.staging import StagedOutput, staged_output
from chatmill.outputs.url import OutputUrl, checked_url, is_url, output_name


@contextmanager
def new_output(
    destination: str | os.PathLike[str], *, overwrite: bool = False
) -> Iterator[StagedOutput | RemoteOutput]:
    """Hold an output, and create a folder to write into. Without `commit`, nothing of it stays.

    Args:
        destination: The output: a folder, or the URL of one.
        overwrite: Replace an unchanged output of chatmill there once the new one is complete.

    Yields:
        The new output.

    Raises:
        DataError: The output cannot be created, is held by another run, or must not be replaced.
    """
    make = remote_output if is_url(destination) else staged_output
    with make(destination, overwrite=overwrite) as output:
        yield output


def place_of(destination: str | os.PathLike[str]) -> OutputPlace:
    """Return the place of the lock and the blocks of an output.

    Args:
        destination: The output.

    Raises:
        DataError: It cannot be an output.
    """
    if is_url(destination):
        return local_place(ObjectStore(checked_url(destination)))
    return OutputPlace.of(destination)


def whole_name(destination: str | os.PathLike[str]) -> PurePath:
    """Return the name that an output has whatever the working directory is.

    Args:
        destination: The output.

    Raises:
        OSError: Its symbolic links have no end.
        RuntimeError: The same, or there is no home for `~`.
    """
    name = output_name(destination)
    return name if isinstance(name, OutputUrl) else Path(name).expanduser().resolve()


def manifest_of(destination: str | os.PathLike[str]) -> bytes | None:
    """Return the content of the manifest of an output; None if there is no complete output.

    Args:
        destination: The output.

    Raises:
        DataError: The store cannot be read.
        OSError: The folder cannot be read.
    """
    if is_url(destination):
        store = ObjectStore(checked_url(destination))
        return store.read(manifest_name(store.sizes()))
    folder = OutputPlace.of(destination).folder
    try:
        return (folder / manifest_name([path.name for path in folder.iterdir()])).read_bytes()
    except FileNotFoundError:
        return None
