"""`Places`: for each value of a column of lists, its row and its position there."""

from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc


class Places:
    """The places of the values of lists that lie one after the other.

    Args:
        lengths: The length of each list.

    Attributes:
        lengths: The length of each list, int64.
        starts: Where each list starts among all values, int64.
        total: The number of values.

    Example:
        >>> places = Places(pa.array([2, 0, 1]))
        >>> places.rows.to_pylist(), places.positions.to_pylist()
        ([0, 0, 2], [0, 1, 0])
        >>> places.first(pa.array([False, True, True])), places.count(pa.array([True, True, True]))
        ((0, 1), 2)
    """

    def __init__(self, lengths: pa.Array) -> None:
        self.lengths = pc.cast(lengths, pa.int64())
        ends = pc.cumulative_sum(self.lengths)
        self.starts = pc.subtract(ends, self.lengths)
        self.total: int = ends[-1].as_py() if len(ends) else 0
        self._ends = ends

    @cached_property
    def rows(self) -> pa.Array:
        """The row of each value, int64."""
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), self._ends])
        return pc.list_parent_indices(pa.LargeListArray.from_arrays(offsets, pa.nulls(self.total)))

    @cached_property
    def positions(self) -> pa.Array:
        """The position of each value in its list, int64."""
        return pc.subtract(numbers(self.total), pc.take(self.starts, self.rows))

    def of_rows(self, values: pa.Array) -> pa.Array:
        """Return the value of its row for each value.

        Args:
            values: A value for each row.
        """
        return pc.take(values, self.rows)

    def first(self, mask: pa.Array) -> tuple[int, int] | None:
        """Return the row and the position of the first value that a mask marks, or None.

        Args:
            mask: For each value whether it is marked.
        """
        at = first_true(mask)
        return None if at is None else (self.rows[at].as_py(), self.positions[at].as_py())

    def count(self, mask: pa.Array) -> int:
        """Return the number of rows that have marked values.

        Args:
            mask: For each value whether it is marked.
        """
        return int(pc.count_distinct(self.rows.filter(mask)).as_py())


def numbers(count: int) -> pa.Array:
    """Return the numbers from 0 on, int64.

    Args:
        count: How many.

    Example:
        >>> numbers(3).to_pylist()
        [0, 1, 2]
    """
    return pc.subtract(pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), count)), 1)


def first_true(mask: pa.Array) -> int | None:
    """Return the index of the first true value, or None.

    Args:
        mask: Booleans without nulls.

    Example:
        >>> first_true(pa.array([False, True])), first_true(pa.array([], pa.bool_()))
        (1, None)
    """
    at = pc.index(mask, pa.scalar(True)).as_py()
    return None if at < 0 else int(at)
