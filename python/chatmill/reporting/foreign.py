"""`on_one_line`: texts of rows, files and tokens, safe to print, on one line and of a limited length."""

from chatmill.text.visible import visible

_LONGEST = 200
_BREAKS = str.maketrans({"\n": "↵", "\t": "→"})


def on_one_line(text: str, longest: int = _LONGEST) -> str:
    r"""Make a foreign text visible and put it on one line, so that it cannot look like a line of the report.

    Args:
        text: Any text.
        longest: The number of its characters to keep at most.

    Example:
        >>> on_one_line("a\nverdict: good\x1b[2J"), on_one_line("x" * 9, 4)
        ('a↵verdict: good␛[2J', 'xxx…')
    """
    # Only the beginning of a text of many megabytes is made visible.
    kept = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return visible(kept).translate(_BREAKS)
