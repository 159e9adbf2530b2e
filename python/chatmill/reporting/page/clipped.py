"""`clipped`: the beginning of a text that is too long for the page."""

from chatmill.reporting.page.numbers import count


def clipped(text: str, limit: int = 300) -> str:
    """Return the beginning of a text, and how much is left out.

    Args:
        text: The text.
        limit: The greatest number of characters that stay.

    Example:
        >>> clipped("abcdef", 2)
        'ab … (4 more characters)'
    """
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]} … ({count(left_out)} more characters)"
