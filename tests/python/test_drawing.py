"""Tests of drawn rows: their spans and tokens, their JSON, and hostile texts in the terminal and in HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, Encoding, Labels, Mill
from chatmill.drawing.html import CLASSES, INLINE, HtmlLook, draw_html, legend_lines
from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.drawing.spans import text_spans, token_weights
from chatmill.drawing.terminal import draw_text
from chatmill.inspect.html import to_html
from chatmill.text.visible import visible
from fixed_encodings import encoding_of
from hypothesis import given
from hypothesis import strategies as st
from random_conversations import Maker
from samples import PLAIN_SOURCE

MESSAGES = [{"role": "user", "content": "Hi\n\nyou"}, {"role": "assistant", "content": "Hello!"}]
PLAIN = ChatTemplate(PLAIN_SOURCE)
HOSTILE = [
    "<script>alert(1)</script>",
    "</span></pre></script><!--",
    "\" onmouseover='alert(1)' x=\"",
    "&lt;&amp;&#60;",
    "\u202eabc\u202c\u2066x\u2069",
    "a\u200bb\u200d\ufeff\u00ad",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "\x00\x08\x7f\r",
    "\ud800\udfff\udc80",
    "\u2028\u2029\U000e0041",
]
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def encode(messages: Any = MESSAGES, template: str | ChatTemplate = "chatml", **options: Any) -> Encoding:
    chosen = ChatTemplate.named(template) if isinstance(template, str) else template
    return Mill(byte_tokenizer(), chosen, **options).encode(messages)


def row_of(*spans: DrawnSpan, role: str = "user") -> DrawnRow:
    ids = [(len(span.ids), bool(span.weight)) for span in spans]
    trained = sum(count for count, is_trained in ids if is_trained)
    return DrawnRow((DrawnRegion(0, role, "content", spans),), sum(count for count, _ in ids), trained)


class Elements(HTMLParser):
    """The elements of a drawn row, with their attributes, their depth and their text."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.found: list[SimpleNamespace] = []
        self.open: list[SimpleNamespace] = []
        self.loose = ""
        self.feed(fragment)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(SimpleNamespace(tag=tag, attributes=dict(attrs), depth=len(self.open), text=""))
        self.found.append(self.open[-1])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        self.loose += "" if self.open else data

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def of_class(self, name: str) -> list[SimpleNamespace]:
        return [it for it in self.found if name in it.attributes["class"].split()]


def check(encoding: Encoding, row: DrawnRow) -> None:
    """A drawn row has the text, the regions and the tokens of its encoding, each token where it ends."""
    assert row.text == encoding.text
    assert (row.tokens, row.trained_tokens) == (len(encoding), sum(map(bool, token_weights(encoding))))
    assert encoding.offsets == [(token.start, token.end) for token in encoding.tokens]
    position, tokens = 0, []
    for span in row.spans():
        assert (span.weight is None) <= (span.ids == ())
        assert list(span.ends) == sorted(span.ends)
        assert all(0 <= end <= len(span.text) for end in span.ends)
        tokens += [(token, span.weight, position + end) for token, end in zip(span.ids, span.ends, strict=True)]
        position += len(span.text)
    expected = zip(encoding.tokens, token_weights(encoding), strict=True)
    assert tokens == [(token.id, weight, token.end) for token, weight in expected]
    assert DrawnRow.from_dict(json.loads(json.dumps(row.to_dict()))) == row


def test_a_row_by_regions() -> None:
    row = DrawnRow.of(encode())
    assert [(region.name, "".join(span.text for span in region.spans)) for region in row.regions] == [
        ("message 0 · user · header", "<|im_start|>user\n"),
        ("message 0 · user · content", "Hi\n\nyou"),
        ("message 0 · user · closer", "<|im_end|>"),
        ("message 0 · user · trailing", "\n"),
        ("message 1 · assistant · header", "<|im_start|>assistant\n"),
        ("message 1 · assistant · content", "Hello!"),
        ("message 1 · assistant · closer", "<|im_end|>"),
        ("message 1 · assistant · trailing", "\n"),
    ]
    assert [span.state for span in row.spans()] == ["masked"] * 5 + ["trained"] * 2 + ["masked"]
    ids = tuple(map(ord, "Hello!"))
    assert row.regions[5].spans == (DrawnSpan("Hello!", 1.0, ids, (1, 2, 3, 4, 5, 6)),)
    assert len(row.regions[6].spans[0].ids) == 1
    assert (row.tokens, row.trained_tokens, row.notes) == (34, 7, ())


@pytest.mark.parametrize("template", ["chatml", "qwen3", "llama2", "gpt-oss", "deepseek", "vicuna"])
def test_random_rows(template: str) -> None:
    maker = Maker(17)
    options: list[dict[str, Any]] = [
        {},
        {"labels": Labels(weights={"content": 0.25})},
        {"max_length": 20},
        {"max_length": 20, "truncation": "keep_end"},
        {"max_length": 20, "truncation": "split"},
    ]
    checked = 0
    for number in range(100):
        messages = [
            {"role": role, "content": f"{maker.text()}."} for role in ("user", "assistant") * maker.pick.randint(1, 3)
        ]
        try:
            encoding = encode(messages, template, **options[number % len(options)])
        except ChatmillError:
            continue
        for sample in encoding.samples:
            check(sample, DrawnRow.of(sample))
            checked += 1
    assert checked > 80


