"""`BlockFolder`: the files of a `BlockStore`, on a disk or in a store of fsspec. `block_folder` opens one."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from chatmill.outputs.object_store import ObjectStore, StoredFile
from chatmill.outputs.url import checked_url, is_url
from chatmill.resume.disk_folder import DiskFolder
from chatmill.resume.url_folder import UrlFolder


class BlockFolder(Protocol):
    """Files by their names, which are paths in the folder, with `/`. A file is there completely, or not at all."""

    @property
    def name(self) -> str:
        """The folder, for messages."""

    def exists(self) -> bool:
        """Return whether the folder is there."""

    def files(self) -> Mapping[str, StoredFile]:
        """Return all files."""

    def names(self, within: str) -> list[str]:
        """Return the names of the files in a subfolder and its subfolders.

        Args:
            within: The subfolder.
        """

    def read(self, name: str) -> pa.Buffer | None:
        """Return the content of a file; None if it is not there.

        Args:
            name: The file.
        """

    def write(self, name: str, content: bytes, *, durably: bool = False) -> None:
        """Write a file.

        Args:
            name: The file. One of this name is replaced.
            content: Its bytes.
            durably: Whether it must survive a power cut.

        Raises:
            OSError: It cannot be written.
        """

    def fill(self, name: str, fill: Callable[[Any], object]) -> None:
        """Write a file piece by piece.

        Args:
            name: The file. One of this name is replaced.
            fill: Writes the content into a file, which may take less than it is given.

        Raises:
            OSError: It cannot be written.
        """

    def mark_used(self, name: str) -> None:
        """Note that a file was used now, if the folder can.

        Args:
            name: The file.
        """

    def remove(self, name: str) -> None:
        """Remove a file. One that cannot be removed now stays.

        Args:
            name: The file.
        """

    def remove_all(self) -> None:
        """Remove all files of a `BlockStore`. What cannot be removed now stays."""


def block_folder(folder: str | os.PathLike[str]) -> BlockFolder:
    """Open a folder of blocks, which need not exist.

    Args:
        folder: Its path or URL.

    Raises:
        DataError: The URL cannot be used.
    """
    return UrlFolder(ObjectStore(checked_url(folder))) if is_url(folder) else DiskFolder(Path(folder))
