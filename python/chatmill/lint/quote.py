"""Short pieces of rendered text, for the examples of findings."""

import re

_BEFORE, _AFTER, _LONGEST = 24, 48, 160
_LINE = re.compile(r"template line (\d+)")
_PLACE = re.compile(r"^(?:message \d+)?(?:, )?(?:template line \d+)?: ")


def shorten(text: str, longest: int = _LONGEST) -> str:
    """The text on one line, with its middle left out where it is long.

    Args:
        text: Any text.
        longest: About how many characters to keep.

    Example:
        >>> shorten("a" * 30, 11)
        'aaaaa…aaaaa'
    """
    text = " ".join(text.split())
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


def excerpt(text: str, at: int, end: int | None = None) -> str:
    """What stands at a place of a text, quoted.

    Args:
        text: The text.
        at: The place.
        end: Where what matters ends; some more characters are shown.

    Example:
        >>> excerpt("x" * 100 + "here it is" + "y" * 100, 100, 110)
        "'…xxxxxxxxxxxxxxxxxxxxxxxxhere it isyyyyyyyyyyyyyyyyyyyyyyyy…'"
    """
    first = max(0, at - _BEFORE)
    last = min(len(text), at + _AFTER if end is None else max(at, min(end, at + _LONGEST)) + _BEFORE)
    return repr(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")


def around(text: str, part: str) -> str:
    """The first place of a part in a text, quoted with its surroundings.

    Args:
        text: The text.
        part: What to find in it; the beginning of the text is shown if it is not there.

    Example:
        >>> around("<s>Hi</s>", "Hi")
        "'<s>Hi</s>'"
    """
    at = max(0, text.find(part))
    return excerpt(text, at, at + len(part))


def difference(left: str, right: str) -> int:
    """The first character at which two texts differ.

    Args:
        left: A text.
        right: Another one.

    Example:
        >>> difference("abc", "abd"), difference("ab", "abc")
        (2, 2)
    """
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def to_border(text: str, at: int) -> int:
    """A place, or the start of the `<…>` or `[…]` that it stands in: `</s>` and `<|end|>` share a `<` only.

    Args:
        text: The text.
        at: The place.

    Example:
        >>> to_border("a<|user|>", 3), to_border("1 < 2", 4)
        (1, 4)
    """
    for opening, closing in ("<>", "[]"):
        start = text.rfind(opening, 0, at)
        if start >= 0 and closing not in text[start:at] and closing in text[at:]:
            at = start
    return at


def line_of(source: str, part: str) -> int | None:
    r"""The line of a source on which a part stands first, from 1.

    Args:
        source: The source of a template.
        part: What to find.

    Example:
        >>> line_of("a\nb c", "c"), line_of("a", "x")
        (2, None)
    """
    at = source.find(part)
    return None if at < 0 else source.count("\n", 0, at) + 1


def line_in_error(text: str) -> int | None:
    """The template line that an error names.

    Args:
        text: The text of the error.

    Example:
        >>> line_in_error("message 0, template line 3: no")
        3
    """
    found = _LINE.search(text)
    return int(found[1]) if found else None


def reason_in_error(text: str) -> str:
    """The text of an error without its place.

    Args:
        text: The text of the error.

    Example:
        >>> reason_in_error("message 0, template line 3: no")
        'no'
    """
    return _PLACE.sub("", text, count=1)