@st.composite
def encodings(draw: st.DrawFn) -> Encoding:
    """An encoding with tokens of any width, also without characters or over several regions, and cut at both ends."""
    text = draw(st.text(st.sampled_from("ab\n<\u202e\x1b👋"), max_size=12))
    edges = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=8)))
    marks = draw(st.lists(st.booleans(), min_size=len(edges) - 1, max_size=len(edges) - 1))
    tokens = [(start, end, mark) for (start, end), mark in zip(pairwise(edges), marks, strict=True)]
    weights = draw(st.none() | st.lists(st.sampled_from([1.0, 0.5]), min_size=len(tokens), max_size=len(tokens)))
    parts = None
    if draw(st.booleans()):
        cuts = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=3))), len(text)]
        parts = [
            SimpleNamespace(start=start, end=end, message=number, role="user", kind="content")
            for number, (start, end) in enumerate(pairwise(cuts))
        ]
    return encoding_of(tokens, text=text, weights=weights, parts=parts)


@given(encodings())
def test_any_tokens_and_regions(encoding: Encoding) -> None:
    row = DrawnRow.of(encoding)
    check(encoding, row)
    shown = "".join(visible(span.text) for span in row.spans())
    for look in (INLINE, CLASSES):
        assert "".join(it.text for it in Elements(draw_html(row, look)).found if it.depth == 0) == shown
    plain = draw_text(row, color=False).plain
    assert plain.replace("⟦", "").replace("⟧", "").startswith(shown)


@given(encodings())
def test_the_ends_on_a_page_are_those_of_the_text_as_shown(encoding: Encoding) -> None:
    row = DrawnRow.of(encoding)
    drawn = [it for it in Elements(draw_html(row, CLASSES, tokens=True)).found if "data-ids" in it.attributes]
    spans = [span for span in row.spans() if span.ids]
    assert len(drawn) == len(spans)
    for element, span in zip(drawn, spans, strict=True):
        assert element.attributes["data-ids"] == " ".join(map(str, span.ids))
        ends = [int(end) for end in element.attributes["data-ends"].split(" ")]
        assert [element.text[:end] for end in ends] == [visible(span.text[:end]) for end in span.ends]


def test_a_sample_that_starts_later_is_cut_at_its_start() -> None:
    """Its first token says nothing about the text before it."""
    encoding = encode(max_length=5, truncation="keep_end")
    row = DrawnRow.of(encoding)
    cut = "<|im_start|>user\nHi\n\nyou<|im_end|>\n<|im_start|>assistant\nHel"
    assert "".join(span.text for span in row.spans() if span.weight is None) == cut
    assert "".join(span.text for span in row.spans() if span.weight) == "lo!<|im_end|>"
    assert row.notes == (
        "The row is cut to `max_length`.",
        f"The first {len(cut)} characters of the text have no token.",
    )
    assert text_spans(encoding)[0].weight is None
    shown = draw_text(row)
    assert [shown.plain[it.start : it.end] for it in shown.spans if it.style == "dim strike"] == [cut]
    assert f"{cut}⟦lo!<|im_end|>⟧\n" in draw_text(row, color=False).plain
    struck = [it.text for it in Elements(to_html(encoding)).found if "line-through" in it.attributes.get("style", "")]
    assert "".join(struck) == cut


def test_a_token_without_characters_keeps_its_label() -> None:
    row = DrawnRow.of(encoding_of([(0, 0, True), (0, 2, False), (2, 2, True)]))
    spans = (DrawnSpan("", 1.0, (0,), (0,)), DrawnSpan("ab", 0.0, (1,), (2,)), DrawnSpan("", 1.0, (2,), (0,)))
    assert row == DrawnRow((DrawnRegion(None, None, "", spans),), 3, 2)
    assert draw_text(row, color=False).plain.startswith("ab\n")
    assert draw_html(row, CLASSES) == '<span class="masked">ab</span>'
    drawn = Elements(draw_html(row, CLASSES, tokens=True)).found
    assert [(it.attributes["data-ids"], it.attributes["data-ends"], it.text) for it in drawn] == [
        ("0", "0", ""),
        ("1", "2", "ab"),
        ("2", "0", ""),
    ]


def test_tokens_of_an_empty_text() -> None:
    row = DrawnRow.of(encoding_of([(0, 0, True)], text=""))
    assert (row.text, [span.ids for span in row.spans()]) == ("", [(0,)])
    assert draw_text(row, color=False, regions=True).plain == "\n\n⟦trained⟧ 1 of 1 tokens (100.0 %), masked 0"
    assert DrawnRow.of(encoding_of([], text="")) == DrawnRow((), 0, 0)


