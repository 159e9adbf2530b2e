"""`show_encoding`: a conversation as text with its trained part marked, for terminals and files."""

import re
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from chatmill._chatmill import Encoding, Region
from chatmill.inspect.spans import by_region, describe_counts, describe_notes, known_regions, text_spans
from chatmill.terminal.console import new_console
from chatmill.text.visible import visible

_OPEN, _CLOSE = "⟦", "⟧"
_NEWLINE, _GUTTER = "↵", " │ "
_LONGEST_ROLE = 20
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def show_encoding(encoding: Encoding, *, color: bool = True, regions: bool = False) -> Text:
    """Return the text of a conversation with its trained part marked, and with a line that explains the marks.

    Args:
        encoding: A conversation, from `Mill.encode`.
        color: Whether to mark by color: trained text green, masked text dim. Without color, ⟦ ⟧ enclose trained text.
        regions: Whether to begin a new line for each region, with its name on the left; ↵ marks line breaks of the
            text.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> print(show_encoding(mill.encode(messages), color=False))  # doctest: +SKIP
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant
        ⟦Hello!<|im_end|>⟧
    """
    shown = Text()
    known = known_regions(encoding) if regions else []
    if known:
        _append_regions(shown, encoding, known, color=color)
    else:
        for is_trained, group in groupby(text_spans(encoding), key=lambda it: bool(it.weight)):
            spans = list(group)
            _append_marked(shown, encoding.text[spans[0].start : spans[-1].end], trained=is_trained, color=color)
    shown.append("\n" if encoding.text.endswith("\n") and not known else "\n\n")
    notes = describe_notes(encoding)
    if regions and encoding.text and not known:
        notes.append("The regions of the text are unknown.")
    for note in notes:
        shown.append(f"{note}\n", style="yellow" if color else "")
    trained, masked = describe_counts(encoding)
    _append_marked(shown, "trained", trained=True, color=color)
    shown.append(f" {trained}, ")
    _append_marked(shown, "masked", trained=False, color=color)
    shown.append(f" {masked}")
    return shown


def print_encoding(encoding: Encoding, *, regions: bool = True) -> None:
    """Print a conversation to the terminal, in color if the terminal supports it.

    Args:
        encoding: A conversation, from `Mill.encode`.
        regions: As for `show_encoding`.

    Example:
        >>> print_encoding(mill.encode(messages))  # doctest: +SKIP
        0 user      header   │ <|im_start|>user↵
        …
    """
    console = new_console()
    shown = show_encoding(encoding, color=has_color(console), regions=regions)
    # Chat text is not rich markup. A soft wrap keeps its lines as they are, so they can be copied or piped.
    console.print(shown, soft_wrap=True, markup=False, highlight=False, emoji=False)


def has_color(console: Console) -> bool:
    """Return whether a console prints colors; the environment variable NO_COLOR switches them off.

    Args:
        console: The console.
    """
    return console.color_system is not None and not console.no_color


def _append_marked(shown: Text, text: str, *, trained: bool, color: bool) -> None:
    text = visible(text)
    if color:
        shown.append(text, style="green" if trained else "dim")
    else:
        shown.append(f"{_OPEN}{text}{_CLOSE}" if trained else text)


def _append_regions(shown: Text, encoding: Encoding, regions: Sequence[Region], *, color: bool) -> None:
    rows = [_name_cells(region) for region in regions]
    number, role, kind = (max(len(row[column]) for row in rows) for column in range(3))
    margin, style = " " * (number + role + kind + 2), "cyan" if color else ""
    for row, (region, spans) in zip(rows, by_region(encoding, regions), strict=True):
        shown.append("\n" if shown else "")
        shown.append(f"{row[0]:>{number}} {row[1]:<{role}} {row[2]:<{kind}}{_GUTTER}", style)
        for span in spans:
            for line in _LINE.finditer(encoding.text, span.start, span.end):
                text = line[0].replace("\n", _NEWLINE)
                _append_marked(shown, text, trained=bool(span.weight), color=color)
                if span.weight not in (None, 0, 1):
                    shown.append(f"×{span.weight:g}", style)
                if line[0].endswith("\n") and line.end() < region.end:
                    shown.append(f"\n{margin}{_GUTTER}", style)


def _name_cells(region: Region) -> tuple[str, str, str]:
    """Return message, role and kind of a region as text. The role comes from the row, so it may be any text."""
    role = visible(region.role or "").replace("\n", _NEWLINE)
    role = role if len(role) <= _LONGEST_ROLE else f"{role[: _LONGEST_ROLE - 1]}…"
    return "" if region.message is None else str(region.message), role, region.kind
