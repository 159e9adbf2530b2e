"""Numbers and shares as short texts for people."""

import math


def short_number(number: float) -> str:
    """Write a number with about three digits and a unit prefix.

    Args:
        number: A number of 0 or more.

    Returns:
        Such as `12.3 M`.

    Example:
        >>> short_number(999), short_number(12_345_678), short_number(512_000)
        ('999', '12.3 M', '512 k')
    """
    if number < 1000:
        return f"{number:.0f}"
    power = min(4, int(math.log10(number)) // 3)
    scaled = number / 1000**power
    return f"{scaled:.0f} {' kMGT'[power]}" if scaled >= 100 else f"{scaled:.1f} {' kMGT'[power]}"


def counted(number: int, name: str) -> str:
    """Write a number with the name of what is counted.

    Args:
        number: The number.
        name: The name of one of them; that of several ends with `s`.

    Example:
        >>> counted(1, "block"), counted(4_000, "block")
        ('1 block', '4,000 blocks')
    """
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def percent(part: float, whole: float) -> str:
    """Write a share in percent.

    Args:
        part: The part.
        whole: The whole; 0 gives a share of 0.

    Example:
        >>> percent(1, 3), percent(0, 0)
        ('33.3 %', '0.0 %')
    """
    return f"{100 * part / whole if whole else 0.0:.1f} %"
