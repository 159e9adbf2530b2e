"""String methods equal those of Python's `str`: every assigned character, every method that depends on tables."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator

import pytest
from chatmill import ChatTemplate

KINDS = "isalnum isalpha isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper".split()  # noqa: SIM905
CHANGES = "upper lower title capitalize swapcase casefold".split()  # noqa: SIM905
BLOCK = 4096
# Unicode 15 and 16 changed these characters; older versions of Python have the old properties.
CHANGED = "\u019b\u0264\u0295\u10fc\ua7d3\ua7d5\ua7f2\ua7f3\ua7f4\uab69"


def assigned() -> Iterator[str]:
    """Characters in the Unicode tables of this Python, in blocks. Newer characters may have other properties."""
    block: list[str] = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) not in ("Cn", "Cs") and character not in CHANGED:
            block.append(character)
        if len(block) == BLOCK or code == sys.maxunicode:
            yield "".join(block)
            block = []


@pytest.mark.parametrize("method", KINDS)
def test_kinds_of_characters(method: str) -> None:
    template = ChatTemplate("{% for c in text %}{{ 1 if c." + method + "() else 0 }}{% endfor %}")
    for text in assigned():
        expected = "".join(str(int(getattr(character, method)())) for character in text)
        given = template.render([{"role": "user", "content": "x"}], text=text)
        differ = [f"U+{ord(c):04X}" for c, a, b in zip(text, given, expected, strict=True) if a != b]
        assert differ == []


@pytest.mark.parametrize("method", CHANGES)
def test_changes_of_characters(method: str) -> None:
    template = ChatTemplate("{% for c in text %}{{ c." + method + "() }}\n{% endfor %}")
    for text in assigned():
        given = template.render([{"role": "user", "content": "x"}], text=text)
        expected = "".join(getattr(character, method)() + "\n" for character in text)
        assert given == expected


def test_white_space() -> None:
    everything = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    template = ChatTemplate("{{ text.split() | length }} {{ text.splitlines() | length }}")
    given = template.render([{"role": "user", "content": "x"}], text=everything)
    assert given == f"{len(everything.split())} {len(everything.splitlines())}"


def test_repr() -> None:
    for text in assigned():
        given = ChatTemplate("{{ [text] }}").render([{"role": "user", "content": "x"}], text=text)
        assert given == str([text])