def test_a_page_has_classes_and_data() -> None:
    encoding = encode(template="chatml", labels=Labels(weights={"content": 0.5}), max_length=33)
    drawn = Elements(draw_html(DrawnRow.of(encoding), CLASSES))
    assert {*(it.tag for it in drawn.found)} == {"span"}
    regions = drawn.of_class("region")
    assert [(it.attributes["data-message"], it.attributes["data-role"], it.attributes["data-kind"]) for it in regions][
        4:7
    ] == [("1", "assistant", "header"), ("1", "assistant", "content"), ("1", "assistant", "closer")]
    assert [it.attributes["title"] for it in regions][5] == "message 1 · assistant · content"
    assert [(it.text, it.attributes["data-weight"]) for it in drawn.of_class("weighted")] == [("Hello!", "0.5")]
    assert [it.text for it in drawn.of_class("trained")] == ["Hello!", "<|im_end|>"]
    assert [it.text for it in drawn.of_class("cut")] == ["\n"]
    assert len(drawn.of_class("masked")) == 5
    assert {name for it in drawn.found for name in it.attributes} == {
        *("class", "title", "data-message", "data-role", "data-kind", "data-weight")
    }


def test_text_of_no_message_has_no_role() -> None:
    first = Elements(draw_html(DrawnRow.of(encode(template="qwen2.5")), CLASSES)).of_class("region")[0]
    assert first.attributes == {"title": "scaffold", "class": "region", "data-kind": "scaffold"}


def test_unknown_regions_have_no_element() -> None:
    row = DrawnRow.of(encoding_of([(0, 1, False), (1, 2, True)], text="<b"))
    assert draw_html(row, CLASSES) == '<span class="masked">&lt;</span><span class="trained">b</span>'
    assert not row.has_regions


def test_a_mean_weight_is_told_if_there_are_weights() -> None:
    half = row_of(DrawnSpan("ab", 0.5, (1, 2), (1, 2)), DrawnSpan("c", 1.0, (3,), (1,)), DrawnSpan("", 0.0, (4,), (0,)))
    (line,) = legend_lines(half, CLASSES)
    assert line.startswith('<span class="trained">trained</span> 3 of 4 tokens (75.0 %), ')
    assert line.endswith('<span class="masked">masked</span> 1; mean weight of trained tokens 0.667')
    # Weights of 1 on all trained tokens mean the same as no weights.
    ones = DrawnRow.of(encoding_of([(0, 1, True), (1, 2, False)], weights=[1.0, 1.0]))
    assert draw_text(ones, color=False).plain.endswith("1 of 2 tokens (50.0 %), masked 1")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("look", [INLINE, CLASSES], ids=["inline", "classes"])
def test_hostile_texts_are_text_in_html(text: str, look: HtmlLook) -> None:
    row = row_of(DrawnSpan(text, 0.5, (1,), (len(text),)), DrawnSpan(f"{text}\n", None), role=text)
    row = DrawnRow(row.regions, row.tokens, row.trained_tokens, (text,))
    fragment = draw_html(row, look, tokens=True)
    drawn = Elements(fragment)
    region, weighted, cut = drawn.found
    assert (weighted.text, cut.text, drawn.loose) == (visible(text), visible(f"{text}\n"), "")
    assert region.attributes["title"] == f"message 0 · {visible(text)} · content"
    assert cut.attributes["title"] == f"message 0 · {visible(text)} · content · no token"
    legend = "".join(legend_lines(row, look))
    assert Elements(legend).loose.endswith(visible(text))
    for written in (fragment, legend):
        assert not CONTROLS.search(written)
        written.encode("utf-8")
        assert {*re.findall(r"<\W?\w*", written)} <= {"<span", "</span"}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("regions", [True, False])
@pytest.mark.parametrize("color", [True, False])
def test_hostile_texts_are_text_in_the_terminal(text: str, regions: bool, color: bool) -> None:
    row = row_of(DrawnSpan(text, 1.0, (1,), (len(text),)), role=text)
    row = DrawnRow(row.regions, row.tokens, row.trained_tokens, (text,))
    shown = draw_text(row, regions=regions, color=color).plain
    assert visible(text) in shown
    assert shown.splitlines()[-2] == visible(text)
    assert not CONTROLS.search(shown)
    shown.encode("utf-8")


def test_a_role_may_be_long() -> None:
    row = DrawnRow.of(encode([{"role": "r" * 10_000, "content": "Hi"}, MESSAGES[1]], PLAIN))
    assert row.regions[0].role == "r" * 99 + "…"
    assert DrawnRow.from_dict(row.to_dict()) == row


def test_long_lines_take_little_more_than_their_text() -> None:
    content = "a<\u202e" * 300_000
    row = DrawnRow.of(encode([{"role": "user", "content": content}, MESSAGES[1]]))
    assert f"{visible(content)}" in draw_text(row, color=False, regions=True).plain
    assert len(draw_html(row, CLASSES)) < len(visible(content)) + 3 * 300_000 + 3_000
