"""`visible`: replaces control characters, so that a text cannot move the cursor of a terminal."""

# Tab and newline stay as they are; all other control characters become a symbol.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
_VISIBLE = {**_CONTROLS, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}


def visible(text: str) -> str:
    r"""Replace control characters, except tab and newline, by visible symbols.

    Args:
        text: Any text.

    Returns:
        The text with one symbol for each control character.

    Example:
        >>> visible("a\x1b[2Jb")
        'a␛[2Jb'
    """
    return text.translate(_VISIBLE)
