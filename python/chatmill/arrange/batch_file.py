"""`BatchFile`: a file of record batches, each of which can be read on its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa


class BatchFile:
    """A file of record batches of one schema. Each batch is an Arrow IPC stream of its own, found by its offset.

    One IPC file for all batches would need the same dictionaries in all of them.

    Batches are not compressed. On one core lz4 writes up to 0.6 GB of tokens and labels a second and leaves 48 % of the
    size, zstd 0.4 GB/s and 34 %. Without compression the page cache takes several GB/s, and the disk of the measurement
    0.5 GB/s. A memory map would save a copy when reading (0.1 s per GB), but it ends the process if the disk fails.

    Args:
        path: The file to create.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = pa.OSFile(str(path), "wb")
        self._source: pa.NativeFile | None = None
        self._places: list[tuple[int, int]] = []

    def append(self, batch: pa.RecordBatch) -> int:
        """Write a batch.

        Args:
            batch: The batch.

        Returns:
            The number of the batch, for `read`.
        """
        start = self._sink.tell()
        with pa.ipc.new_stream(self._sink, batch.schema) as stream:
            stream.write_batch(batch)
        self._places.append((start, self._sink.tell() - start))
        return len(self._places) - 1

    def read(self, number: int) -> pa.RecordBatch:
        """Read a batch.

        Args:
            number: The number from `append`.

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
    """Join batches into one.

    Args:
        batches: At least one batch, all of one schema; their joined size must fit 32-bit offsets.

    Returns:
        A batch of all their rows.

    Example:
        >>> joined([pa.record_batch({"a": [1]}), pa.record_batch({"a": [2]})]).to_pydict()
        {'a': [1, 2]}
    """
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def cut(batch: pa.RecordBatch, most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into slices of equally many rows.

    Args:
        batch: The batch.
        most_bytes: The largest size of a slice, if rows have the average size; a slice has at least one row.

    Yields:
        The slices, in order.

    Example:
        >>> [piece.num_rows for piece in cut(pa.record_batch({"a": [1, 2, 3, 4]}), 16)]
        [2, 2]
    """
    rows = max(1, batch.num_rows * most_bytes // max(1, batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
