"""`shortened`: the beginning and the end of a long row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.drawing.shorten import left_out


@dataclass(frozen=True)
class Shortened:
    """A row without its middle.

    Attributes:
        first: The regions of its beginning.
        left_out: The number of characters of its middle, with those that the output had left out before.
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
    size = sum(_size(span) for span in row.spans())
    if size <= limit:
        return Shortened(row.regions, 0, ())
    tail = limit // 3
    first = _part(row.regions, 0, limit - tail)
    last = _part(row.regions, size - tail, size) if tail else []
    # The output may have left out the middle already. What it says of this is shown, or counted here.
    before, said = (sum(left_out(it) for region in of for it in region.spans) for of in (row.regions, (*first, *last)))
    return Shortened(first, size - limit + before - said, last)


def _size(span: DrawnSpan) -> int:
    """The characters of a span that are a text of the row."""
    return 0 if left_out(span) else len(span.text)


def _part(regions: Iterable[DrawnRegion], start: int, end: int) -> list[DrawnRegion]:
    """The regions between two characters of the row."""
    found, at = [], 0
    for region in regions:
        spans = []
        for span in region.spans:
            size = _size(span)
            first, last = max(start - at, 0), min(end - at, size)
            # At its very start, a part is beside the gap, which counts what was left out there.
            if first < last or (not size and (start < at if span.text else start <= at) and at < end):
                is_whole = first == 0 and last == size
                spans.append(span if is_whole or not size else span.part(first, last))
            at += size
        if spans:
            found.append(replace(region, spans=tuple(spans)))
    return found
