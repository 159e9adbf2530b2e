"""`draw_text`: a drawn row as text for terminals and files, with its trained part marked."""

import re
from itertools import groupby

from rich.text import Text

from chatmill.drawing.legend import describe_counts
from chatmill.drawing.row import DrawnRegion, DrawnRow
from chatmill.text.visible import visible

_OPEN, _CLOSE = "⟦", "⟧"
_NEWLINE, _GUTTER = "↵", " │ "
_TRAINED, _MASKED, _CUT = "green", "dim", "dim strike"
_LONGEST_ROLE = 20
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def draw_text(row: DrawnRow, *, color: bool = True, regions: bool = False) -> Text:
    """Return the text of a row with its trained part marked, its notes, and a line that explains the marks.

    Args:
        row: The row.
        color: Whether to mark by color: trained text green, masked text dim, text without tokens dim and struck
            through. Without color, ⟦ ⟧ enclose trained text.
        regions: Whether to begin a new line for each region, with its name on the left; ↵ marks line breaks of the
            text.

    Returns:
        Text for `rich.print` or `str`, without characters that control a terminal or hide text.

    Example:
        >>> from chatmill.drawing.row import DrawnSpan
        >>> spans = DrawnSpan("<user>Hi", 0, (5, 6), (6, 8)), DrawnSpan("Hello!", 1, (7,), (6,))
        >>> print(draw_text(DrawnRow((DrawnRegion(None, None, "", spans),), 3, 1), color=False))
        <user>Hi⟦Hello!⟧
        <BLANKLINE>
        ⟦trained⟧ 1 of 3 tokens (33.3 %), masked 2
    """
    shown = Text()
    by_region = regions and row.has_regions
    text = row.text
    if by_region:
        _append_regions(shown, row, color=color)
    else:
        spans = (span for span in row.spans() if span.text)
        for style, group in groupby(spans, key=lambda it: _style(it.weight)):
            _append_marked(shown, "".join(span.text for span in group), style, color=color)
    shown.append("\n" if text.endswith("\n") and not by_region else "\n\n")
    notes = [*row.notes]
    if regions and text and not by_region:
        notes.append("The regions of the text are unknown.")
    for note in notes:
        shown.append(f"{visible(note)}\n", style="yellow" if color else "")
    trained, masked = describe_counts(row)
    _append_marked(shown, "trained", _TRAINED, color=color)
    shown.append(f" {trained}, ")
    _append_marked(shown, "masked", _MASKED, color=color)
    shown.append(f" {masked}")
    return shown


def _style(weight: float | None) -> str:
    return _CUT if weight is None else _TRAINED if weight else _MASKED


def _append_marked(shown: Text, text: str, style: str, *, color: bool) -> None:
    text = visible(text)
    if color:
        shown.append(text, style)
    else:
        shown.append(f"{_OPEN}{text}{_CLOSE}" if style == _TRAINED else text)


def _append_regions(shown: Text, row: DrawnRow, *, color: bool) -> None:
    names = [_name_cells(region) for region in row.regions]
    number, role, kind = (max(len(name[column]) for name in names) for column in range(3))
    margin, style = " " * (number + role + kind + 2), "cyan" if color else ""
    for name, region in zip(names, row.regions, strict=True):
        shown.append("\n" if shown else "")
        shown.append(f"{name[0]:>{number}} {name[1]:<{role}} {name[2]:<{kind}}{_GUTTER}", style)
        spans = [span for span in region.spans if span.text]
        for span in spans:
            for line in _LINE.finditer(span.text):
                _append_marked(shown, line[0].replace("\n", _NEWLINE), _style(span.weight), color=color)
                if span.is_weighted:
                    shown.append(f"×{span.weight:g}", style)
                is_end = span is spans[-1] and line.end() == len(span.text)
                if line[0].endswith("\n") and not is_end:
                    shown.append(f"\n{margin}{_GUTTER}", style)


def _name_cells(region: DrawnRegion) -> tuple[str, str, str]:
    """Return message, role and kind of a region as text. The role comes from the row, so it may be any text."""
    role = visible(region.role or "").replace("\n", _NEWLINE)
    role = role if len(role) <= _LONGEST_ROLE else f"{role[: _LONGEST_ROLE - 1]}…"
    return "" if region.message is None else str(region.message), role, region.kind
