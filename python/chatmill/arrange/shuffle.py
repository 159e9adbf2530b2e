"""`Shuffle`: sorts rows by their keys on disk, so the rows may be larger than the memory."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.arrange.batch_file import BatchFile, joined

_KEYS = 1 << 64


class Shuffle:
    """Collects rows in batches, and returns them in the order of their keys.

    The range of keys is divided into equal parts. Each batch is sorted and cut at the borders of the parts. In the end
    all pieces of a part are read and sorted together. So the disk is written and read almost sequentially. Reading the
    rows of a part directly from the spool would need no second file. But it would read one 4 KiB page per row, which
    is slow as soon as the rows exceed memory.

    Args:
        path: The file to create.
        parts: The number of parts. Keys are random, so parts have about the same size.
    """

    def __init__(self, path: Path, *, parts: int) -> None:
        self._pieces = BatchFile(path)
        self._borders = [_KEYS * part // parts for part in range(1, parts)]
        self._parts: list[list[int]] = [[] for _ in range(parts)]

    def __enter__(self) -> "Shuffle":
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.close()

    def add(self, batch: pa.RecordBatch, keys: pa.Array, taken: pa.Array) -> None:
        """Add rows.

        Args:
            batch: Some rows.
            keys: The key of each row, as uint64. Rows with equal keys keep their order.
            taken: One boolean per row: whether to add the row.
        """
        rows = pc.indices_nonzero(taken)
        if len(rows) == 0:
            return
        # Rows are selected and sorted in one step, because each separate step would hold another copy of them.
        rows = rows.take(pc.sort_indices(keys.take(rows)))
        ordered = batch.append_column(_free_name(batch.schema), keys).take(rows)
        in_order = memoryview(ordered.columns[-1].buffers()[1]).cast("Q")
        start = 0
        for part, border in enumerate([*self._borders, _KEYS]):
            end = bisect_left(in_order, border, lo=start, hi=len(rows))
            if end > start:
                self._parts[part].append(self._pieces.append(ordered.slice(start, end - start)))
            start = end

    def parts(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows in the order of their keys, one batch per part that has rows."""
        for numbers in self._parts:
            if numbers:
                yield self._part(numbers)

    def _part(self, numbers: Sequence[int]) -> pa.RecordBatch:
        part = joined([self._pieces.read(number) for number in numbers])
        order = pc.sort_indices(part.columns[-1])
        return part.drop_columns([part.schema.names[-1]]).take(order)


def _free_name(schema: pa.Schema) -> str:
    """Return a name that no column has."""
    return max(schema.names, key=len, default="") + "_"
