"""Tests of rows as text and as HTML: regions with their names, the trained text, and the notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Encoding, Labels, Mill, Tokenizer
from chatmill._chatmill import NOTES
from chatmill.drawing.describe import describe_notes
from chatmill.drawing.legend import describe_counts
from chatmill.drawing.row import DrawnRow
from chatmill.drawing.spans import TextSpan, text_spans
from chatmill.inspect.html import to_html
from chatmill.inspect.show import print_encoding, show_encoding
from chatmill.text.visible import visible
from fixed_encodings import encoding_of
from rich.text import Text
from samples import PLAIN_SOURCE

GOOD = [{"role": "user", "content": "Hi\n\nyou"}, {"role": "assistant", "content": "Hello!"}]
REASONED = [GOOD[0], {"role": "assistant", "reasoning_content": "r r", "content": "Bye"}]
PLAIN = ChatTemplate(PLAIN_SOURCE)
HALF = Labels(weights={"reasoning": 0.5})


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_tokenizer()


@pytest.fixture(scope="module")
def encode(tokenizer: Tokenizer) -> Any:
    """Encode messages with a named template or another one."""

    def encode(messages: Sequence[Mapping[str, Any]], template: str | ChatTemplate = "chatml", **options: Any) -> Any:
        chosen = ChatTemplate.named(template) if isinstance(template, str) else template
        return Mill(tokenizer, chosen, **options).encode(messages)

    return encode


def styled(shown: Text, style: str) -> list[str]:
    return [shown.plain[span.start : span.end] for span in shown.spans if span.style == style]


def trained_text(encoding: Encoding) -> str:
    return "".join(token.text for token in encoding.tokens if token.label != -100)


class Page(HTMLParser):
    """An HTML fragment, parsed like in a browser."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = self.trained = self.legend = ""
        self.feed(fragment)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append((tag, dict(attrs)))
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(tag == "pre" for tag, _ in self.open):
            self.legend += data
            return
        self.text += data
        self.trained += data if "background-color" in (self.open[-1][1]["style"] or "") else ""

    def titles(self) -> list[str]:
        return [title for _, attributes in self.seen if (title := attributes.get("title"))]


def test_the_text_alone(encode: Any) -> None:
    assert show_encoding(encode(GOOD), color=False).plain == (
        "<|im_start|>user\nHi\n\nyou<|im_end|>\n<|im_start|>assistant\n⟦Hello!<|im_end|>⟧\n\n"
        "⟦trained⟧ 7 of 34 tokens (20.6 %), masked 27"
    )


def test_each_region_is_named(encode: Any) -> None:
    assert show_encoding(encode(GOOD), color=False, regions=True).plain.splitlines() == [
        "0 user      header   │ <|im_start|>user↵",
        "0 user      content  │ Hi↵",
        "                     │ ↵",
        "                     │ you",
        "0 user      closer   │ <|im_end|>",
        "0 user      trailing │ ↵",
        "1 assistant header   │ <|im_start|>assistant↵",
        "1 assistant content  │ ⟦Hello!⟧",
        "1 assistant closer   │ ⟦<|im_end|>⟧",
        "1 assistant trailing │ ↵",
        "",
        "⟦trained⟧ 7 of 34 tokens (20.6 %), masked 27",
    ]


def test_text_of_no_message_is_scaffold(encode: Any) -> None:
    lines = show_encoding(encode(GOOD, "qwen2.5"), color=False, regions=True).plain.splitlines()
    assert lines[0].startswith("            scaffold │ <|im_start|>system↵")


def test_a_region_may_be_trained_in_part(encode: Any) -> None:
    detail = [{"begin_offset": 0, "end_offset": 4, "train": True}, {"begin_offset": 5, "end_offset": 8, "train": False}]
    messages = [GOOD[0], {"role": "assistant", "content": "Hello\nyou", "train_detail": detail}]
    shown = show_encoding(encode(messages), color=False, regions=True).plain
    assert "1 assistant content  │ ⟦Hello⟧↵\n                     │ you\n1 assistant closer   │ ⟦<|im_end|>⟧\n" in shown
    page = Page(to_html(encode(messages)))
    assert page.trained == "Hello<|im_end|>"


def test_colours_mark_what_is_trained(encode: Any) -> None:
    shown = show_encoding(encode(GOOD), regions=True)
    assert styled(shown, "green") == ["Hello!", "<|im_end|>", "trained"]
    assert styled(shown, "dim")[:3] == ["<|im_start|>user↵", "Hi↵", "↵"]
    assert "⟦" not in shown.plain
    assert not show_encoding(encode(GOOD, PLAIN, labels=HALF), color=False, regions=True).spans


