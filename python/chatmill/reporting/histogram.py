"""Histograms of lengths, and bars of blocks, for the terminal and notebooks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatmill.statistics.quantiles import quantiles

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"
# As many lines as a person takes in at once.
_MOST_BINS = 12


@dataclass(frozen=True)
class Bin:
    """Samples with lengths from `first` to `last` tokens."""

    first: int
    last: int
    samples: int


def bins(several: Sequence[Mapping[int, int]]) -> list[list[Bin]]:
    """Divide the lengths of reports into the same bins of one width, which is 1, 2 or 5 times a power of 10.

    At most 12 bins hold 99 % of all samples. The longer ones, if there are any, are in a last bin.

    Args:
        several: For each report, samples by their length.

    Returns:
        For each report its bins, without gaps; none if no report has samples.

    Example:
        >>> [(it.first, it.last, it.samples) for it in bins([{3: 1, 5: 2, 6: 97, 900: 1}])[0]]
        [(3, 3, 1), (4, 4, 0), (5, 5, 2), (6, 6, 97), (7, 900, 1)]
    """
    together: Counter[int] = Counter()
    for lengths in several:
        together.update(lengths)
    known = [length for length, samples in together.items() if samples]
    if not known:
        return [[] for _ in several]
    common, longest = quantiles(together)["99"], max(known)
    width = next(it for it in _widths() if common // it - min(known) // it < _MOST_BINS)
    start, after = min(known) // width, common // width + 1
    edges = [(at * width, (at + 1) * width - 1) for at in range(start, after)]
    if longest >= after * width:
        edges.append((after * width, longest))
    found = []
    for lengths in several:
        counts = [0] * len(edges)
        for length, samples in lengths.items():
            if samples:
                counts[min(length // width, after) - start] += samples
        found.append([Bin(first, last, count) for (first, last), count in zip(edges, counts, strict=True)])
    return found


def bar(part: float, whole: float, width: int) -> str:
    """Draw a share as a bar of blocks; anything above 0 is at least an eighth of a block.

    Args:
        part: The part.
        whole: The whole, which is as long as the width.
        width: The width in characters.

    Example:
        >>> bar(1, 2, 8), bar(1, 10_000, 8), bar(0, 1, 8)
        ('████', '▏', '')
    """
    if part <= 0 or whole <= 0:
        return ""
    eighths = max(1, round(min(part / whole, 1) * width * 8))
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def spark(counts: Iterable[int]) -> str:
    """Draw counts as one line of blocks; a dot is 0.

    Args:
        counts: The counts.

    Example:
        >>> spark([0, 1, 4, 8])
        '·▁▄█'
    """
    known = list(counts)
    most = max(known, default=0)
    return "".join(_LEVELS[max(0, -(-8 * it // most) - 1)] if it else "·" for it in known)


def _widths() -> Iterable[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
