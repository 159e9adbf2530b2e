"""`UrlFolder`: a folder of blocks in a store of fsspec, which several machines may share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.outputs.object_store import ObjectStore, StoredFile
from chatmill.resume.own_names import folders_of, is_own

_THREADS = 8


class UrlFolder:
    """The `BlockFolder` of a store. Writing and reading a whole object is atomic there.

    Args:
        store: The folder.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @property
    def name(self) -> str:
        """The folder, for messages."""
        return self._store.name

    def exists(self) -> bool:
        """Return whether the folder is there. In a store, it is there if it has files.

        Raises:
            DataError: The store cannot be read.
        """
        return bool(self._store.files())

    def files(self) -> dict[str, StoredFile]:
        """Return all files.

        Raises:
            DataError: The store cannot be read.
        """
        return self._store.files()

    def names(self, within: str) -> list[str]:
        """Return the names of the files in a subfolder and its subfolders.

        Args:
            within: The subfolder.

        Raises:
            DataError: The store cannot be read.
        """
        return [*self._store.files(within)]

    def read(self, name: str) -> pa.Buffer | None:
        """Return the content of a file; None if it is not there.

        Args:
            name: The file.

        Raises:
            DataError: The store cannot be read.
        """
        content = self._store.read(name)
        return None if content is None else pa.py_buffer(content)

    def write(self, name: str, content: bytes, *, durably: bool = False) -> None:  # noqa: ARG002
        """Write a file.

        Args:
            name: The file. One of this name is replaced.
            content: Its bytes.
            durably: No meaning: a store keeps what it took.

        Raises:
            OSError: It cannot be written.
        """
        try:
            self._store.write(name, content)
        except DataError as error:
            raise OSError(str(error)) from None

    def fill(self, name: str, fill: Callable[[Any], object]) -> None:
        """Write a file piece by piece. It is in memory until it is complete.

        Args:
            name: The file. One of this name is replaced.
            fill: Writes the content into a file.

        Raises:
            OSError: It cannot be written.
        """
        file = BytesIO()
        fill(file)
        self.write(name, file.getvalue())

    def mark_used(self, name: str) -> None:
        """Do nothing: to write the time of an object means to write the object.

        Args:
            name: The file.
        """

    def remove(self, name: str) -> None:
        """Remove a file. One that cannot be removed now stays.

        Args:
            name: The file.
        """
        with suppress(DataError):
            self._store.remove(name)

    def remove_all(self) -> None:
        """Remove the files that a `BlockStore` writes, and no others. What cannot be removed now stays."""
        with suppress(DataError), ThreadPoolExecutor(_THREADS, "chatmill-remove") as pool:
            names = {name for name in self._store.files() if is_own(name)}
            list(pool.map(self.remove, names))
            self._store.remove_folders([*folders_of(names), ""])
