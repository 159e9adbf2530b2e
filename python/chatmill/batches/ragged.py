"""`Ragged`: the lists of a column one after the other, without a library for arrays."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from chatmill._chatmill import DataError

#: The types of the values, as the module `array` names them: int64 and float32.
INTEGERS, FLOATS = "q", "f"


@dataclass(frozen=True)
class Ragged:
    """A column of lists.

    Attributes:
        values: The values of all lists.
        lengths: The length of each list.
    """

    values: "array[Any]"
    lengths: list[int]

    @staticmethod
    def of(name: str, lists: Iterable[Any], kind: str) -> "Ragged":
        """Join lists, tuples, arrays and tensors.

        Args:
            name: The name of the column, for errors.
            lists: One list of numbers for each row.
            kind: `INTEGERS` or `FLOATS`.

        Raises:
            DataError: A row has no list, or a value is no number of this kind.

        Example:
            >>> Ragged.of("input_ids", [[1, 2], (3,)], INTEGERS)
            Ragged(values=array('q', [1, 2, 3]), lengths=[2, 1])
        """
        values: array[Any] = array(kind)
        lengths = []
        for row, given in enumerate(lists):
            numbers = given if isinstance(given, (list, tuple)) else _numbers(given)
            if numbers is None:
                raise DataError(
                    f"row {row} of the batch: `{name}` is of type {type(given).__name__}; give a list of numbers"
                )
            before = len(values)
            try:
                values.extend(numbers)
            except (TypeError, OverflowError) as error:
                raise DataError(
                    f"row {row} of the batch: `{name}` cannot be read ({error}); give a list of numbers"
                ) from None
            lengths.append(len(values) - before)
        return Ragged(values, lengths)

    def rows(self) -> list["array[Any]"]:
        """Return each list.

        Example:
            >>> Ragged.of("input_ids", [[1, 2], [3]], INTEGERS).rows()
            [array('q', [1, 2]), array('q', [3])]
        """
        return [self.values[start:stop] for start, stop in pairwise(accumulate(self.lengths, initial=0))]

    def cut(self, longest: int, *, keep_end: bool) -> "Ragged":
        """Return the same lists with at most so many values each.

        Args:
            longest: The most values of a list.
            keep_end: Whether the last values are kept, in place of the first ones.

        Example:
            >>> Ragged.of("input_ids", [[1, 2, 3], [4]], INTEGERS).cut(2, keep_end=True)
            Ragged(values=array('q', [2, 3, 4]), lengths=[2, 1])
        """
        values: array[Any] = array(self.values.typecode)
        for row in self.rows():
            values.extend(row[max(0, len(row) - longest) :] if keep_end else row[:longest])
        return Ragged(values, [min(length, longest) for length in self.lengths])


def _numbers(given: Any) -> Any:
    """Return an array or a tensor as a list; None for other objects."""
    if isinstance(given, array):
        return given.tolist()
    return given.tolist() if hasattr(given, "tolist") and getattr(given, "ndim", 1) == 1 else None
