"""`Lengths`: the lengths of samples, counted, and their percentiles."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.statistics.quantiles import quantiles


class Lengths:
    """The number of samples of each length. Memory grows with the number of different lengths only.

    Example:
        >>> lengths = Lengths()
        >>> lengths.add(pa.array([3, 5, 5, 9], pa.int32()))
        >>> lengths.percentiles()
        {'50': 5, '90': 9, '95': 9, '99': 9, 'max': 9}
    """

    def __init__(self) -> None:
        self._samples: Counter[int] = Counter()

    def add(self, column: pa.Array) -> None:
        """Count samples.

        Args:
            column: The number of tokens of each sample, int32, without nulls.
        """
        for entry in pc.value_counts(column):
            self._samples[entry["values"].as_py()] += entry["counts"].as_py()

    def merge(self, other: "Lengths") -> None:
        """Count the samples of another count.

        Args:
            other: The other count.
        """
        self._samples.update(other._samples)

    def percentiles(self) -> Mapping[str, int]:
        """Return the least length that at least 50, 90, 95 and 99 % of the samples do not exceed, and the longest.

        Returns:
            The lengths in tokens, by `"50"`, `"90"`, `"95"`, `"99"` and `"max"`; an empty dict without samples.
        """
        return quantiles(self._samples)