def test_weights_are_told(encode: Any) -> None:
    encoding = encode(REASONED, "qwen3", labels=HALF)
    lines = show_encoding(encoding, color=False, regions=True).plain.splitlines()
    assert lines[7:13] == [
        "1 assistant reasoning │ ⟦<think>↵⟧×0.5",
        "                      │ ⟦r r↵⟧×0.5",
        "                      │ ⟦</think>↵⟧×0.5",
        "                      │ ⟦↵⟧×0.5",
        "1 assistant content   │ ⟦Bye⟧",
        "1 assistant closer    │ ⟦<|im_end|>⟧",
    ]
    # 22 tokens of reasoning with weight 0.5, and 4 tokens with weight 1.
    assert lines[-1] == "⟦trained⟧ 26 of 53 tokens (49.1 %), masked 27; mean weight of trained tokens 0.577"
    # Without regions, the text shows one trained part.
    assert "⟦<think>\nr r\n</think>\n\nBye<|im_end|>⟧" in show_encoding(encoding, color=False).plain
    page = Page(to_html(encoding))
    assert page.titles().count("message 1 · assistant · reasoning · trained × 0.5") == 1
    assert "mean weight of trained tokens 0.577" in page.legend


def test_without_trained_tokens_there_is_no_mean(encode: Any) -> None:
    weighted = Labels(roles=["tool"], weights={"content": 0.5})
    assert describe_counts(DrawnRow.of(encode(GOOD, labels=weighted))) == ("0 of 34 tokens (0.0 %)", "34")


def test_control_characters_and_roles_cannot_break_the_lines(encode: Any) -> None:
    messages = [{"role": "us\ner\x1b" + "x" * 90, "content": "a\x1b[2J\rb\tc\x9bd"}, GOOD[1]]
    lines = show_encoding(encode(messages, PLAIN), color=False, regions=True).plain.splitlines()
    assert "0 us↵er␛xxxxxxxxxxxxx… content  │ a␛[2J␍b\tc\ufffdd" in lines
    assert visible("a\n\x00\x7f") == "a\n␀␡"


def test_notes_are_sentences(encode: Any) -> None:
    assert describe_notes(encode(GOOD)) == [], "tags"
    assert describe_notes(encode(GOOD, PLAIN)) == ["A trained turn does not end with a stop token."]
    assert describe_notes(encode(GOOD, labels="hf")) == ["The labels follow the rules of another tool."]
    shown = show_encoding(encode(GOOD, PLAIN), color=False).plain
    assert shown.splitlines()[-2] == "A trained turn does not end with a stop token."
    assert "A trained turn does not end with a stop token." in Page(to_html(encode(GOOD, PLAIN))).legend


TOLD = {
    "proved_by_prefixes": "The labels are verified by rendering the conversation up to some of its turns.",
    "value_dropped": "A turn is not trained: the template does not print it.",
    "other_role": "A turn is not trained: the template prints it under another role.",
    "header_mismatch": "A turn is not trained: its header is not the generation prompt.",
    "merged": "A turn is not trained: its text is mixed with that of another message.",
    "unanchored": "A turn is not trained: it has no text, so its end is uncertain.",
    "missing_stop": "A trained turn does not end with a stop token.",
    "doubled_bos": "The row begins with two begin-of-text tokens.",
    "control_text": "A control token in a text was encoded as plain text.",
    "empty_answer": "An answer is empty: only the text that the template adds to it is trained.",
    "unread_system": "The row has a system prompt in a column beside the messages, which is not read.",
    "pieces_left_out": "Samples of the row are left out: they have no trained token or are too long.",
    "truncated": "The row is cut to `max_length`.",
    "emulated": "The labels follow the rules of another tool.",
}


def test_every_note_has_words() -> None:
    """The two others are those of rows without a peculiarity."""
    assert {*TOLD} == {*NOTES} - {"proved", "tagged"}


@pytest.mark.parametrize(("note", "words"), TOLD.items())
def test_every_note_is_told(note: str, words: str) -> None:
    encoding = encoding_of([(0, 2, True)], notes=["proved", note])
    (told,) = describe_notes(encoding)
    assert told == words
    assert told in show_encoding(encoding).plain


def test_a_cut_is_told(encode: Any) -> None:
    encoding = encode(GOOD, max_length=30)
    assert encoding.text.endswith("Hello!<|im_end|>\n"), "four tokens are missing"
    told = f"The last {len('o!<|im_end|>') + 1} characters of the text have no token."
    assert told in show_encoding(encoding, color=False).plain.splitlines()
    page = Page(to_html(encoding))
    assert told in page.legend
    assert page.trained == "Hell"
    cut = [f"message 1 · assistant · {part} · no token" for part in ("content", "closer", "trailing")]
    assert [title for title in page.titles() if "no token" in title] == cut
    struck = [it.get("title") for _, it in page.seen if "line-through" in (it.get("style") or "")]
    assert struck == cut


