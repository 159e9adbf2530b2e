"""`shortened`: a row that is too long to be looked at, without its middle; `left_out`: how much that was."""

import re
from dataclasses import replace

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan

_NOT_SHOWN = re.compile(r"… (\d{1,3}(?:,\d{3}){0,5}) characters are not shown …")


def shortened(row: DrawnRow, most: int) -> DrawnRow:
    """Leave out the middle of a long row. Its counts of tokens remain those of the whole row.

    Args:
        row: The row.
        most: The number of characters to keep: two thirds from the beginning, and one third from the end.

    Example:
        >>> span = DrawnSpan("abcdefghijkl", 1.0, (1, 2), (6, 12))
        >>> row = DrawnRow((DrawnRegion(0, "user", "content", (span,)),), tokens=2, trained_tokens=2)
        >>> shortened(row, 6).text
        'abcd… 6 characters are not shown …kl'
    """
    length = len(row.text)
    if length <= most:
        return row
    start, stop = most * 2 // 3, length - (most - most * 2 // 3)
    regions: list[DrawnRegion] = []
    at, is_said = 0, False
    for region in row.regions:
        spans: list[DrawnSpan] = []
        for span in region.spans:
            begin, end = at, at + len(span.text)
            at = end
            if end <= start or begin >= stop:
                spans.append(span)
                continue
            if begin < start:
                spans.append(span.part(0, start - begin))
            if not is_said:
                spans.append(DrawnSpan(f"… {stop - start:,} characters are not shown …", None))
                is_said = True
            if end > stop:
                spans.append(span.part(stop - begin, len(span.text)))
        if spans:
            regions.append(replace(region, spans=tuple(spans)))
    return replace(row, regions=tuple(regions))


def left_out(span: DrawnSpan) -> int:
    """Return the number of characters in whose place `shortened` put a span; 0 for all other spans.

    Args:
        span: A span of a row.

    Example:
        >>> left_out(DrawnSpan("… 6,000 characters are not shown …", None)), left_out(DrawnSpan("abc", 1.0))
        (6000, 0)
    """
    found = _NOT_SHOWN.fullmatch(span.text) if span.weight is None else None
    return int(found[1].replace(",", "")) if found else 0
