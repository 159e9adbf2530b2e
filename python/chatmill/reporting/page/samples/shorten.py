"""`shortened`: the beginning and the end of a long row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chatmill.drawing.row import DrawnRegion, DrawnRow


@dataclass(frozen=True)
class Shortened:
    """A row without its middle.

    Attributes:
        first: The regions of its beginning.
        left_out: The number of characters of its middle.
        last: The regions of its end.
    """

    first: Sequence[DrawnRegion]
    left_out: int
    last: Sequence[DrawnRegion]


def shortened(row: DrawnRow, limit: int) -> Shortened:
    """Return a row of at most some characters: two thirds from its beginning, a third from its end.

    Args:
        row: The row.
        limit: The greatest number of characters that stay.

    Example:
        >>> from chatmill.drawing.row import DrawnSpan
        >>> region = DrawnRegion(None, None, "", (DrawnSpan("abcdef", 0.0, (1, 2), (3, 6)),))
        >>> it = shortened(DrawnRow((region,), 2, 0), 3)
        >>> it.first[0].spans[0].text, it.left_out, it.last[0].spans[0]
        ('ab', 3, DrawnSpan(text='f', weight=0.0, ids=(2,), ends=(1,)))
    """
    size = len(row.text)
    if size <= limit:
        return Shortened(row.regions, 0, ())
    tail = limit // 3
    first = _part(row.regions, 0, limit - tail)
    return Shortened(first, size - limit, _part(row.regions, size - tail, size) if tail else ())


def _part(regions: Iterable[DrawnRegion], start: int, end: int) -> list[DrawnRegion]:
    """The regions between two characters of the row."""
    found, at = [], 0
    for region in regions:
        spans = []
        for span in region.spans:
            first, last = max(start - at, 0), min(end - at, len(span.text))
            if first < last or (not span.text and start <= at < end):
                is_whole = first == 0 and last == len(span.text)
                spans.append(span if is_whole else span.part(first, last))
            at += len(span.text)
        if spans:
            found.append(replace(region, spans=tuple(spans)))
    return found
