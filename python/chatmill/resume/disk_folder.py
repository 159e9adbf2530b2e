"""`DiskFolder`: a folder of blocks on a disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill.outputs.durable import sync_file, sync_folder
from chatmill.outputs.object_store import StoredFile
from chatmill.resume.own_names import is_own, is_own_folder, is_unfinished


class DiskFolder:
    """The `BlockFolder` of a disk.

    Args:
        folder: The folder. It is created with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder, for messages."""
        return str(self._folder)

    def exists(self) -> bool:
        """Return whether the folder is there."""
        return self._folder.is_dir()

    def files(self) -> dict[str, StoredFile]:
        """Return all files."""
        found = {}
        for name in self.names(""):
            with suppress(OSError):  # another run may have removed it
                status = (self._folder / name).stat()
                found[name] = StoredFile(status.st_size, status.st_mtime)
        return found

    def names(self, within: str) -> list[str]:
        """Return the names of the files in a subfolder and its subfolders.

        Args:
            within: The subfolder.
        """
        return [
            Path(parent, name).relative_to(self._folder).as_posix()
            for parent, _, names in os.walk(self._folder / within)
            for name in names
        ]

    def read(self, name: str) -> pa.Buffer | None:
        """Return the content of a file; None if it is not there.

        Args:
            name: The file.
        """
        path = self._folder / name
        try:
            if not path.is_file():  # to open a named pipe would wait for its other end
                return None
            with pa.OSFile(os.fsencode(path)) as file:
                return file.read_buffer()
        except OSError:
            return None

    def write(self, name: str, content: bytes, *, durably: bool = False) -> None:
        """Write a file. Other runs may write the same file at the same time.

        Args:
            name: The file. One of this name is replaced.
            content: Its bytes.
            durably: Whether it must survive a power cut.

        Raises:
            OSError: It cannot be written.
        """
        with self._replaced(name, durably=durably) as new:
            new.write_bytes(content)

    def fill(self, name: str, fill: Callable[[Any], object]) -> None:
        """Write a file piece by piece. Other runs may write the same file at the same time.

        Args:
            name: The file. One of this name is replaced.
            fill: Writes the content into a file, which may take less than it is given.

        Raises:
            OSError: It cannot be written.
        """
        with self._replaced(name) as new, new.open("xb", buffering=0) as file:
            fill(file)

    def mark_used(self, name: str) -> None:
        """Note that a file was used now.

        Args:
            name: The file.
        """
        with suppress(OSError):
            os.utime(self._folder / name)

    def remove(self, name: str) -> None:
        """Remove a file. One that cannot be removed now stays.

        Args:
            name: The file.
        """
        with suppress(OSError):
            (self._folder / name).unlink()

    def remove_all(self) -> None:
        """Remove the files and folders that a `BlockStore` writes, and no others. What cannot be removed now stays."""
        for parent, _, names in os.walk(self._folder, topdown=False):
            folder = Path(parent).relative_to(self._folder)
            for name in names:
                path = (folder / name).as_posix()
                if is_own(path) or is_unfinished(path):
                    self.remove(path)
            if parent == str(self._folder) or is_own_folder(folder.as_posix()):
                with suppress(OSError):  # it holds other files
                    Path(parent).rmdir()

    @contextmanager
    def _replaced(self, name: str, *, durably: bool = False) -> Iterator[Path]:
        """Give a path that gets the name of the file at the end."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
        try:
            yield new
            if durably:
                sync_file(new)
            os.replace(new, path)  # noqa: PTH105  # as all renames of an output: by `os`
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        if durably:
            sync_folder(path.parent)
