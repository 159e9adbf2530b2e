"""A conversation as HTML for notebooks: the trained part on a tint, each region with its name."""

from collections.abc import Sequence
from html import escape

from chatmill._chatmill import Encoding
from chatmill.show import Stretch, by_region, known_regions, name_region, stretches, tell_counts, tell_notes, visible

# Notebooks drop style sheets, and have dark or light pages: styles stand where they count, and colours are tints.
# They also set what stands between dollar signs as formulas, but not in a <pre>.
_BOX = "white-space: pre-wrap; overflow-wrap: anywhere; font-family: monospace; line-height: 1.5; background: none"
_REGION = "border-left: 1px solid rgba(128, 128, 128, 0.7)"
_TRAINED = "background-color: rgba(46, 160, 67, 0.3)"
_MASKED = "opacity: 0.6"
_CUT = "opacity: 0.6; text-decoration: line-through"
_LEGEND = "margin-top: 0.5em; font-family: sans-serif; font-size: 90%"


def to_html(encoding: Encoding) -> str:
    """The text of a conversation as a fragment of HTML, which needs nothing from outside and runs no script.

    Args:
        encoding: What `Mill.encode` gives.

    Example:
        >>> import chatmill
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
        >>> "1 &lt; 2" in to_html(mill.encode([{"role": "user", "content": "1 < 2"}]))
        True
    """
    regions = known_regions(encoding)
    if regions:
        body = "".join(
            _region(name_region(region.message, region.role, region.kind), encoding.text, found)
            for region, found in by_region(encoding, regions)
        )
    else:
        body = "".join(_stretch("", encoding.text, stretch) for stretch in stretches(encoding))
    trained, masked = tell_counts(encoding)
    told = [
        f"{_span('trained', _TRAINED)} {escape(trained)}, {_span('masked', _MASKED)} {escape(masked)}",
        *(escape(note) for note in tell_notes(encoding)),
    ]
    legend = "".join(f"<div>{line}</div>" for line in told)
    return f'<div><pre style="{_BOX}">{body}</pre><div style="{_LEGEND}">{legend}</div></div>'


def _region(name: str, text: str, found: Sequence[Stretch]) -> str:
    inner = "".join(_stretch(name, text, stretch) for stretch in found)
    return f'<span title="{escape(visible(name))}" style="{_REGION}">{inner}</span>'


def _stretch(name: str, text: str, stretch: Stretch) -> str:
    style = _CUT if stretch.weight is None else _TRAINED if stretch.weight else _MASKED
    # What is trained or masked is plain to see; a weight or a cut is not.
    title = "" if stretch.weight in (0, 1) else " · ".join(filter(None, (name, stretch.state)))
    return _span(text[stretch.start : stretch.end], style, title)


def _span(text: str, style: str, title: str = "") -> str:
    named = f' title="{escape(visible(title))}"' if title else ""
    return f'<span{named} style="{style}">{escape(visible(text))}</span>'
