"""`quantiles`: the lengths that 50, 90, 95 and 99 % of the samples do not exceed."""

from collections.abc import Mapping

_PERCENTS = (50, 90, 95, 99, 100)


def quantiles(lengths: Mapping[int, int]) -> dict[str, int]:
    """Return the least length that at least 50, 90, 95 and 99 % of the samples do not exceed, and the longest.

    Args:
        lengths: Samples by their length.

    Returns:
        The lengths, by `"50"`, `"90"`, `"95"`, `"99"` and `"max"`; an empty dict without samples.

    Example:
        >>> quantiles({3: 1, 5: 2, 9: 1})
        {'50': 5, '90': 9, '95': 9, '99': 9, 'max': 9}
    """
    total, below, wanted = sum(lengths.values()), 0, list(_PERCENTS)
    found: dict[str, int] = {}
    for length in sorted(lengths):
        below += lengths[length]
        while wanted and total and below * 100 >= wanted[0] * total:
            percent = wanted.pop(0)
            found["max" if percent == 100 else str(percent)] = length
    return found
