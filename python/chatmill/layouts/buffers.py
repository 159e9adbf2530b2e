"""Arrow arrays as raw bytes of files, and files as Arrow arrays: `bytes_of`, `mapped_file`, `array_of`; `NewFile`."""

from pathlib import Path

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile, checksum_of
from chatmill.outputs.durable import sync_file


class NewFile:
    """A file of raw bytes. Only when it is complete it has its name.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f"{path.name}.tmp")
        self._file = self._temporary.open("wb")

    def write(self, content: bytes | memoryview) -> None:
        """Append bytes.

        Args:
            content: The bytes.
        """
        self._file.write(content)

    def flush(self) -> None:
        """Hand all bytes to the operating system."""
        self._file.flush()

    def write_at(self, place: int, content: bytes) -> None:
        """Write bytes over earlier ones; later bytes are appended again.

        Args:
            place: Where, in bytes from the start.
            content: The bytes.
        """
        self._file.seek(place)
        self._file.write(content)
        self._file.seek(0, 2)

    def read_at(self, place: int, count: int) -> bytes:
        """Return bytes that were written before.

        Args:
            place: Where, in bytes from the start.
            count: How many.
        """
        self._file.flush()
        with self._temporary.open("rb") as file:
            file.seek(place)
            return file.read(count)

    def close(self, rows: int) -> WrittenFile:
        """Complete the file.

        Args:
            rows: The number of its rows, for the record.

        Returns:
            A record of the file.
        """
        self._file.close()
        sync_file(self._temporary)
        self._temporary.replace(self.path)
        sha256, identity = checksum_of(self.path)
        return WrittenFile(self.path.name, rows, self.path.stat().st_size, sha256, identity=identity)

    def abandon(self) -> None:
        """Remove the unfinished file."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def bytes_of(array: pa.Array) -> memoryview:
    """Return the values of an array as bytes. Nothing is copied.

    Args:
        array: Numbers without nulls.

    Example:
        >>> list(bytes_of(pa.array([1, 258], pa.uint16())[1:]))
        [2, 1]
    """
    width = array.type.bit_width // 8
    values = array.buffers()[1]
    if values is None or not len(array):
        return memoryview(b"")
    return memoryview(values)[array.offset * width : (array.offset + len(array)) * width]


def mapped_file(path: Path) -> pa.Buffer:
    """Return the bytes of a file, mapped into memory.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        if not path.stat().st_size:  # nothing to map
            return pa.py_buffer(b"")
        with pa.memory_map(str(path)) as source:
            return source.read_buffer()
    except OSError as error:
        raise DataError(f"cannot read {path} ({error}); make the output again") from None


def array_of(content: pa.Buffer, kind: pa.DataType, place: int, count: int) -> pa.Array:
    """Return numbers of a file as an array. They are copied only if they are not aligned.

    Args:
        content: The bytes of the file.
        kind: The type of the numbers.
        place: Where they begin, in bytes.
        count: How many.

    Raises:
        DataError: The file has fewer.

    Example:
        >>> array_of(pa.py_buffer(bytes([1, 0, 2, 0])), pa.uint16(), 2, 1).to_pylist()
        [2]
    """
    width = kind.bit_width // 8
    if place < 0 or count < 0 or place + count * width > content.size:
        raise DataError(f"a file has {content.size:,} bytes, but more were expected; copy the output again")
    part = content.slice(place, count * width)
    if count and part.address % width:
        part = pa.py_buffer(part.to_pybytes())
    return pa.Array.from_buffers(kind, count, [None, part])
