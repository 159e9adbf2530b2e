"""`bar` and `spark`: bars and lines of blocks, for the terminal."""

from collections.abc import Iterable

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"


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
