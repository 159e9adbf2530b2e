"""`Shuffle`: rows sorted by their keys, more of them than memory holds."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.arrange.pieces import Pieces, joined

_KEYS = 1 << 64


class Shuffle:
    """Rows come in as batches, and go out in the order of their keys.

    The range of keys is cut into equal parts. Each batch is sorted and cut at the borders of the parts; in the end all
    pieces of a part are read, and sorted as one. So the disk is written and read in sequence, or nearly. To take the
    rows of each part from where they first stood needs no second file, but a reading by 4 KiB pages for each row, which
    is slow as soon as the rows are more than memory.

    Args:
        path: The file to make.
        parts: How many parts; keys are random, so these are of about the same size.
    """

    def __init__(self, path: Path, *, parts: int) -> None:
        self._pieces = Pieces(path)
        self._borders = [_KEYS * part // parts for part in range(1, parts)]
        self._parts: list[list[int]] = [[] for _ in range(parts)]

    def __enter__(self) -> "Shuffle":
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.close()

    def add(self, batch: pa.RecordBatch, keys: pa.Array, taken: pa.Array) -> None:
        """Take rows.

        Args:
            batch: Some rows.
            keys: The key of each, as uint64; no two are equal.
            taken: Which of them to take.
        """
        rows = pc.indices_nonzero(taken)
        if len(rows) == 0:
            return
        # Chosen and sorted in one go: each on its own holds the rows once more.
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
        """All rows in the order of their keys, a batch for each part that has rows."""
        for numbers in self._parts:
            if numbers:
                yield self._part(numbers)

    def _part(self, numbers: Sequence[int]) -> pa.RecordBatch:
        part = joined([self._pieces.read(number) for number in numbers])
        order = pc.sort_indices(part.columns[-1])
        return part.drop_columns([part.schema.names[-1]]).take(order)


def _free_name(schema: pa.Schema) -> str:
    """A name that no column has."""
    return max(schema.names, key=len, default="") + "_"
