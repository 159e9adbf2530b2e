"""What a `max_length` and packs of some lengths would give: `length_limits`, `all_sequences` and `packings`."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import pyarrow as pa

from chatmill._chatmill import LENGTH_LIMITS, PackPlan
from chatmill.reporting.model import LengthLimit, Packing, Sequences

_PACK_LENGTHS = (2048, 4096, 8192, 16384, 32768)
_BATCH = 8
# Of more samples, every n-th length is packed: the efficiency differs by less than 0.1 %, and a plan of ten million
# lengths takes two seconds.
_MOST_LENGTHS = 500_000


def all_sequences(lengths: Mapping[int, int], trained_cells: Sequence[int]) -> Sequences:
    """Return the totals of which `length_limits` takes parts.

    Args:
        lengths: Sequences by length.
        trained_cells: Their trained tokens, as for `length_limits`.

    Example:
        >>> all_sequences({100: 1, 150: 2}, [60, 30])
        Sequences(number=3, tokens=400, trained_tokens=90)
    """
    tokens = sum(length * count for length, count in lengths.items())
    return Sequences(sum(lengths.values()), tokens, sum(trained_cells))


def length_limits(lengths: Mapping[int, int], trained_cells: Sequence[int]) -> list[LengthLimit]:
    """Return what each `max_length` would cut.

    Args:
        lengths: Sequences by length.
        trained_cells: Their trained tokens before the first of `LENGTH_LIMITS`, and from each of them on.

    Returns:
        One for each of `LENGTH_LIMITS`, up to the first that cuts nothing.

    Example:
        >>> length_limits({100: 1, 150: 2}, [60, 30])
        [LengthLimit(max_length=128, cut=2, lost_tokens=44, lost_trained_tokens=30), \
LengthLimit(max_length=160, cut=0, lost_tokens=0, lost_trained_tokens=0)]
    """
    found: list[LengthLimit] = []
    present = sorted((length, count) for length, count in lengths.items() if length and count)
    ascending = [length for length, _ in present]
    rows = [0, *accumulate(count for _, count in present)]
    tokens = [0, *accumulate(length * count for length, count in present)]
    longest = max(lengths, default=0)
    trained = sum(trained_cells)
    for limit, before in zip(LENGTH_LIMITS, (*trained_cells, *[0] * len(LENGTH_LIMITS)), strict=False):
        fitting = bisect_right(ascending, limit)
        trained -= before
        cut = rows[-1] - rows[fitting]
        lost = tokens[-1] - tokens[fitting] - limit * cut
        found.append(LengthLimit(limit, cut, lost, trained if cut else 0))
        if limit >= longest:
            break
    return found


def packings(lengths: Mapping[int, int]) -> list[Packing]:
    """Return what packs of some lengths would give, in one run of best-fit decreasing.

    Args:
        lengths: Samples by length.

    Example:
        >>> packings({1024: 4})[0]
        Packing(max_length=2048, packs=2, efficiency=1.0, too_long=0, batch_efficiency=1.0)
    """
    return list(_packings(lengths))


def _packings(lengths: Mapping[int, int]) -> Iterator[Packing]:
    for pack in _PACK_LENGTHS:
        fitting = {length: count for length, count in sorted(lengths.items()) if 0 < length <= pack and count}
        samples, tokens = sum(fitting.values()), sum(length * count for length, count in fitting.items())
        too_long = sum(count for length, count in lengths.items() if length > pack)
        if not samples:
            yield Packing(pack, 0, 0.0, too_long, 0.0)
            continue
        step = -(-samples // _MOST_LENGTHS)
        packed = _every(fitting, step)
        plan = PackPlan.of(pa.array(packed, pa.int32()), pack)
        packs = len(plan) * step if step > 1 else len(plan)
        efficiency = sum(packed) / (len(plan) * pack)
        yield Packing(pack, packs, efficiency, too_long, tokens / samples / _expected_longest(fitting, samples))


def _every(lengths: Mapping[int, int], step: int) -> list[int]:
    """Return the lengths in ascending order, of which only each `step`-th is kept."""
    found: list[int] = []
    seen = 0
    for length, count in lengths.items():
        before, seen = seen, seen + count
        found += [length] * (-(-seen // step) - -(-before // step))
    return found


def _expected_longest(lengths: Mapping[int, int], samples: int) -> float:
    """Return the mean of the longest of a few samples drawn at random."""
    expected, seen, share = 0.0, 0, 0.0
    for length, count in lengths.items():
        seen += count
        before, share = share, (seen / samples) ** _BATCH
        expected += length * (share - before)
    return expected
