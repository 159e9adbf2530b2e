"""`draw_html`: a drawn row as HTML, for notebooks and pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal

from chatmill.drawing.legend import describe_counts
from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.text.visible import visible


@dataclass(frozen=True)
class HtmlLook:
    """How states are written in HTML.

    Attributes:
        attribute: The attribute that has the state.
        region: Its value for a region.
        trained: Its value for trained text.
        masked: Its value for masked text.
        cut: Its value for text without tokens.
        weighted: Its value for trained text with a weight other than 1.
        has_data: Whether regions have `data-kind`, `data-role` and `data-message`, and weighted text `data-weight`.
    """

    attribute: Literal["class", "style"]
    region: str
    trained: str
    masked: str
    cut: str
    weighted: str
    has_data: bool


_TINT = "background-color: rgba(46, 160, 67, 0.3)"
#: For notebooks: they remove style sheets, so styles are inline. Their pages are dark or light, so colors are tints.
INLINE = HtmlLook(
    attribute="style",
    region="border-left: 1px solid rgba(128, 128, 128, 0.7)",
    trained=_TINT,
    masked="opacity: 0.6",
    cut="opacity: 0.6; text-decoration: line-through",
    weighted=_TINT,
    has_data=False,
)
#: For pages with a style sheet of their own.
CLASSES = HtmlLook(
    attribute="class",
    region="region",
    trained="trained",
    masked="masked",
    cut="cut",
    weighted="trained weighted",
    has_data=True,
)


def draw_html(row: DrawnRow, look: HtmlLook, *, tokens: bool = False) -> str:
    """Return the text of a row as HTML: a `span` for each region, and in it one for each weight.

    The text keeps its line breaks and spaces, so it belongs into an element with `white-space: pre-wrap`. Characters
    that control the text or hide a part of it are visible. Regions that are unknown have no element.

    Args:
        row: The row.
        look: `INLINE` or `CLASSES`.
        tokens: Whether spans have `data-ids` and `data-ends`: the tokens that end in the span, and where, in
            characters (code points) of the span as it is shown.

    Example:
        >>> region = DrawnRegion(0, "user", "content", (DrawnSpan("1 < 2", 0.0, (9, 8), (3, 5)),))
        >>> draw_html(DrawnRow((region,), 2, 0), CLASSES, tokens=True).partition("><")[2]
        'span class="masked" data-ids="9 8" data-ends="3 5">1 &lt; 2</span></span>'
    """
    return "".join(_region(region, look, tokens=tokens) for region in row.regions)


def legend_lines(row: DrawnRow, look: HtmlLook) -> list[str]:
    """Return the HTML of lines that explain a row: its counts, with the marks of both states, and its notes.

    Args:
        row: The row.
        look: `INLINE` or `CLASSES`.
    """
    trained, masked = describe_counts(row)
    marks = mark("trained", look, look.trained), mark("masked", look, look.masked)
    counts = f"{marks[0]} {escape(trained)}, {marks[1]} {escape(masked)}"
    return [counts, *(escape(visible(note)) for note in row.notes)]


def mark(text: str, look: HtmlLook, state: str) -> str:
    """Return a text in a state, with its control characters visible.

    Args:
        text: The text.
        look: `INLINE` or `CLASSES`.
        state: One of the states of the look.

    Example:
        >>> mark("a < b", CLASSES, CLASSES.masked)
        '<span class="masked">a &lt; b</span>'
    """
    return _element([(look.attribute, state)], escape(visible(text)))


def _region(region: DrawnRegion, look: HtmlLook, *, tokens: bool) -> str:
    name = region.name
    inner = "".join(_span(name, span, look, tokens=tokens) for span in region.spans)
    if not region.kind:
        return inner
    attributes = [("title", name), (look.attribute, look.region)]
    if look.has_data:
        attributes.append(("data-kind", region.kind))
        attributes += [] if region.role is None else [("data-role", region.role)]
        attributes += [] if region.message is None else [("data-message", str(region.message))]
    return _element(attributes, inner)


def _span(name: str, span: DrawnSpan, look: HtmlLook, *, tokens: bool) -> str:
    if not (span.text or (tokens and span.ids)):
        return ""
    # The look shows whether text is trained. Only a weight or text without tokens needs a title.
    title = "" if span.weight in (0, 1) else " · ".join(filter(None, (name, span.state)))
    attributes = [("title", title)] if title else []
    attributes.append((look.attribute, _state(span, look)))
    if look.has_data and span.is_weighted:
        attributes.append(("data-weight", f"{span.weight:g}"))
    if tokens and span.ids:
        attributes.append(("data-ids", " ".join(map(str, span.ids))))
        attributes.append(("data-ends", " ".join(map(str, _shown_ends(span)))))
    return _element(attributes, escape(visible(span.text)))


def _state(span: DrawnSpan, look: HtmlLook) -> str:
    if span.weight is None:
        return look.cut
    if span.is_weighted:
        return look.weighted
    return look.trained if span.weight else look.masked


def _shown_ends(span: DrawnSpan) -> Iterable[int]:
    """Yield the ends in the text as it is shown, where one character may be several."""
    start = shown = 0
    for end in span.ends:
        shown += len(visible(span.text[start:end]))
        start = end
        yield shown


def _element(attributes: Iterable[tuple[str, str]], inner: str) -> str:
    written = "".join(f' {name}="{escape(visible(value))}"' for name, value in attributes)
    return f"<span{written}>{inner}</span>"
