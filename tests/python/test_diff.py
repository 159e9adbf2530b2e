"""Differences between two mills on the same rows: the rows, the aspects and the spans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Encoding, Format, Labels, Mill
from chatmill.inspect.diff import DifferingSpan, DiffReport, RowDifference, diff_rows, show_difference, show_summary
from fixed_encodings import encoding_of
from samples import LONG, PLAIN_SOURCE, SHORT, TURN, Row, WriteFile

CHATML = ChatTemplate.named("chatml")
PLAIN = ChatTemplate(PLAIN_SOURCE)

MakeMill = Callable[..., Mill]


@pytest.fixture(scope="module")
def mill() -> MakeMill:
    """A mill with chatml, or with another template."""
    tokenizer = byte_tokenizer()
    return lambda template=CHATML, **options: Mill(tokenizer, template, **options)


@pytest.fixture
def of_rows(write_file: WriteFile) -> Callable[..., tuple[list[RowDifference], DiffReport]]:
    """The differences of two mills on some rows, and the report."""

    def of_rows(left: Mill, right: Mill, *rows: Row) -> tuple[list[RowDifference], DiffReport]:
        report = diff_rows(left, right, write_file("a.jsonl", rows))
        return list(report), report

    return of_rows


class Fixed:
    """A mill that returns the same encoding for every row."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.format = None

    def encode_row(self, *_: Any, **__: Any) -> Encoding:
        return self.encoding


def fixed(*tokens: tuple[int, int, bool], **options: Any) -> Mill:
    return cast(Mill, Fixed(encoding_of(tokens, **options)))


def test_all_turns_and_the_last_one(mill: MakeMill, write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [SHORT, LONG, SHORT, LONG])
    report = diff_rows(mill(labels=Labels.preset("assistant")), mill(labels=Labels.preset("last")), path)
    found = list(report)
    spans = (
        DifferingSpan(52, 58, "Hello!", "trained", "masked", 1, "assistant", "content"),
        DifferingSpan(58, 68, "<|im_end|>", "trained", "masked", 1, "assistant", "closer"),
    )
    assert found == [
        RowDifference(1, f"{path}, line 2", "labels", spans),
        RowDifference(3, f"{path}, line 4", "labels", spans),
    ]
    assert (report.rows, report.differing) == (4, {"labels": 2})
    assert (report.left.tokens, report.left.trained_tokens, report.left.failed) == (6 * 29, 6 * 7, 0)
    assert (report.right.tokens, report.right.trained_tokens, report.right.failed) == (6 * 29, 4 * 7, 0)
    assert show_difference(found[0], names=("assistant", "last"), color=False).plain == (
        f"row 1 ({path}, line 2): the labels differ\n"
        "  message 1 · assistant · content, 52 to 58: 'Hello!'\n"
        "    assistant: trained, last: masked\n"
        "  message 1 · assistant · closer, 58 to 68: '<|im_end|>'\n"
        "    assistant: trained, last: masked"
    )
    assert show_summary(report, names=("assistant", "last"), color=False).plain == (
        "2 of 4 rows differ: labels 2\n"
        "assistant: trained 42 of 174 tokens (24.1 %)\n"
        "last:      trained 28 of 174 tokens (16.1 %)"
    )


def test_the_same_twice(mill: MakeMill, of_rows: Any) -> None:
    found, report = of_rows(mill(), mill(labels="hf"), SHORT, LONG)
    assert (found, report.rows, report.differing.total()) == ([], 2, 0)
    assert show_summary(report).plain.startswith("0 of 2 rows differ\n")


def test_texts_of_two_templates(mill: MakeMill, of_rows: Any) -> None:
    found, report = of_rows(mill(), mill(ChatTemplate.named("zephyr")), SHORT)
    (difference,) = found
    assert difference.aspect == "text"
    assert difference.spans == (
        DifferingSpan(
            *(2, 2, ""),
            "'<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistan…'",
            "'<|user|>\\nHi</s>\\n<|assistant|>\\nHello!</s>\\n'",
            *(0, "user", "header"),
        ),
    )
    assert show_difference(difference, color=False).plain.splitlines()[1:] == [
        "  message 0 · user · header, from 2 on",
        f"    left:  {difference.spans[0].left}",
        f"    right: {difference.spans[0].right}",
    ]
    assert report.differing == {"text": 1}


def test_a_text_that_goes_on(mill: MakeMill, of_rows: Any) -> None:
    longer = ChatTemplate(PLAIN.source + "{{ 'the end' }}")
    (difference,), _ = of_rows(mill(PLAIN), mill(longer), SHORT)
    (span,) = difference.spans
    assert (span.start, span.text) == (len("user: Hi\nassistant: Hello!\n"), "")
    assert span.left.endswith("Hello!\\n'")
    assert span.right.endswith("Hello!\\nthe end'")
    left, right = (mill(template).encode(TURN).regions for template in (PLAIN, longer))
    (there,) = (region for region in right if region.start <= span.start < region.end)
    assert (span.message, span.role, span.kind) == (there.message, there.role, there.kind)
    assert there.kind != left[-1].kind, "the message after the end of the left text is unknown"


