"""Figures as texts: whole numbers with all their digits, shares, and texts that are too long for a table."""

from chatmill.reporting.page.markup import Markup, element
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


def clipped(text: str, limit: int = 300) -> str:
    """Return the beginning of a text, and how much is left out.

    Args:
        text: The text.
        limit: The greatest number of characters that stay.

    Example:
        >>> clipped("abcdef", 2)
        'ab … (4 more characters)'
    """
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]} … ({count(left_out)} more characters)"


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


def meter(parts: float, whole: float, *, trained: float = 0.0) -> Markup:
    """Draw a small bar beside a figure. It repeats the figure, so it is hidden from screen readers.

    Args:
        parts: The length of the bar.
        whole: The length of the longest bar.
        trained: How much of it is trained.
    """
    if not whole:
        return Markup("")
    bars = [_bar("bar-masked", parts / whole), _bar("bar-trained", trained / whole)]
    return element("svg", *bars, class_="meter", width="96", height="10", aria_hidden="true")


def _bar(name: str, rate: float) -> Markup:
    return element("rect", class_=name, width=f"{100 * min(rate, 1):.2f}%", height="10") if rate else Markup("")
