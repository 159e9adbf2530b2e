"""`to_html`: a conversation as HTML for notebooks, with the trained part tinted and the regions named."""

from chatmill._chatmill import Encoding
from chatmill.drawing.html import INLINE, draw_html, legend_lines
from chatmill.drawing.row import DrawnRow
from chatmill.inspect.html_parts import boxes


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
    row = DrawnRow.of(encoding)
    return boxes([draw_html(row, INLINE)], legend_lines(row, INLINE))
