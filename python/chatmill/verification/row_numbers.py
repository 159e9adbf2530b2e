"""`RowNumbers`: whether the column `row` has each input row that is not rejected."""

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.verification.reporter import Reporter


class RowNumbers:
    """The input rows that samples came from. An input row takes a byte of memory, or a found one takes about 60.

    Args:
        rows: The number of input rows.
        most: The most bytes to take for input rows that may not be there: the manifest alone tells how many they are.
        is_ordered: Whether samples are in the order of the input rows.
    """

    def __init__(self, rows: int, most: int, *, is_ordered: bool) -> None:
        self._rows = rows
        self._seen = bytearray(rows if rows <= most else 0)
        self._found: set[int] = set()
        self._is_ordered = is_ordered
        self._last = 0

    def add(self, numbers: pa.Array, report: Reporter) -> None:
        """Add the rows of some samples.

        Args:
            numbers: The column `row`.
            report: Takes the faults.
        """
        outside = pc.or_(pc.less(numbers, 0), pc.greater_equal(numbers, self._rows))
        if not report.rows("row", f"row is not one of the {self._rows:,} input rows", outside):
            return
        if self._is_ordered and len(numbers):
            before = pa.concat_arrays([pa.array([self._last], pa.int64()), numbers[:-1]])
            problem = "row is before that of an earlier sample, but samples have the order of the inputs"
            report.rows("row_order", problem, pc.less(numbers, before))
            self._last = numbers[-1].as_py()
        unique = pc.unique(numbers).to_pylist()
        if not self._seen:
            self._found.update(unique)
            return
        for number in unique:
            self._seen[number] = 1

    def count(self) -> int:
        """Return the number of different rows."""
        return self._seen.count(1) + len(self._found)
