"""`to_html`: a conversation as HTML for notebooks, with the trained part tinted and the regions named."""

from collections.abc import Sequence
from html import escape

from chatmill._chatmill import Encoding
from chatmill.inspect.html_parts import MASKED, TRAINED, boxes, element
from chatmill.inspect.spans import (
    TextSpan,
    by_region,
    describe_counts,
    describe_notes,
    known_regions,
    name_region,
    text_spans,
)
from chatmill.text.visible import visible

_REGION = "border-left: 1px solid rgba(128, 128, 128, 0.7)"
_CUT = "opacity: 0.6; text-decoration: line-through"


def to_html(encoding: Encoding) -> str:
    """Return the text of a conversation as an HTML fragment without scripts and external resources.

    Args:
        encoding: A conversation, from `Mill.encode`.

    Example:
        >>> import chatmill
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
        >>> "1 &lt; 2" in to_html(mill.encode([{"role": "user", "content": "1 < 2"}]))
        True
    """
    regions = known_regions(encoding)
    if regions:
        body = "".join(
            _region(name_region(region.message, region.role, region.kind), encoding.text, spans)
            for region, spans in by_region(encoding, regions)
        )
    else:
        body = "".join(_text_span("", encoding.text, span) for span in text_spans(encoding))
    trained, masked = describe_counts(encoding)
    lines = [
        f"{element('trained', TRAINED)} {escape(trained)}, {element('masked', MASKED)} {escape(masked)}",
        *(escape(note) for note in describe_notes(encoding)),
    ]
    return boxes([body], lines)


def _region(name: str, text: str, spans: Sequence[TextSpan]) -> str:
    inner = "".join(_text_span(name, text, span) for span in spans)
    return f'<span title="{escape(visible(name))}" style="{_REGION}">{inner}</span>'


def _text_span(name: str, text: str, span: TextSpan) -> str:
    style = _CUT if span.weight is None else TRAINED if span.weight else MASKED
    # The tint shows whether text is trained. Only a weight or truncated text needs a title.
    title = "" if span.weight in (0, 1) else " · ".join(filter(None, (name, span.state)))
    return element(text[span.start : span.end], style, title)
