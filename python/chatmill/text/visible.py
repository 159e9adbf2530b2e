"""`visible`: replaces characters that control a terminal or hide text by visible ones."""

import re

# Tab and newline stay as they are; all other control characters become a symbol.
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_VISIBLE = {**_CONTROLS, 0x7F: "\u2421", **dict.fromkeys(range(0x80, 0xA0), "\ufffd")}
# After the control characters: characters without a width (soft hyphen, joiners, fillers, variation of a language),
# marks and overrides of the direction, line separators, and surrogates, which no terminal can print.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
# Python keeps the bytes of a file name that are not UTF-8 as these surrogates.
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF


def visible(text: str) -> str:
    r"""Replace characters that control a terminal or hide text, except tab and newline, by visible ones.

    This covers control characters, characters without a width, characters that change the direction of text, and
    bytes of file names that are not UTF-8.

    Args:
        text: Any text.

    Returns:
        The text. Each control character is one symbol; each other such character is its code point in brackets.

    Example:
        >>> visible("a\x1b[2Jb")
        'a␛[2Jb'
        >>> visible("user\u202enimda")
        'user⟨U+202E⟩nimda'
    """
    return _HIDDEN.sub(_replaced, text)


def visible_json(text: str) -> str:
    r"""Write such characters in JSON text as escapes, which keeps the values of the JSON.

    Args:
        text: JSON text.

    Example:
        >>> visible_json('["\u202e"]')
        '["\\u202e"]'
    """
    return _HIDDEN.sub(_escaped, text)


def _replaced(found: re.Match[str]) -> str:
    code = ord(found[0])
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    return _VISIBLE.get(code, f"⟨U+{code:04X}⟩")


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