def test_a_failure_on_one_side(mill: MakeMill, of_rows: Any) -> None:
    tool = {"messages": [*TURN, {"role": "tool", "content": "x"}]}
    for is_left in (True, False):
        mills = (mill(), mill(ChatTemplate.named("zephyr")))[:: -1 if is_left else 1]
        found, report = of_rows(*mills, tool)
        (difference,) = found
        assert difference.aspect == "failure"
        (span,) = difference.spans
        failed, done = (span.left, span.right) if is_left else (span.right, span.left)
        assert failed.startswith("template_raised (message 2, template line ")
        assert "'tool'" in failed
        assert done.startswith("trained 7 of ")
        assert (report.left.failed, report.right.failed) == (is_left, not is_left)
        name = "left" if is_left else "right"
        shown = show_difference(difference, color=False).plain.splitlines()
        assert shown[0].endswith("a.jsonl, line 1): a failure")
        assert f"    {f'{name}:':<6} template_raised" in "\n".join(shown)
        assert len(shown) == 3
        lines = show_summary(report, color=False).plain.splitlines()
        assert [line.endswith(", 1 row failed") for line in lines[1:]] == [is_left, not is_left]


def test_failures_on_both_sides(mill: MakeMill, of_rows: Any) -> None:
    raises = ChatTemplate("{{ raise_exception('no') }}")
    raises_too = ChatTemplate("{{ raise_exception('never') }}")
    fails = ChatTemplate("{{ 1 / 0 }}")
    found, report = of_rows(mill(raises), mill(raises_too), SHORT, {"text": "x"})
    assert found == []
    assert (report.rows, report.left.failed, report.right.failed) == (2, 2, 2)
    (difference,), _ = of_rows(mill(raises), mill(fails), SHORT)
    assert difference.aspect == "failure"
    assert difference.spans[0].left == "template_raised (template line 1): no"
    assert difference.spans[0].right.startswith("template_failed (template line 1): ")


def test_labels_that_one_side_refuses(mill: MakeMill, of_rows: Any) -> None:
    template = ChatTemplate(PLAIN.source + "{% if add_generation_prompt %}robot: {% endif %}")
    masked = mill(template, labels=Labels(unproved="mask"))
    (difference,), _ = of_rows(mill(template), masked, {"messages": TURN[:1]}, SHORT)
    assert (difference.row, difference.aspect) == (1, "failure"), "the first row has no answer, so it is not ambiguous"
    (span,) = difference.spans
    assert span.left.startswith("header_mismatch (message 1): the labels cannot be verified")
    assert span.right == "trained 0 of 27 tokens"


def test_other_tokens_of_the_same_text(mill: MakeMill, of_rows: Any) -> None:
    row = {"messages": [{"role": "user", "content": "a</s>"}, TURN[1]]}
    (difference,), report = of_rows(mill(), mill(special_tokens="text"), row)
    assert (difference.aspect, report.differing) == ("ids", {"ids": 1})
    told = "'<' (60), '/' (47), 's' (115), '>' (62)"
    assert difference.spans == (DifferingSpan(18, 22, "</s>", "'</s>' (259)", told, 0, "user", "content"),)
    assert show_difference(difference, color=False).plain.splitlines()[1:] == [
        "  message 0 · user · content, 18 to 22: '</s>'",
        "    left:  '</s>' (259)",
        f"    right: {told}",
    ]


def test_a_cut_row_has_fewer_tokens(mill: MakeMill, of_rows: Any) -> None:
    (difference,), _ = of_rows(mill(), mill(max_length=25), SHORT, {"messages": TURN[:1]})
    assert difference.aspect == "ids"
    assert difference.spans == (
        DifferingSpan(56, 57, "o", "'o' (111)", "no token", 1, "assistant", "content"),
        DifferingSpan(56, 58, "o!", "trained", "no token", 1, "assistant", "content"),
        DifferingSpan(58, 68, "<|im_end|>", "trained", "no token", 1, "assistant", "closer"),
        DifferingSpan(68, 69, "\n", "masked", "no token", 1, "assistant", "trailing"),
    )


