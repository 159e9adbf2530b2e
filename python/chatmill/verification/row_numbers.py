"""`RowNumbers`: whether the column `row` has each input row that is not rejected."""

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.verification.reporter import Reporter


class RowNumbers:
    """The input rows that samples came from. An input row takes a byte of memory.

    Args:
        rows: The number of input rows.
        is_ordered: Whether samples are in the order of the input rows.
    """

    def __init__(self, rows: int, *, is_ordered: bool) -> None:
        self._seen = bytearray(rows)
        self._is_ordered = is_ordered
        self._last = 0

    def add(self, numbers: pa.Array, report: Reporter) -> None:
        """Add the rows of some samples.

        Args:
            numbers: The column `row`.
            report: Takes the faults.
        """
        outside = pc.or_(pc.less(numbers, 0), pc.greater_equal(numbers, len(self._seen)))
        if not report.rows("row", f"row is not one of the {len(self._seen):,} input rows", outside):
            return
        if self._is_ordered and len(numbers):
            before = pa.concat_arrays([pa.array([self._last], pa.int64()), numbers[:-1]])
            problem = "row is before that of an earlier sample, but samples have the order of the inputs"
            report.rows("row_order", problem, pc.less(numbers, before))
            self._last = numbers[-1].as_py()
        for number in pc.unique(numbers).to_pylist():
            self._seen[number] = 1

    def count(self) -> int:
        """Return the number of different rows."""
        return self._seen.count(1)
