"""Short quotes from long texts, and the first difference between two texts."""

# The number of characters to show before a place, after a place, and in a whole shortened text.
_BEFORE, _AFTER, _LONGEST = 24, 48, 160


def shorten(text: str, longest: int = _LONGEST) -> str:
    """Put a text on one line, and leave out its middle if it is long.

    Args:
        text: Any text.
        longest: The approximate number of characters to keep.

    Example:
        >>> shorten("a" * 30, 11)
        'aaaaa…aaaaa'
    """
    text = " ".join(text.split())
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


def excerpt(text: str, at: int, end: int | None = None) -> str:
    """Quote a part of a text with some characters around it.

    Args:
        text: The text.
        at: The first character of the part.
        end: One past the last character of the part; None quotes 48 characters from `at` on.

    Example:
        >>> excerpt("x" * 100 + "here it is" + "y" * 100, 100, 110)
        "'…xxxxxxxxxxxxxxxxxxxxxxxxhere it isyyyyyyyyyyyyyyyyyyyyyyyy…'"
    """
    first = max(0, at - _BEFORE)
    last = min(len(text), at + _AFTER if end is None else max(at, min(end, at + _LONGEST)) + _BEFORE)
    return repr(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")


def around(text: str, part: str) -> str:
    """Quote the first occurrence of a part in a text, with the characters around it.

    Args:
        text: The text.
        part: The part to find. If the text does not contain it, the start of the text is quoted.

    Example:
        >>> around("<s>Hi</s>", "Hi")
        "'<s>Hi</s>'"
    """
    at = max(0, text.find(part))
    return excerpt(text, at, at + len(part))


def first_difference(left: str, right: str) -> int:
    """Find the first character at which two texts differ.

    Args:
        left: A text.
        right: Another text.

    Returns:
        The index of the character; the length of the shorter text if the longer one begins with it.

    Example:
        >>> first_difference("abc", "abd"), first_difference("ab", "abc")
        (2, 2)
    """
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def mark_start(text: str, at: int) -> int:
    """Move a place that is inside a mark `<…>` or `[…]` to the start of the mark.

    Different marks such as `</s>` and `<|end|>` share their `<`, but a quote should show them completely.

    Args:
        text: The text.
        at: Index of a character.

    Returns:
        The index of the opening bracket, or `at` if the place is not inside a mark.

    Example:
        >>> mark_start("a<|user|>", 3), mark_start("1 < 2", 4)
        (1, 4)
    """
    for opening, closing in ("<>", "[]"):
        start = text.rfind(opening, 0, at)
        if start >= 0 and closing not in text[start:at] and closing in text[at:]:
            at = start
    return at


def line_of(source: str, part: str) -> int | None:
    r"""Find the first line of a source that contains a part.

    Args:
        source: The source of a template.
        part: The part to find.

    Returns:
        The line, from 1, or None.

    Example:
        >>> line_of("a\nb c", "c"), line_of("a", "x")
        (2, None)
    """
    at = source.find(part)
    return None if at < 0 else source.count("\n", 0, at) + 1
