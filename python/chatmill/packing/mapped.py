"""`MappedRows`: rows in a file that is mapped into memory, so that they can be read in any order."""

import mmap
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa


class MappedRows:
    """The rows of an Arrow file. Only what is read of them takes memory, until `release`.

    Args:
        path: The file.

    Attributes:
        table: The rows.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.table: pa.Table = pa.ipc.open_file(pa.py_buffer(self._map)).read_all()

    @classmethod
    def write(cls, path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> "MappedRows":
        """Write rows to a file and map it.

        Args:
            path: The new file.
            schema: The columns and their types, to which the batches are cast.
            batches: The rows.
        """
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for batch in batches:
                writer.write_batch(batch.cast(schema))
        return cls(path)

    def release(self) -> None:
        """Give the memory of what was read back to the system. Rows can still be read, also by other threads now.

        The pages stay in the cache of the file, so a row that is read again costs little. Without this, the process
        would hold all rows in the end: 1.7 GB for 171 million tokens.
        """
        # Windows has no such call. It takes pages back when memory is scarce.
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
