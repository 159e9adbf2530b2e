"""The elements around rows in HTML for notebooks: boxes, with lines below them."""

from collections.abc import Iterable

# Notebooks remove style sheets, so styles are inline. They also show text between dollar signs as formulas, except
# inside <pre>.
_BOX = "white-space: pre-wrap; overflow-wrap: anywhere; font-family: monospace; line-height: 1.5; background: none"
_LEGEND = "margin-top: 0.5em; font-family: sans-serif; font-size: 90%"


def boxes(bodies: Iterable[str], lines: Iterable[str]) -> str:
    """Return boxes, one below the other, with lines below them.

    Args:
        bodies: The HTML of each box.
        lines: The HTML of each line.
    """
    shown = "".join(f'<pre style="{_BOX}">{body}</pre>' for body in bodies)
    legend = "".join(f"<div>{line}</div>" for line in lines)
    return f'<div>{shown}<div style="{_LEGEND}">{legend}</div></div>'
