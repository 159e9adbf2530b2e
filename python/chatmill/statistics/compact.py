"""Counts as short texts: a manifest has one line for a histogram, not one for each of its numbers."""

from collections.abc import Iterable, Mapping, Sequence

# More numbers than any histogram of chatmill has, so that a forged manifest takes little time and memory: samples of a
# million different lengths have 500 billion tokens.
_MOST_NUMBERS = 1 << 20
# The greatest number that readers of JSON in other languages hold exactly.
_MOST, _MOST_DIGITS = 1 << 53, 16


def pairs_text(counts: Iterable[Sequence[int]]) -> str:
    """Return pairs of numbers as one text.

    Args:
        counts: The pairs.

    Example:
        >>> pairs_text({5: 12, 6: 3}.items())
        '5:12 6:3'
    """
    return " ".join(f"{number}:{count}" for number, count in counts)


def numbers_text(numbers: Iterable[int]) -> str:
    """Return numbers as one text.

    Args:
        numbers: The numbers.

    Example:
        >>> numbers_text([3, 0, 7])
        '3 0 7'
    """
    return " ".join(map(str, numbers))


def read_pairs(text: str) -> Mapping[int, int]:
    """Return the pairs of a text from `pairs_text`, in their order.

    Args:
        text: The text.

    Raises:
        ValueError: It is no such text.

    Example:
        >>> read_pairs("5:12 6:3")
        {5: 12, 6: 3}
    """
    pairs = (item.partition(":") for item in _items(text))
    return {_number(number): _number(count) for number, _, count in pairs}


def read_numbers(text: str) -> list[int]:
    """Return the numbers of a text from `numbers_text`.

    Args:
        text: The text.

    Raises:
        ValueError: It is no such text.

    Example:
        >>> read_numbers("3 0 7")
        [3, 0, 7]
    """
    return [_number(item) for item in _items(text)]


def _items(text: str) -> list[str]:
    if text.count(" ") >= _MOST_NUMBERS:
        raise ValueError(f"it has more than {_MOST_NUMBERS:,} numbers")
    return text.split(" ") if text else []


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and (number := int(text)) <= _MOST):
        raise ValueError(f"{text[:40]!r} is not a count")
    return number
