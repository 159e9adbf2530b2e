"""`BlockStore`: a folder with the tokens of blocks. A block is there completely, or not at all."""

import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import pyarrow as pa

from chatmill._chatmill import TokenBatch, masked_batch, restore_batch
from chatmill.resume.key import MillKey

_KEY = "key.json"
_SUFFIX = ".block"
_COUNTS = b"chatmill.counts"
_CHECK_BYTES = 4


@dataclass(frozen=True)
class KeptBlocks:
    """The blocks of one key in a store.

    Attributes:
        key: The key.
        folder: Their folder.
        blocks: Their number.
        bytes: Their size on disk.
        used: When one of them was last written or used, in seconds since 1970.
    """

    key: MillKey
    folder: Path
    blocks: int
    bytes: int
    used: float


class BlockStore:
    """The tokens of blocks, by what made them and by the content of their rows.

    Args:
        folder: The folder. It is created with the first block.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: MillKey, digest: str) -> TokenBatch | None:
        """Return the tokens of a block; None if they are not there, or damaged.

        Args:
            key: What makes the tokens.
            digest: The checksum of the rows.
        """
        path = self._path(key, digest)
        try:
            with pa.OSFile(os.fsencode(path)) as file:
                content = file.read_buffer()
        except OSError:
            return None
        # After a loss of power, a file may have its name but not its content.
        body = content.slice(0, max(0, content.size - _CHECK_BYTES))
        if content.size <= _CHECK_BYTES or content[-_CHECK_BYTES:].to_pybytes() != _check(body):
            return None
        try:
            with pa.ipc.open_stream(body) as stream:
                counts = (stream.schema.metadata or {})[_COUNTS].decode()
                table = stream.read_all()
            kept = {name: value for name, value in table.schema.metadata.items() if name != _COUNTS}
            tokens = restore_batch(table.replace_schema_metadata(kept or None), counts)
        except (pa.ArrowException, KeyError, ValueError):
            return None
        with suppress(OSError):
            os.utime(path)
        return tokens

    def put(self, key: MillKey, digest: str, tokens: TokenBatch) -> int:
        """Keep the tokens of a block.

        Args:
            key: What made the tokens.
            digest: The checksum of the rows.
            tokens: The tokens.

        Returns:
            The size of the block in bytes.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(key, digest)
        self._describe(key)
        path.parent.mkdir(exist_ok=True)
        _, (table, counts) = masked_batch(tokens).__reduce__()
        metadata = {**(table.schema.metadata or {}), _COUNTS: counts.encode()}
        schema = table.schema.with_metadata(metadata)

        def write(file: "_CheckedFile") -> None:
            with pa.ipc.new_stream(pa.PythonFile(file, "w"), schema) as writer:
                writer.write_table(table)

        return _write(path, write)

    def kept(self) -> Iterator[KeptBlocks]:
        """Find the blocks in the store, by their keys.

        Yields:
            The blocks of each key.
        """
        try:
            folders = sorted(entry.path for entry in os.scandir(self.folder) if entry.is_dir(follow_symlinks=False))
        except OSError:
            return
        for name in folders:
            folder = Path(name)
            try:
                key = MillKey.from_json((folder / _KEY).read_bytes())
            except (OSError, ValueError):
                continue
            found = [path.stat() for path in block_files(folder)]
            used = max((it.st_mtime for it in found), default=0.0)
            yield KeptBlocks(key, folder, len(found), sum(it.st_size for it in found), used)

    def count(self, key: MillKey) -> int:
        """Return the number of blocks of a key.

        Args:
            key: The key.
        """
        return sum(1 for _ in block_files(self._folder(key)))

    def has(self, key: MillKey, digest: str) -> bool:
        """Return whether a block is there. Its content is not checked.

        Args:
            key: What makes the tokens.
            digest: The checksum of the rows.
        """
        return self._path(key, digest).exists()

    def remove(self) -> None:
        """Remove all blocks. What cannot be removed now stays."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _describe(self, key: MillKey) -> None:
        folder = self._folder(key)
        if not (folder / _KEY).exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_shared(folder / _KEY, key.to_json().encode("utf-8", "surrogatepass"))

    def _folder(self, key: MillKey) -> Path:
        return self.folder / key.digest[:32]

    def _path(self, key: MillKey, digest: str) -> Path:
        # Folders with many thousands of files are slow on some disks.
        return self._folder(key) / digest[:2] / f"{digest}{_SUFFIX}"


def block_files(folder: Path) -> Iterator[Path]:
    """Find the files of the blocks of a key.

    Args:
        folder: The folder of the key.

    Yields:
        The paths.
    """
    return folder.glob(f"??/*{_SUFFIX}")


def write_shared(path: Path, content: bytes) -> None:
    """Write a file completely or not at all. Other processes may write it at the same time.

    Args:
        path: The file.
        content: Its bytes.

    Raises:
        OSError: It cannot be written.
    """
    _write(path, lambda file: file.write(content), is_checked=False)


class _CheckedFile:
    """A file of which a checksum is made while it is written. Arrow hands over its buffers without copying them.

    Tried and dropped: writing into memory first, which takes as long again.
    """

    closed = False

    def __init__(self, file: RawIOBase) -> None:
        self._file, self.size, self._crc = file, 0, 0

    def write(self, content: bytes | pa.Buffer) -> None:
        """Append bytes."""
        # As strong as needed against damage, and several times as fast as SHA-256.
        rest = memoryview(content)
        self._crc = zlib.crc32(rest, self._crc)
        self.size += len(rest)
        while rest:  # a system call may write less
            rest = rest[self._file.write(rest) or 0 :]

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def close(self) -> None:
        """Do nothing: the owner of the file closes it."""

    def finish(self) -> None:
        """Append the checksum."""
        self.write(self._crc.to_bytes(_CHECK_BYTES, "little"))


def _write(path: Path, write: Callable[[_CheckedFile], None], *, is_checked: bool = True) -> int:
    """Write a file completely or not at all, and return its size. Other runs may write the same file then."""
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with new.open("xb", buffering=0) as raw:
            file = _CheckedFile(raw)
            write(file)
            if is_checked:
                file.finish()
        os.replace(new, path)  # noqa: PTH105  # as all renames of an output: by `os`
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    return file.size


def _check(body: pa.Buffer) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECK_BYTES, "little")
