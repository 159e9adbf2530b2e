"""`shortened`: the beginning and the end of a long row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.drawing.shorten import left_out

#: The characters that a span counts for if it has fewer. A page has about ten times as many bytes for each span.
SPAN = 20


@dataclass(frozen=True)
class Shortened:
    """A row without its middle.

    Attributes:
        first: The regions of its beginning.
        left_out: The number of characters of its middle, with those that the output had left out before.
        last: The regions of its end.
        spans: The number of spans of its middle. A span of which both ends are shown is subtracted.
    """

    first: Sequence[DrawnRegion]
    left_out: int
    last: Sequence[DrawnRegion]
    spans: int = 0


def size_of(row: DrawnRow) -> int:
    """Return the number of characters of a row; a number for its spans if it has many spans of few characters.

    Args:
        row: The row.

    Example:
        >>> span = DrawnSpan("a", 1.0, (1,), (1,))
        >>> size_of(DrawnRow((DrawnRegion(None, None, "", (span, span)),), 2, 2))
        40
    """
    return max(len(row.text), SPAN * _spans(row.regions))


def shortened(row: DrawnRow, limit: int, most_spans: int | None = None) -> Shortened:
    """Return a row of at most some characters: two thirds from its beginning, a third from its end.

    Args:
        row: The row.
        limit: The greatest number of characters that stay.
        most_spans: The greatest number of spans that stay; None for all of them.

    Example:
        >>> region = DrawnRegion(None, None, "", (DrawnSpan("abcdef", 0.0, (1, 2), (3, 6)),))
        >>> it = shortened(DrawnRow((region,), 2, 0), 3)
        >>> it.first[0].spans[0].text, it.left_out, it.last[0].spans[0]
        ('ab', 3, DrawnSpan(text='f', weight=0.0, ids=(2,), ends=(1,)))
    """
    size = sum(map(_size, row.spans()))
    first: Sequence[DrawnRegion] = row.regions
    last: Sequence[DrawnRegion] = ()
    if size > limit:
        tail = limit // 3
        first = _part(row.regions, 0, limit - tail)
        last = _part(row.regions, size - tail, size) if tail else ()
    if most_spans is not None and (last or _spans(first) > most_spans):
        first, last = _first_spans(first, most_spans - most_spans // 3), _last_spans(last or first, most_spans // 3)
    shown = [span for region in (*first, *last) for span in region.spans]
    # The output may have left out the middle already. What it says of this is shown, or counted here.
    before, said = (sum(map(left_out, spans)) for spans in (row.spans(), shown))
    missing = size - sum(map(_size, shown)) + before - said
    return Shortened(first, missing, last, _spans(row.regions) - _spans(first) - _spans(last))


def _spans(regions: Iterable[DrawnRegion]) -> int:
    """The number of spans; a region without any is drawn too, so it counts as one."""
    return sum(max(1, len(region.spans)) for region in regions)


def _first_spans(regions: Iterable[DrawnRegion], number: int) -> list[DrawnRegion]:
    found = []
    for region in regions:
        if number < 1:
            break
        found.append(replace(region, spans=region.spans[:number]))
        number -= max(1, len(region.spans))
    return found


def _last_spans(regions: Sequence[DrawnRegion], number: int) -> list[DrawnRegion]:
    found: list[DrawnRegion] = []
    for region in reversed(regions):
        if number < 1:
            break
        found.append(replace(region, spans=region.spans[-number:]))
        number -= max(1, len(region.spans))
    return found[::-1]


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
