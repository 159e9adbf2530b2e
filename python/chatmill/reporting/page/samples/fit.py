"""`fitting`: draws things so that together they have at most some bytes."""

from collections.abc import Callable, Sequence

_LEAST = 200


def fitting(sizes: Sequence[int], draw: Callable[[int, int], str], most_bytes: int) -> list[str]:
    """Draw things, the long ones shortened as far as it is needed, and all of them to the same limit.

    Args:
        sizes: The number of characters of each thing.
        draw: Draws the thing with an index, shortened to a number of characters.
        most_bytes: The greatest number of bytes of all of them.

    Returns:
        What was drawn. It has more bytes only if a few hundred characters of each are more.

    Example:
        >>> fitting([3, 5000], lambda at, limit: "x" * min([3, 5000][at], limit), 1003)[0]
        'xxx'
    """
    # A character has at least one byte, so this limit is not too small.
    limit = max(_limit(sizes, [1.0] * len(sizes), most_bytes), _LEAST)
    drawn = [draw(at, min(size, limit)) for at, size in enumerate(sizes)]
    weights = [_bytes(it) for it in drawn]
    while sum(weights) > most_bytes and limit > _LEAST:
        # The bytes of a thing grow with its characters, though not everywhere at the same rate: the guess is checked.
        rates = [weight / max(min(size, limit), 1) for weight, size in zip(weights, sizes, strict=True)]
        limit = max(min(_limit(sizes, rates, most_bytes), limit * 9 // 10), _LEAST)
        for at, size in enumerate(sizes):
            if size > limit:
                drawn[at] = draw(at, limit)
                weights[at] = _bytes(drawn[at])
    return drawn


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))


def _limit(sizes: Sequence[int], rates: Sequence[float], most_bytes: int) -> int:
    """The greatest limit at which things of these sizes and bytes a character have at most so many bytes."""
    low, high = 0, max(sizes, default=0)
    while low < high:
        limit = (low + high + 1) // 2
        total = sum(min(size, limit) * rate for size, rate in zip(sizes, rates, strict=True))
        low, high = (limit, high) if total <= most_bytes else (low, limit - 1)
    return low
