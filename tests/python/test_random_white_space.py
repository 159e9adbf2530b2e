"""Random texts between random tags: the remaining white space equals that of Jinja2."""

from __future__ import annotations

import random
from typing import Any

import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import compiled_or_none, text_or_none

SPACES = [
    "\n",
    "  ",
    "\t",
    "a",
    "b\n",
    " \n",
    "\r\n",
    "\r",
    "x ",
    "\x1c",
    "\x1f",
    " ",
    "\xa0",
    "\u2028",
    "\x0b",
    "\x0c",
    "",
]
RAW = ["{{ x }}", "{% y %}", ""]
VALUES: dict[str, Any] = {"t": True, "s": "S", "l": [1, 2]}


class Maker:
    """Makes templates at random."""

    def __init__(self, source: random.Random) -> None:
        self.pick = source

    def body(self, depth: int) -> str:
        blocks = range(self.pick.randint(1, 3))
        return "".join(self.space() + self.block(depth) + self.space() for _ in blocks)

    def space(self) -> str:
        return "".join(self.pick.choice(SPACES) for _ in range(self.pick.randint(0, 3)))

    def tag(self, inside: str) -> str:
        signs = ["", "", "-", "+"]
        return f"{{%{self.pick.choice(signs)} {inside} {self.pick.choice(signs)}%}}"

    def block(self, depth: int) -> str:
        kind = self.pick.random()
        if depth <= 0 or kind < 0.25:
            return self.space()
        if kind < 0.4:
            return f"{{{{{self.pick.choice(['', '-', '+'])} s {self.pick.choice(['', '-'])}}}}}"
        if kind < 0.5:
            return f"{{#{self.pick.choice(['', '-'])} c {self.pick.choice(['', '-', '+'])}#}}"
        if kind < 0.56:
            # `+` does not end the tag that begins a raw block.
            opening = f"{{%{self.pick.choice(['', '-', '+'])} raw {self.pick.choice(['', '-'])}%}}"
            return opening + self.space() + self.pick.choice(RAW) + self.space() + self.tag("endraw")
        if kind < 0.62:
            return self.tag("set q = 1")
        around = [
            ("if t", "endif"),
            ("for i in l", "endfor"),
            ("generation", "endgeneration"),
            ("filter upper", "endfilter"),
        ]
        if kind < 0.92:
            opening, closing = self.pick.choice(around)
            return self.tag(opening) + self.body(depth - 1) + self.tag(closing)
        return self.tag("set z") + self.body(depth - 1) + self.tag("endset") + "[{{ z }}]"


# The same templates each time, because pytest must not fail by chance. For more templates, raise `max_examples`.
@settings(max_examples=1500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_random_white_space(source: random.Random) -> None:
    template = Maker(source).body(3)
    messages = [{"role": "user", "content": "x"}]
    expected = reference.render(template, messages, **VALUES)
    text = text_or_none(compiled_or_none(template), messages=messages, **VALUES)
    assert text == expected, template
