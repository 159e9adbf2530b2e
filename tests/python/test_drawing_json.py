"""Tests of drawn rows as JSON, which anyone may have written."""

from __future__ import annotations

import copy
import json
import re
from contextlib import suppress
from typing import Any

import pytest
from chatmill.drawing.html import CLASSES, draw_html
from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.drawing.terminal import draw_text
from hypothesis import given
from hypothesis import strategies as st

GOOD = {
    "tokens": 3,
    "trained_tokens": 1,
    "notes": ["A note."],
    "regions": [
        {"kind": "scaffold", "spans": [{"text": "x", "weight": 0, "ids": [4], "ends": [1]}]},
        {
            "message": 0,
            "role": "user",
            "kind": "content",
            "spans": [{"text": "ab", "weight": 0.5, "ids": [5], "ends": [2]}, {"text": "c"}],
        },
    ],
}


def test_the_json_is_compact() -> None:
    spans = DrawnSpan("ab", 0.5, (5,), (2,)), DrawnSpan("c", None)
    first = DrawnRegion(None, None, "scaffold", (DrawnSpan("x", 0.0, (4,), (1,)),))
    row = DrawnRow((first, DrawnRegion(0, "user", "content", spans)), 3, 1, ("A note.",))
    assert row.to_dict() == GOOD
    assert DrawnRow.from_dict(GOOD) == row
    assert '"weight": 1}' in json.dumps(DrawnRow((DrawnRegion(None, None, "", (DrawnSpan("", 1.0),)),), 0, 0).to_dict())


@pytest.mark.parametrize("text", ["</script>&<", "\u202e\u200b", "\x1b[2J\x00", "\udc80\ud800", "\u2028", "👋"])
def test_texts_keep_their_characters(text: str) -> None:
    span = DrawnSpan(text, 0.0, (1,), (len(text),))
    row = DrawnRow((DrawnRegion(0, text, "content", (span,)),), 1, 0, (text,))
    written = json.dumps(row.to_dict())
    written.encode("ascii")
    assert DrawnRow.from_dict(json.loads(written)) == row


NUMBER = "it must be a whole number from 0 to"
WRONG: list[tuple[list[Any], Any, str]] = [
    ([], None, "the row is null; it must be an object"),
    ([], [], "the row is a list; it must be an object"),
    (["<script>"], 1, "the row has an unknown field; the fields are tokens, trained_tokens, notes, regions"),
    (["tokens"], ..., f"tokens is missing; {NUMBER} 9007199254740991"),
    (["tokens"], -1, f"tokens is another number; {NUMBER} 9007199254740991"),
    (["tokens"], True, f"tokens is true or false; {NUMBER} 9007199254740991"),
    (["tokens"], 3.0, f"tokens is another number; {NUMBER} 9007199254740991"),
    (["tokens"], 10**400, f"tokens is another number; {NUMBER} 9007199254740991"),
    (["tokens"], 1, "the spans have 1 trained and 1 masked ids, but trained_tokens and tokens say 1 and 0"),
    (["trained_tokens"], 4, f"trained_tokens is another number; {NUMBER} 3"),
    (
        ["trained_tokens"],
        0,
        "the spans have 1 trained and 1 masked ids, but trained_tokens",
    ),
    (["notes"], "A note.", "notes is a text; it must be a list"),
    (["notes", 0], {}, "notes[0] is an object; it must be a text"),
    (["regions"], {}, "regions is an object; it must be a list"),
    (["regions", 0], "x", "regions[0] is a text; it must be an object"),
    (
        ["regions", 0, "kind"],
        "evil",
        "regions[0].kind is not a kind of regions; it must be one of scaffold, header, prefix, ",
    ),
    (["regions", 0, "kind"], ..., "a region has no kind; if a row has several regions, each needs one"),
    (["regions", 1, "role"], None, "regions[1].role is null; it must be a text"),
    (["regions", 1, "role"], "r" * 101, "regions[1].role has 101 characters; it may have 100"),
    (["regions", 1, "message"], "0", "regions[1].message is a text; it must be a whole number"),
    (["regions", 1, "spans"], 7, "regions[1].spans is another number; it must be a list"),
    (["regions", 1, "spans", 0, "text"], ..., "regions[1].spans[0].text is missing; it must be a text"),
    (["regions", 1, "spans", 0, "title"], "x", "regions[1].spans[0] has an unknown field; the fields are text, "),
    (
        ["regions", 1, "spans", 0, "weight"],
        -1,
        "regions[1].spans[0].weight is another number; it must be a number",
    ),
    (["regions", 1, "spans", 0, "weight"], float("nan"), "regions[1].spans[0].weight is another number"),
    (["regions", 1, "spans", 0, "weight"], float("inf"), "regions[1].spans[0].weight is another number"),
    (["regions", 1, "spans", 0, "weight"], 10**400, "regions[1].spans[0].weight is another number"),
    (["regions", 1, "spans", 0, "weight"], True, "regions[1].spans[0].weight is true or false"),
    (["regions", 1, "spans", 0, "weight"], ..., "regions[1].spans[0] has ids, but no weight; text without a weight"),
    (
        ["regions", 1, "spans", 0, "ids"],
        [5, 6],
        "regions[1].spans[0] has 2 ids and 1 ends; each token has one id and one end",
    ),
    (["regions", 1, "spans", 0, "ids", 0], 2**32, f"regions[1].spans[0].ids[0] is another number; {NUMBER} 4294967295"),
    (["regions", 1, "spans", 0, "ends", 0], 3, f"regions[1].spans[0].ends[0] is another number; {NUMBER} 2"),
]


@pytest.mark.parametrize(("place", "value", "told"), WRONG)
def test_malformed_json_is_refused(place: list[Any], value: Any, told: str) -> None:
    wrong: Any = copy.deepcopy(GOOD)
    inner = wrong
    for key in place[:-1]:
        inner = inner[key]
    if not place:
        wrong = value
    elif value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        DrawnRow.from_dict(wrong)


def test_ends_ascend() -> None:
    span = {"text": "ab", "weight": 0, "ids": [1, 2], "ends": [2, 1]}
    with pytest.raises(ValueError, match=r"^regions\[0\]\.spans\[0\]\.ends are not ascending$"):
        DrawnRow.from_dict({"tokens": 2, "trained_tokens": 0, "regions": [{"spans": [span]}]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", "a", "content"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "kind", "spans"]), inner),
    max_leaves=8,
)


@given(st.data())
def test_any_json_is_a_row_or_refused(data: st.DataObject) -> None:
    """One value anywhere in a row is replaced: the result is refused, or it can be drawn."""
    wrong: Any = copy.deepcopy(GOOD)
    inner = wrong
    while True:
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(JSON)
    # Any other exception fails the test.
    with suppress(ValueError):
        row = DrawnRow.from_dict(wrong)
        assert DrawnRow.from_dict(row.to_dict()) == row
        draw_text(row, regions=True)
        draw_html(row, CLASSES, tokens=True)
