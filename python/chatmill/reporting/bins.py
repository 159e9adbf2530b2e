"""`bins_of` and `few_bins`: divide a range of whole numbers into bins; `counts_in`: how many things each bin has."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from chatmill.statistics.quantiles import quantiles

# The bins of a chart, and the lines of a terminal that a person takes in at once.
_MOST, _FEW = 40, 12
_STEPS_AN_OCTAVE = 4


@dataclass(frozen=True)
class Bin:
    """A bin from its first number to its last one."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """The numbers of the bin as text."""
        return f"{self.first:,}" if self.first == self.last else f"{self.first:,} to {self.last:,}"


def bins_of(numbers: Sequence[int]) -> list[Bin]:
    """Return bins that hold all of the numbers.

    Few different numbers have a bin each. Numbers of one order have bins of equal width; others have bins that grow,
    four from each power of two to the next.

    Args:
        numbers: Whole numbers of 0 or more, in any order.

    Example:
        >>> [bin.name for bin in bins_of([1, 3])]
        ['1', '2', '3']
        >>> [bin.name for bin in bins_of([101, 140, 200])][:2]
        ['100 to 104', '105 to 109']
    """
    if not numbers:
        return []
    low, high = min(numbers), max(numbers)
    firsts = _equal(low, high) if high - low < _MOST or high < 4 * low else _growing(low, high)
    lasts = [first - 1 for first in firsts[1:]]
    return [Bin(first, last) for first, last in zip(firsts, [*lasts, high], strict=True)]


def few_bins(several: Sequence[Mapping[int, int]]) -> list[Bin]:
    """Divide the lengths of reports into the same bins of one width, which is 1, 2 or 5 times a power of 10.

    At most 12 bins hold 99 % of all samples. The longer ones, if there are any, are in a last bin.

    Args:
        several: For each report, samples by their length.

    Returns:
        The bins, without gaps; none if no report has samples.

    Example:
        >>> [bin.name for bin in few_bins([{3: 1, 5: 2, 6: 97, 900: 1}])]
        ['3', '4', '5', '6', '7 to 900']
    """
    together: Counter[int] = Counter()
    for lengths in several:
        together.update(lengths)
    known = [length for length, samples in together.items() if samples]
    if not known:
        return []
    common, longest = quantiles(together)["99"], max(known)
    width = next(it for it in _widths() if common // it - min(known) // it < _FEW)
    start, after = min(known) // width, common // width + 1
    bins = [Bin(at * width, (at + 1) * width - 1) for at in range(start, after)]
    return [*bins, Bin(after * width, longest)] if longest >= after * width else bins


def _equal(low: int, high: int) -> list[int]:
    width = next(it for it in _widths() if it * _MOST > high - low)
    return list(range(low - low % width, high + 1, width))


def _widths() -> Iterator[int]:
    """Widths with edges that a person can read."""
    return (10**power * digit for power in count() for digit in (1, 2, 5))


def _growing(low: int, high: int) -> list[int]:
    edges = {round(2 ** (step / _STEPS_AN_OCTAVE)) for step in range(high.bit_length() * _STEPS_AN_OCTAVE + 1)}
    inside = sorted(edge for edge in edges if low < edge <= high)
    before = max((edge for edge in edges if edge <= low), default=0)
    return [before, *inside]


def counts_in(bins: Sequence[Bin], counts: Mapping[int, int]) -> list[int]:
    """Return how many things each bin has.

    Args:
        bins: The bins, ascending.
        counts: The number of things by their number, each of which is in a bin if there is such a thing.

    Example:
        >>> counts_in([Bin(1, 2), Bin(3, 9)], {1: 5, 2: 1, 7: 2})
        [6, 2]
    """
    totals = [0] * len(bins)
    at = 0
    for number in sorted(number for number, things in counts.items() if things):
        while number > bins[at].last:
            at += 1
        totals[at] += counts[number]
    return totals