@pytest.mark.parametrize("template", ["chatml", "qwen3", "llama2", "gpt-oss", "deepseek", "vicuna"])
@pytest.mark.parametrize("labels", ["assistant", "last", "all", "none"])
def test_regions_and_stretches_cover_the_text(template: str, labels: str, encode: Any) -> None:
    messages = [*GOOD, {"role": "user", "content": "你好 👋"}, {"role": "assistant", "content": "👋\n"}]
    encoding = encode(messages, template, labels=labels)
    found = DrawnRow.of(encoding).regions
    names = [(region.message, region.role, region.kind) for region in encoding.regions]
    assert [(region.message, region.role, region.kind) for region in found] == names
    for region, drawn in zip(encoding.regions, found, strict=True):
        assert "".join(span.text for span in drawn.spans) == encoding.text[region.start : region.end]
    trained = "".join(encoding.text[it.start : it.end] for it in text_spans(encoding) if it.weight)
    by_character = {(token.start, token.end): token.text for token in encoding.tokens if token.label != -100}
    assert trained == "".join(by_character.values())
    assert Page(to_html(encoding)).text == encoding.text
    assert Page(to_html(encoding)).trained == trained


def test_tokens_without_characters_have_no_stretch() -> None:
    encoding = encoding_of([(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, True)])
    assert text_spans(encoding) == [TextSpan(0, 1, 0), TextSpan(1, 2, 1)]


@pytest.fixture
def no_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_colors")
def test_printing(encode: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    content = "[bold]no markup[/bold] :smile: [/] " + "long " * 100
    encoding = encode([GOOD[0], {"role": "assistant", "content": content}])
    print_encoding(encoding)
    plain = capsys.readouterr().out
    assert f"1 assistant content  │ ⟦{content}⟧\n" in plain
    print_encoding(encoding, regions=False)
    assert f"⟦{content}<|im_end|>⟧\n" in capsys.readouterr().out
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_encoding(encoding)
    colored = capsys.readouterr().out
    assert f"\x1b[32m{content}\x1b[0m" in colored
    assert "⟦" not in colored
    monkeypatch.setenv("NO_COLOR", "1")
    print_encoding(encoding)
    assert f"⟦{content}⟧" in capsys.readouterr().out


def test_unknown_regions_leave_the_text() -> None:
    encoding = encoding_of([(0, 1, False), (1, 2, True)], text="<b")
    assert show_encoding(encoding, color=False, regions=True).plain == (
        "<⟦b⟧\n\nThe regions of the text are unknown.\n⟦trained⟧ 1 of 2 tokens (50.0 %), masked 1"
    )
    assert "unknown" not in show_encoding(encoding).plain, "regions are not requested"
    page = Page(to_html(encoding))
    assert (page.text, page.trained, page.titles()) == ("<b", "b", [])


def test_an_empty_text(encode: Any) -> None:
    encoding = encode(GOOD, ChatTemplate("{{ '' }}"), labels="all")
    assert show_encoding(encoding, color=False, regions=True).plain == ("\n\n⟦trained⟧ 0 of 0 tokens (0.0 %), masked 0")
    assert Page(to_html(encoding)).text == ""


def test_html_has_regions_and_a_legend(encode: Any) -> None:
    page = Page(to_html(encode(GOOD)))
    parts = ("header", "content", "closer", "trailing")
    assert page.titles() == [
        *(f"message 0 · user · {part}" for part in parts),
        *(f"message 1 · assistant · {part}" for part in parts),
    ]
    bordered = [attributes for _, attributes in page.seen if "border-left" in (attributes.get("style") or "")]
    assert [it["title"] for it in bordered] == page.titles()
    assert page.trained == "Hello!<|im_end|>"
    assert page.legend == "trained 7 of 34 tokens (20.6 %), masked 27"


def test_html_escapes_the_row(encode: Any) -> None:
    role = '"><img src=x onerror=alert(1)>'
    messages = [
        {"role": role, "content": "<script>alert(1)</script> & &lt; \"'"},
        {"role": "assistant", "content": "</pre></span><style>*{}</style>"},
    ]
    encoding = encode(messages, PLAIN)
    fragment = to_html(encoding)
    assert "&lt;script&gt;" in fragment
    page = Page(fragment)
    assert page.text == encoding.text
    assert {tag for tag, _ in page.seen} == {"div", "pre", "span"}
    assert {name for _, attributes in page.seen for name in attributes} == {"style", "title"}
    assert f"message 0 · {role} · content" in page.titles()
    assert "url(" not in fragment
    assert trained_text(encoding) == page.trained
