"""`RowStarts`: which samples belong to the same row of the input."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


class RowStarts:
    """Which samples belong to the same row of the input, when a row becomes several samples.

    A sample takes one byte.

    Example:
        >>> starts = RowStarts()
        >>> starts.add(0, pa.array([7, 7, 8]))
        >>> starts.add(1, pa.array([8, 8]))  # another dataset
        >>> starts.first_samples(1, 4).to_pylist()
        [0, 2, 3, 3]
    """

    def __init__(self) -> None:
        self._starts = bytearray()
        self._last: tuple[int, int] | None = None

    def add(self, dataset: int, rows: pa.Array) -> None:
        """Add samples after those that came before.

        Args:
            dataset: The position of their dataset, from 0.
            rows: The number of the input row of each sample. Samples of one row are next to each other.
        """
        if len(rows) == 0:
            return
        begins = bytearray(pc.cast(pc.not_equal(rows[1:], rows[:-1]), pa.uint8()).to_pylist())
        self._starts.append((dataset, rows[0].as_py()) != self._last)
        self._starts += begins
        self._last = dataset, rows[-1].as_py()

    def first_samples(self, start: int, samples: int) -> pa.Array:
        """Return the first sample of the row of each sample, as uint64.

        Args:
            start: The number of the first sample.
            samples: The number of samples.
        """
        if samples == 0:
            return pa.array([], pa.uint64())
        starts = pa.Array.from_buffers(pa.uint8(), samples, [None, pa.py_buffer(self._starts)], offset=start)
        numbers = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), samples), start=start - 1)
        firsts = pc.if_else(starts.cast(pa.bool_()), numbers, pa.scalar(0, pa.int64()))
        before = self._starts.rfind(1, 0, start + 1)
        return pc.cumulative_max(firsts, start=pa.scalar(before, pa.int64())).cast(pa.uint64())


def starts_of(batches: Iterable[tuple[int, pa.RecordBatch]], column: str) -> RowStarts:
    """Return which samples belong together.

    Args:
        batches: All samples, each batch with the position of its dataset.
        column: The name of the column with the number of the row.
    """
    starts = RowStarts()
    for dataset, batch in batches:
        starts.add(dataset, batch.column(column))
    return starts