def test_weights(mill: MakeMill, of_rows: Any) -> None:
    half = Labels(weights={"content": 0.5})
    (difference,), report = of_rows(mill(), mill(labels=half), SHORT)
    assert difference.aspect == "weights"
    assert difference.spans == (DifferingSpan(52, 58, "Hello!", "trained", "trained × 0.5", 1, "assistant", "content"),)
    assert report.left.trained_tokens == report.right.trained_tokens == 7
    (difference,), _ = of_rows(mill(labels="none"), mill(labels=half), SHORT)
    assert difference.aspect == "labels"
    assert [(span.left, span.right) for span in difference.spans] == [
        ("masked", "trained × 0.5"),
        ("masked", "trained"),
    ]
    # No row has reasoning, so all weights are 1, which means the same as no weights.
    assert of_rows(mill(), mill(labels=Labels(weights={"reasoning": 0.5})), SHORT)[0] == []


def test_characters_of_several_tokens(mill: MakeMill, of_rows: Any) -> None:
    row = {"messages": [{"role": "user", "content": "你👋"}, {"role": "assistant", "content": "é"}]}
    (difference,), _ = of_rows(mill(labels="none"), mill(), row)
    assert [(span.text, span.left, span.right) for span in difference.spans] == [
        ("é", "masked", "trained"),
        ("<|im_end|>", "masked", "trained"),
    ]


def test_rows_are_read_as_they_are_asked_for(mill: MakeMill, write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [SHORT, LONG, SHORT, LONG])
    report = diff_rows(mill(), mill(labels="last"), path)
    assert next(iter(report)).row == 1
    assert report.rows == 2, "the other rows are not read yet"
    assert [difference.row for difference in report] == [3]
    assert report.rows == 4
    limited = diff_rows(mill(), mill(labels="last"), path, rows=3)
    assert [difference.row for difference in limited] == [1]
    assert limited.rows == 3
    with pytest.raises(DataError, match="there is no file"):
        diff_rows(mill(), mill(), path.with_name("gone.jsonl"))


def test_rows_are_counted_over_all_files(mill: MakeMill, write_file: WriteFile) -> None:
    files = [write_file("a.parquet", [SHORT, LONG]), write_file("b.jsonl.gz", [LONG]), write_file("c.arrow", [LONG])]
    report = diff_rows(mill(), mill(labels="last"), files)
    places = [(difference.row, Path(difference.place).name) for difference in report]
    assert places == [(1, "a.parquet, row 1"), (2, "b.jsonl.gz, line 1"), (3, "c.arrow, row 0")]


def test_unknown_regions_leave_the_places(write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [SHORT])
    (difference,) = diff_rows(fixed((0, 1, False), (1, 2, True)), fixed((0, 1, False), (1, 2, False)), path)
    assert difference.spans == (DifferingSpan(1, 2, "b", "trained", "masked"),)
    assert show_difference(difference, color=False).plain.splitlines()[1] == "  1 to 2: 'b'"


def test_a_token_without_characters(write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [SHORT])
    (difference,) = diff_rows(
        fixed((0, 0, True), (0, 1, False), (1, 2, True)), fixed((0, 0, False), (0, 1, False), (1, 2, True)), path
    )
    assert (difference.aspect, difference.spans) == ("labels", (DifferingSpan(0, 0, "", "trained", "masked"),))


def test_colours_and_long_lists(mill: MakeMill, of_rows: Any) -> None:
    many = {"messages": TURN * 30}
    (difference,), report = of_rows(mill(), mill(labels="last"), many)
    assert len(difference.spans) == 58
    shown = show_difference(difference)
    lines = shown.plain.splitlines()
    assert (len(lines), lines[-1]) == (1 + 2 * 20 + 1, "  and 38 more")
    styles = {shown.plain[span.start : span.end]: span.style for span in shown.spans}
    assert (styles["trained"], styles["masked"]) == ("green", "dim")
    assert not show_difference(difference, color=False).spans
    assert show_summary(report).spans
    assert not show_summary(report, color=False).spans


def test_control_characters_harm_no_terminal(mill: MakeMill, of_rows: Any) -> None:
    row = {"messages": [{"role": "user\x1b[2J", "content": "\x1b[2J"}, TURN[1]]}
    (texts,), _ = of_rows(mill(), mill(PLAIN), row)
    (failure,), _ = of_rows(mill(), mill(ChatTemplate("{{ raise_exception(messages[0].role) }}")), row)
    (labels,), _ = of_rows(mill(labels="all"), mill(), row)
    for difference in (texts, failure, labels):
        assert "\x1b" not in show_difference(difference, color=False).plain


def test_rows_of_a_format(mill: MakeMill, of_rows: Any) -> None:
    text = "{{ q }}{% generation %}{{ a }}{% endgeneration %}"
    form = Format.of({"name": "qa", "fields": {"q": "text", "a": "text"}, "text": text})
    sides = (mill(None, format=form), mill(None, format=form, labels="all"))
    found, report = of_rows(*sides, {"q": "Why", "a": "So"}, {"q": "Why"})
    assert [(it.row, it.aspect) for it in found] == [(0, "labels")]
    assert (report.rows, report.left.failed, report.right.failed) == (2, 1, 1)
