"""The elements of HTML for notebooks: tinted texts in boxes, with lines below them."""

from collections.abc import Iterable
from html import escape

from chatmill.text.visible import visible

# Notebooks remove style sheets, so styles are inline. Their pages are dark or light, so colors are tints. They also
# show text between dollar signs as formulas, except inside <pre>.
_BOX = "white-space: pre-wrap; overflow-wrap: anywhere; font-family: monospace; line-height: 1.5; background: none"
_LEGEND = "margin-top: 0.5em; font-family: sans-serif; font-size: 90%"
TRAINED = "background-color: rgba(46, 160, 67, 0.3)"
MASKED = "opacity: 0.6"


def element(text: str, style: str, title: str = "") -> str:
    """Return a text in a style, with its control characters visible.

    Args:
        text: The text.
        style: `TRAINED`, `MASKED` or another inline style.
        title: What is shown when the pointer is over the text.

    Example:
        >>> element("a < b", "opacity: 1")
        '<span style="opacity: 1">a &lt; b</span>'
    """
    named = f' title="{escape(visible(title))}"' if title else ""
    return f'<span{named} style="{style}">{escape(visible(text))}</span>'


def boxes(bodies: Iterable[str], lines: Iterable[str]) -> str:
    """Return boxes, one below the other, with lines below them.

    Args:
        bodies: The HTML of each box.
        lines: The HTML of each line.
    """
    shown = "".join(f'<pre style="{_BOX}">{body}</pre>' for body in bodies)
    legend = "".join(f"<div>{line}</div>" for line in lines)
    return f'<div>{shown}<div style="{_LEGEND}">{legend}</div></div>'
