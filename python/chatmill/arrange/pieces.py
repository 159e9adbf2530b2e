"""`Pieces`: record batches in a file, each of which can be read alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa


class Pieces:
    """A file of record batches of one schema; each is an Arrow IPC stream of its own, found by its place.

    An IPC file would have one set of dictionaries for all its batches.

    Nothing is compressed. On one core lz4 writes up to 0.6 GB of tokens and labels a second and leaves 48 %, zstd 0.4
    GB/s and 34 %; as they are, the page cache takes several GB/s, and the disk on which this was tried 0.5. A memory
    map would save a copy on reading (0.1 s a GB), but ends the process if the disk fails.

    Args:
        path: The file to make.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = pa.OSFile(str(path), "wb")
        self._source: pa.NativeFile | None = None
        self._places: list[tuple[int, int]] = []

    def append(self, batch: pa.RecordBatch) -> int:
        """Write a batch.

        Args:
            batch: What to write.

        Returns:
            Its number, for `read`.
        """
        start = self._sink.tell()
        with pa.ipc.new_stream(self._sink, batch.schema) as stream:
            stream.write_batch(batch)
        self._places.append((start, self._sink.tell() - start))
        return len(self._places) - 1

    def read(self, number: int) -> pa.RecordBatch:
        """Read a batch.

        Args:
            number: What `append` gave for it.

        Returns:
            The batch, in memory.
        """
        if self._source is None:
            self._source = pa.OSFile(str(self._path), "rb")
        start, size = self._places[number]
        self._source.seek(start)
        with pa.ipc.open_stream(self._source.read_buffer(size)) as stream:
            return stream.read_next_batch()

    def close(self) -> None:
        """Close the file and remove it."""
        self._sink.close()
        if self._source is not None:
            self._source.close()
        self._path.unlink(missing_ok=True)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches as one.

    Args:
        batches: At least one, of one schema; of a size that 32-bit offsets can hold.

    Returns:
        All their rows.
    """
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def cut(batch: pa.RecordBatch, most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into slices of equally many rows.

    Args:
        batch: What to cut.
        most_bytes: How large a slice may be, if its rows are of average size; a slice has at least one row.

    Yields:
        The slices, in order.
    """
    rows = max(1, batch.num_rows * most_bytes // max(1, batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
