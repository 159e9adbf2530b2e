"""`show_encoding`: a conversation as text with its trained part marked, for terminals and files."""

from rich.console import Console
from rich.text import Text

from chatmill._chatmill import Encoding
from chatmill.drawing.row import DrawnRow
from chatmill.drawing.terminal import draw_text
from chatmill.terminal.console import new_console


def show_encoding(encoding: Encoding, *, color: bool = True, regions: bool = False) -> Text:
    """Return the text of a conversation with its trained part marked, and with a line that explains the marks.

    Args:
        encoding: A conversation, from `Mill.encode`.
        color: Whether to mark by color: trained text green, masked text dim, text without tokens dim and struck
            through. Without color, ⟦ ⟧ enclose trained text.
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
    return draw_text(DrawnRow.of(encoding), color=color, regions=regions)


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
