"""`ObjectStore`: a folder in a store of fsspec. Its errors are errors of chatmill, which say what to do."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, DataError
from chatmill.text.secrets import without_secrets
from chatmill.text.source_name import shown_name

_CHUNK_BYTES = 4 << 20
_CHECK = "check the URL, the access to its store, and the network"


@dataclass(frozen=True)
class StoredFile:
    """What a store tells about a file.

    Attributes:
        bytes: Its size.
        changed: When it was written, in seconds since 1970; 0 if the store does not tell it.
    """

    bytes: int
    changed: float


class ObjectStore:
    """A folder in a store. Names are paths in the folder, with `/`.

    Args:
        url: The URL of the folder, such as `s3://bucket/tokens`.

    Attributes:
        name: The URL without passwords and keys.

    Raises:
        DataError: No library for this kind of store is installed, or the URL names no folder.
    """

    def __init__(self, url: str) -> None:
        self.name = shown_name(url).rstrip("/") if url.partition("://")[2].strip("/") else shown_name(url)
        import fsspec

        try:
            self._files, location = fsspec.core.url_to_fs(url)
        except ImportError as cause:
            raise DataError(f"cannot open {self.name}: {without_secrets(str(cause))}") from None
        except ValueError as cause:
            reason = without_secrets(str(cause))
            raise DataError(
                f"cannot open {self.name}: {reason}; give a URL that fsspec knows, such as s3://bucket/folder"
            ) from None
        # Each store has errors of its own.
        except Exception as cause:  # noqa: BLE001
            raise self._error("open", cause) from None
        self.location: str = location.rstrip("/")
        if not self.location.strip("/"):
            raise DataError(f"{shown_name(url)} names no folder; give a URL such as s3://bucket/folder")

    def files(self, within: str = "") -> dict[str, StoredFile]:
        """Return all files in the folder and its subfolders, by their names.

        Args:
            within: The subfolder whose files are returned; empty for all.

        Raises:
            DataError: The store cannot be read.
        """
        with self._doing("read"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(f"{self.location}/{within}".rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
            start = f"{self.location}/"
            # Some tools make empty objects that stand for folders.
            return {
                path[len(start) :]: StoredFile(int(about["size"]), _time_of(about))
                for path, about in found.items()
                if path.startswith(start) and about["type"] == "file" and not path.endswith("/")
            }

    def sizes(self) -> dict[str, int]:
        """Return the sizes of all files in the folder and its subfolders, by their names.

        Raises:
            DataError: The store cannot be read.
        """
        return {name: file.bytes for name, file in self.files().items()}

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file.

        Args:
            name: The file.

        Raises:
            DataError: The store cannot be read.
        """
        with self._doing("read", name):
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except (FileNotFoundError, IsADirectoryError):
                return None
            return content

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file, which is read for it.

        Args:
            name: The file.

        Raises:
            DataError: It cannot be read.
        """
        digest = hashlib.sha256()
        with self._doing("read", name), self._files.open(self._path(name), "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def put(self, path: Path, name: str) -> None:
        """Copy a file of this machine into the folder, and check that the store has all of it.

        Args:
            path: The file.
            name: Its name in the folder. A file of this name is replaced.

        Raises:
            DataError: The store does not take it.
        """
        size = path.stat().st_size
        with self._doing("write", name):
            self._files.put_file(str(path), self._path(name))
            self._files.invalidate_cache()
            there = self._files.info(self._path(name)).get("size")
        if there != size:
            raise DataError(
                f"cannot write {self.name}/{name}: it has {size:,} bytes, but the store reports {there}; run the "
                "same command again"
            )

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Object stores write it completely or not at all.

        Args:
            name: The file. One of this name is replaced.
            content: Its bytes.

        Raises:
            DataError: The store does not take it.
        """
        with self._doing("write", name):
            path = self._path(name)
            if not self._files.async_impl:
                # Object stores have no folders, and s3fs would make a bucket.
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, content)

    def has(self, name: str) -> bool:
        """Return whether a file is there.

        Args:
            name: The file.

        Raises:
            DataError: The store cannot be read.
        """
        with self._doing("read", name):
            self._files.invalidate_cache()
            return bool(self._files.exists(self._path(name)))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Args:
            name: The file.

        Raises:
            DataError: The store does not remove it.
        """
        with self._doing("remove", name):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def remove_folders(self, names: list[str]) -> None:
        """Remove folders that are empty, in stores that have folders. Their errors are none of a run.

        Args:
            names: The folders; empty for the folder itself.
        """
        if not self._files.async_impl:
            for name in names:
                with suppress(Exception):
                    self._files.rmdir(self._path(name).rstrip("/"))

    @property
    def identity(self) -> str:
        """The same text for all URLs of this folder."""
        return str(self._files.unstrip_protocol(self.location))

    def holds(self, filesystem: Any, location: str) -> bool:
        """Return whether a file, or the folder of it, is in this folder.

        Args:
            filesystem: The fsspec filesystem of the file.
            location: Its path there.
        """
        return type(filesystem) is type(self._files) and f"{location}/".startswith(f"{self.location}/")

    def _path(self, name: str) -> str:
        return f"{self.location}/{name}"

    @contextmanager
    def _doing(self, what: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except ChatmillError:
            raise
        # Each store has errors of its own.
        except Exception as cause:  # noqa: BLE001
            raise self._error(what, cause, name) from None

    def _error(self, what: str, cause: Exception, name: str = "") -> DataError:
        place = f"{self.name}/{name}" if name else self.name
        if isinstance(cause, NotImplementedError):
            return DataError(
                f"cannot {what} {place}: chatmill can only read from this kind of store; choose another output"
            )
        reason = without_secrets(str(cause)) or type(cause).__name__
        return DataError(f"cannot {what} {place}: {reason}; {_CHECK}")


def _time_of(about: dict[str, Any]) -> float:
    for name in ("LastModified", "last_modified", "mtime", "updated", "modified", "created"):
        value = about.get(name)
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, datetime):
            return value.timestamp()
    return 0.0
