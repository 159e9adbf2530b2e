"""Numbers as texts: with all their digits, as shares, and short ones for an axis."""

from chatmill.text.numbers import percent


def count(number: int) -> str:
    """Write a number with all its digits.

    Args:
        number: The number.

    Example:
        >>> count(1234567)
        '1,234,567'
    """
    return f"{number:,}"


def share(part: float, whole: float) -> str:
    """Write a share in percent. A small share that is not 0 is not written as 0, and 99.99 % not as 100 %.

    Args:
        part: The part.
        whole: The whole.

    Returns:
        The share; `–` if the whole is 0.

    Example:
        >>> share(1, 3), share(1, 100_000), share(99_999, 100_000), share(0, 0)
        ('33.3 %', '< 0.1 %', '> 99.9 %', '–')
    """
    if not whole:
        return "–"
    rate = part / whole
    if 0 < rate < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if 0.9995 <= rate < 1 else percent(part, whole)


def short(number: int) -> str:
    """Write a number for an axis: with three digits, and a unit.

    Args:
        number: The number.

    Example:
        >>> short(999), short(2000), short(1_500_000)
        ('999', '2k', '1.5M')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def short_length(tokens: int) -> str:
    """Write a length in tokens for an axis. Models have multiples of 1024 tokens, whose unit is k.

    Args:
        tokens: The length.

    Example:
        >>> short_length(512), short_length(2048), short_length(2000)
        ('512', '2k', '2,000')
    """
    return count(tokens) if tokens % 1024 or not tokens else f"{count(tokens // 1024)}k"
