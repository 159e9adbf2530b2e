"""Comparison of rows made now with a finished output: rows, spans, rejects, and the options of the manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import pytest
from chatmill import ChatTemplate, DataError, Labels, prepare
from chatmill.cli.main import app
from chatmill.inspect.diff import (
    OUTPUT_NAMES,
    DifferingSpan,
    RowDifference,
    diff_output,
    show_difference,
    show_output_summary,
)
from click.testing import CliRunner
from folders import configure
from prepared_outputs import TOKENIZER, against, edit_manifest, edit_rows, manifest, prepare_rows
from samples import LONG, PLAIN_SOURCE, SHORT, TURN, Row, WriteFile, conversation

pytestmark = pytest.mark.usefixtures("in_tmp_path")

TOOL = {"messages": [*TURN, {"role": "tool", "content": "x"}]}
PLAIN = ChatTemplate(PLAIN_SOURCE)
PLAIN_WITH_PROMPT = ChatTemplate(PLAIN.source + "{% if add_generation_prompt %}robot: {% endif %}", name="mine")
USER = {"messages": TURN[:1]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels": "last", "max_length": 25},
        {"labels": {"weights": {"content": 0.5}}, "attention_mask": True, "position_ids": True, "keep_columns": ["id"]},
        {"max_length": 40, "padding": "max_length"},
        {"max_length": 30, "truncation": "keep_end"},
        {"max_length": 33, "truncation": "turns", "padding": "longest", "all_masked": "keep"},
        {"max_length": 60, "truncation": "drop"},
        {"max_length": 20, "truncation": "split"},
        {"split": "per_turn"},
        {"split": "per_turn", "max_length": 25, "truncation": "keep_end", "shard_tokens": 50, "block_bytes": 200},
        {"special_tokens": "text"},
        {"special_tokens": "raise", "allowed_special_tokens": ["</s>"], "shard_tokens": 1},
        {"chat_template_kwargs": {"x": [1]}, "template": PLAIN, "labels": {"unproved": "mask"}, "all_masked": "keep"},
    ],
    ids=str,
)
def test_the_same_again(options: dict[str, Any]) -> None:
    control = {"messages": [{"role": "user", "content": "a</s><|im_end|>"}, TURN[1]]}
    rows: list[Row] = [SHORT, TOOL, LONG, USER, {"text": "x"}, control, {"messages": []}, LONG]
    numbered: list[Row] = [{**row, "id": at} for at, row in enumerate(rows)]
    prepare_rows(*numbered, **options)
    found, report = against()
    counts = manifest()["counts"]
    assert (found, report.rows, report.differing.total()) == ([], 8, 0)
    for side in (report.left, report.right):
        assert (side.tokens, side.trained_tokens) == (counts["tokens"], counts["trained_tokens"])
        assert side.failed == counts["rejected"] > 0


def test_the_recorded_time() -> None:
    template = ChatTemplate("{{ strftime_now('%Y') }}" + PLAIN.source)
    prepare_rows(SHORT, template=template, labels="all", now=datetime.fromisoformat("2001-02-03"))
    assert against()[0] == []
    (difference,), _ = against(now=datetime.fromisoformat("2002-02-03"))
    assert (difference.aspect, difference.spans[0].left[:6], difference.spans[0].right[:6]) == (
        "text",
        "'2002u",
        "'2001u",
    )


def test_the_template_of_the_tokenizer(folder: Path, write_file: WriteFile) -> None:
    write_file("a.jsonl", [SHORT])
    configure(folder, eos_token="<eos>", chat_template=PLAIN.source)
    prepare("a.jsonl", tokenizer=folder, output="out", labels="all")
    assert list(diff_output("a.jsonl", "out", tokenizer=folder)) == []
    configure(folder, eos_token="<eos>", chat_template=PLAIN.source.replace("': '", "'> '"))
    assert [difference.aspect for difference in diff_output("a.jsonl", "out", tokenizer=folder)] == ["text"]


def test_the_fallback(folder: Path, write_file: WriteFile) -> None:
    write_file("a.jsonl", [SHORT])
    prepare("a.jsonl", tokenizer=folder, output="out", template_fallback="chatml")
    assert list(diff_output("a.jsonl", "out", tokenizer=folder)) == []
    report = diff_output("a.jsonl", "out", tokenizer=folder, template_fallback="zephyr")
    assert ([difference.aspect for difference in report], report.mill.template.name) == (["text"], "zephyr")
    # If the tokenizer has no template any more, the fallback of that run is used.
    configure(folder, eos_token="<eos>", chat_template=PLAIN.source)
    prepare("a.jsonl", tokenizer=folder, output="out", overwrite=True, labels="all", template_fallback="chatml")
    configure(folder, eos_token="<eos>")
    report = diff_output("a.jsonl", "out", tokenizer=folder)
    assert ([difference.aspect for difference in report], report.mill.template.name) == (["text"], "chatml")


def test_another_tokenizer(folder: Path) -> None:
    prepare_rows(SHORT)
    found, report = against(tokenizer=folder)
    assert len(found) == 1
    assert "\ntokenizer: written with tokenizer (" in show_output_summary(report).plain
    assert ", now tiny (" in show_output_summary(report).plain
    assert show_output_summary(report).plain.endswith("; written ids are decoded with the current tokenizer")


def test_the_summary_of_equal_sides() -> None:
    prepare_rows(SHORT, LONG, USER)
    _, report = against()
    assert show_output_summary(report, color=False).plain == (
        "0 of 3 rows differ\n"
        "made now: trained 21 of 87 tokens (24.1 %), 1 row failed\n"
        "written:  trained 21 of 87 tokens (24.1 %), 1 row failed\n"
        f"written by chatmill {chatmill.__version__} on {manifest()['created'][:10]}; this is {chatmill.__version__}"
    )
    assert show_output_summary(report).spans


def test_other_labels() -> None:
    prepare_rows(SHORT, USER, LONG, labels="last")
    found, report = against(labels=Labels())
    spans = (
        DifferingSpan(52, 58, "Hello!", "trained", "masked", 1, "assistant", "content"),
        DifferingSpan(58, 68, "<|im_end|>", "trained", "masked", 1, "assistant", "closer"),
    )
    assert found == [RowDifference(2, "a.jsonl, line 3", "labels", spans)]
    assert (report.rows, report.differing) == (3, {"labels": 1})
    assert report.changed == {"labels": ("last", "assistant")}
    assert show_difference(found[0], names=OUTPUT_NAMES, color=False).plain.splitlines()[-1] == (
        "    made now: trained, written: masked"
    )
    lines = show_output_summary(report, color=False).plain.splitlines()
    assert lines[0] == "1 of 3 rows differ: labels 1"
    assert lines[-1] == "labels: written with 'last', now 'assistant'"
    assert against(labels="{turns: last}")[1].changed == {}, "the same labels in another form"


def test_weights() -> None:
    prepare_rows(SHORT, labels={"weights": {"content": 0.5}})
    (difference,), report = against(labels="assistant")
    assert difference.spans == (DifferingSpan(52, 58, "Hello!", "trained", "trained × 0.5", 1, "assistant", "content"),)
    assert show_output_summary(report, color=False).plain.startswith("1 of 1 rows differ: weights 1\n")
    prepare_rows(SHORT, labels={"weights": {"reasoning": 0.5}})
    assert against(labels="assistant")[0] == [], "without reasoning, all weights are 1"


def test_another_template() -> None:
    prepare_rows(SHORT, LONG)
    found, report = against(template="zephyr")
    assert [(it.row, it.aspect) for it in found] == [(0, "text"), (1, "text")]
    left = "'<|user|>\\nHi</s>\\n<|assistant|>\\nHello!</s>\\n'"
    right = "'<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assist…'"
    assert found[0].spans == (DifferingSpan(0, 0, "", left, right, 0, "user", "header"),)
    lines = show_output_summary(report, color=False).plain.splitlines()
    assert lines[0] == "2 of 2 rows differ: ids 2 (in 2 the text)"
    fingerprint = manifest()["template"]["fingerprint"]
    now = report.mill.template.fingerprint
    assert lines[-1] == f"template: written with chatml ({fingerprint[:12]}), now zephyr ({now[:12]})"


def test_a_template_that_has_changed() -> None:
    """A later version of a named template is compared, not the recorded source."""
    changed = ChatTemplate(
        ChatTemplate.named("chatml").source.replace("+ '<|im_end|>'", "+ '!<|im_end|>'"), name="chatml"
    )
    prepare_rows(SHORT, template=changed)
    (difference,), report = against()
    assert difference.aspect == "text"
    assert difference.spans[0].start == 58
    assert "template: written with chatml (" in show_output_summary(report).plain
    # A template that this version does not have comes from the manifest.
    prepare_rows(SHORT, template=ChatTemplate(changed.source, name="mine"))
    assert against()[0] == []
    edit_manifest(lambda it: it["template"].update(fingerprint="0" * 64))
    with pytest.raises(DataError, match=r"template 'mine', .*; give `template`"):
        against()


def test_rows_that_are_cut() -> None:
    prepare_rows(SHORT, max_length=25)
    cut = (
        DifferingSpan(56, 57, "o", "'o' (111)", "no token", 1, "assistant", "content"),
        DifferingSpan(56, 58, "o!", "trained", "no token", 1, "assistant", "content"),
        DifferingSpan(58, 68, "<|im_end|>", "trained", "no token", 1, "assistant", "closer"),
        DifferingSpan(68, 69, "\n", "masked", "no token", 1, "assistant", "trailing"),
    )
    (difference,), report = against(max_length=None)
    assert (difference.aspect, difference.spans) == ("ids", cut)
    assert show_output_summary(report).plain.startswith("1 of 1 rows differ: ids 1\n")
    prepare_rows(SHORT)
    (difference,), _ = against(max_length=25)
    assert difference.spans == tuple(replace(span, left=span.right, right=span.left) for span in cut)


def test_rows_that_are_cut_at_the_start() -> None:
    cut = (
        DifferingSpan(49, 50, "n", "'n' (110)", "no token", 1, "assistant", "header"),
        DifferingSpan(49, 52, "nt\n", "masked", "no token", 1, "assistant", "header"),
        DifferingSpan(52, 53, "H", "trained", "no token", 1, "assistant", "content"),
    )
    prepare_rows(SHORT, max_length=7, truncation="keep_end")
    (difference,), _ = against(max_length=11)
    assert (difference.aspect, difference.spans) == ("ids", cut)
    prepare_rows(SHORT, max_length=11, truncation="keep_end")
    (difference,), _ = against(max_length=7)
    assert difference.spans == tuple(replace(span, left=span.right, right=span.left) for span in cut)
    # The rest begins with the same token as the row.
    prepare_rows(SHORT, max_length=19, truncation="keep_end")
    (difference,), _ = against(max_length=None)
    assert difference.aspect == "ids"
    assert "".join(span.text for span in difference.spans[1:]) == "<|im_start|>user\nHi<|im_end|>\n"


def test_other_tokens_of_the_same_text() -> None:
    row = {"messages": [{"role": "user", "content": "a</s>"}, TURN[1]]}
    prepare_rows(row, SHORT)
    (difference,), _ = against(special_tokens="text")
    told = "'<' (60), '/' (47), 's' (115), '>' (62)"
    assert (difference.row, difference.aspect) == (0, "ids")
    assert difference.spans == (DifferingSpan(18, 22, "</s>", told, "'</s>' (259)", 0, "user", "content"),)


def test_rejects_on_either_side() -> None:
    rows = [SHORT, USER, LONG, TOOL, SHORT]
    prepare_rows(*rows)
    kept, report = against(all_masked="keep")
    assert [(it.row, it.aspect) for it in kept] == [(1, "failure")]
    assert kept[0].spans[0].left == "trained 0 of 10 tokens"
    assert kept[0].spans[0].right.startswith("nothing_to_train: no token is trained")
    assert (report.rejected_left, report.rejected_right) == (0, 1)
    dropped, report = against(max_length=40, truncation="drop", all_masked="keep")
    assert [(it.row, it.aspect) for it in dropped] == [(1, "failure"), (2, "failure")]
    assert dropped[1].place == "a.jsonl, line 3"
    assert dropped[1].spans[0].left.startswith("too_long: ")
    assert dropped[1].spans[0].right == "trained 14 of 58 tokens"
    assert show_output_summary(report, color=False).plain.splitlines()[:3] == [
        "2 of 5 rows differ: rejected on one side only 2 (made now 1, written 1)",
        "made now: trained 21 of 106 tokens (19.8 %), 1 row failed",
        "written:  trained 35 of 154 tokens (22.7 %), 1 row failed",
    ]


def test_rejects_for_another_reason() -> None:
    prepare_rows(SHORT, USER)
    record = json.loads(Path("out/_rejects.jsonl").read_text("utf-8"))
    changed = {**record, "code": "template_raised", "message": 0, "template_line": 3, "reason": "no"}
    Path("out/_rejects.jsonl").write_text(json.dumps(changed) + "\n", "utf-8")
    (difference,), report = against()
    assert difference.spans[0].right == "template_raised (message 0, template line 3): no"
    assert show_output_summary(report).plain.startswith("1 of 2 rows differ: rejected for another reason 1\n")


def test_what_would_end_the_run_is_a_reject() -> None:
    prepare_rows(SHORT, max_length=30, truncation="raise", labels={"unproved": "raise"})
    assert against()[0] == []
    (difference,), _ = against(max_length=20)
    assert difference.aspect == "failure"
    assert difference.spans[0].left.startswith("too_long: ")
    prepare_rows(SHORT, USER, template=PLAIN_WITH_PROMPT, labels={"unproved": "mask"}, all_masked="keep")
    (difference,), _ = against(labels={"unproved": "raise"})
    assert difference.spans[0].left.startswith("header_mismatch (message 1): ")


def test_samples_of_a_row() -> None:
    prepare_rows(SHORT, USER, LONG, split="per_turn")
    found, report = against(split=None)
    assert [(it.row, it.aspect) for it in found] == [(2, "samples")]
    assert found[0].spans[0].left == "trained 14 of 58 tokens"
    assert found[0].spans[0].right == "2 samples, trained 14 of 87 tokens"
    assert show_difference(found[0], color=False).plain.startswith(
        "row 2 (a.jsonl, line 3): the numbers of samples differ\n    left:  trained"
    )
    assert "number of samples 1" in show_output_summary(report).plain
    (_, difference), _ = against(labels={"kinds": ["content"]})
    assert (difference.row, difference.place) == (2, "a.jsonl, line 3, sample 0")
    prepare_rows(LONG, max_length=40, truncation="split")
    (difference,), _ = against(labels={"kinds": ["content"], "tags": False})
    assert difference.place == "a.jsonl, line 1, sample 0"
    assert [it.text for it in difference.spans] == ["<|im_end|>"]


def test_a_sample_that_differs_behind_the_first() -> None:
    prepare_rows(SHORT, LONG, max_length=40, truncation="split")
    # The answer of the second turn is in the second sample; one of its tokens is masked there.
    edit_rows(lambda rows: rows[2]["labels"].__setitem__(13, -100))
    (difference,), _ = against()
    assert (difference.row, difference.place, difference.aspect) == (1, "a.jsonl, line 2, sample 1", "labels")
    (span,) = difference.spans
    assert (span.left, span.right, span.message, span.role) == ("trained", "masked", 3, "assistant")


def test_turns_that_are_rendered_in_another_way_are_told_by_their_tokens() -> None:
    """If a sample is not a part of the text of the whole row, spans are positions in the text of its own tokens."""
    source = "{% for m in messages %}{{ m.content + ('</s>' if loop.last else '<s>') }}{% endfor %}"
    prepare_rows(LONG, split="per_turn", template=ChatTemplate(source), labels={"unproved": "mask"}, all_masked="keep")
    edit_rows(lambda rows: rows[0]["labels"].__setitem__(-1, 0))
    edit_rows(lambda rows: rows[0]["labels"].__setitem__(0, rows[0]["input_ids"][0]))
    (difference,), _ = against()
    assert (difference.aspect, difference.place) == ("labels", "a.jsonl, line 1, sample 0")
    assert difference.spans[0] == DifferingSpan(0, 1, "H", "masked", "trained")


def test_a_token_without_characters() -> None:
    """The second token of a character has no characters of its own."""
    prepare_rows({"messages": [TURN[0], {"role": "assistant", "content": "é"}]})
    edit_rows(lambda rows: rows[0]["labels"].__setitem__(-3, -100))
    (difference,), _ = against()
    (span,) = difference.spans
    assert (difference.aspect, span.text, span.left, span.right) == ("labels", "é", "trained", "masked")


def test_a_label_that_is_another_token() -> None:
    prepare_rows(SHORT)
    edit_rows(lambda rows: rows[0]["labels"].__setitem__(-2, 7))
    (difference,), _ = against()
    (span,) = difference.spans
    assert (difference.aspect, span.text, span.left, span.right) == ("labels", "<|im_end|>", "label 257", "label 7")


def test_a_token_more() -> None:
    prepare_rows(SHORT, template=ChatTemplate("<s>" + ChatTemplate.named("chatml").source))
    (difference,), _ = against(template="chatml")
    assert difference.aspect == "ids"
    assert (difference.spans[0].left, difference.spans[0].right) == ("no token", "'<s>' (258)")
    prepare_rows(SHORT)
    (difference,), _ = against(template=ChatTemplate("<s>" + ChatTemplate.named("chatml").source))
    assert difference.spans[0] == DifferingSpan(0, 3, "<s>", "'<s>' (258)", "no token", None, None, "scaffold")


def test_labels_before_and_behind_other_tokens() -> None:
    row = {"messages": [*TURN, {"role": "user", "content": "a</s>"}, TURN[1]]}
    prepare_rows(row)
    (difference,), _ = against(special_tokens="text", labels="none", all_masked="keep")
    assert (difference.aspect, difference.spans[0].text) == ("ids", "</s>")
    assert [(it.message, it.text, it.left, it.right) for it in difference.spans[1:]] == [
        (1, "Hello!", "masked", "trained"),
        (1, "<|im_end|>", "masked", "trained"),
        (3, "Hello!", "masked", "trained"),
        (3, "<|im_end|>", "masked", "trained"),
    ]


def test_options_that_an_earlier_version_had_not() -> None:
    prepare_rows(SHORT, USER)
    edit_manifest(lambda it: it.update(options={"labels": "assistant", "keep_columns": []}))
    assert against()[0] == []
    with pytest.raises(DataError, match="a comparison with an output has no option `padding`; use only labels, split"):
        against(padding="longest")


def test_rows_are_read_as_they_are_asked_for() -> None:
    prepare_rows(SHORT, LONG, SHORT, LONG)
    report = diff_output("a.jsonl", "out", tokenizer=TOKENIZER, labels="last")
    assert next(iter(report)).row == 1
    assert report.rows == 2, "the other rows are not read yet"
    assert [difference.row for difference in report] == [3]
    assert report.rows == 4


def test_the_command(folder: Path, write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(4)])

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments, "--tokenizer", str(folder)])

    assert run("prepare", "a.jsonl", "--template", "chatml", "--output", "out").exit_code == 0
    equal = run("diff", "a.jsonl", "--against", "out")
    assert (equal.exit_code, equal.stderr) == (0, "")
    assert equal.stdout.startswith("0 of 4 rows differ\nmade now: trained ")
    assert f"written by chatmill {chatmill.__version__} on " in equal.stdout
    other = run("diff", "a.jsonl", "--against", "out", "--labels", "all", "--max-length", "1000", "--show", "1")
    assert other.exit_code == 1
    assert other.stdout.startswith("row 0 (a.jsonl, line 1): the labels differ\n")
    assert "\n4 of 4 rows differ: labels 4\n" in other.stdout
    assert "max_length: written with None, now 1000" in other.stdout
    twice = run("diff", "a.jsonl", "--against", "out", "--labels", "all", "--labels", "last")
    assert twice.exit_code == 2
    assert "--labels is given 2 times; give it once, because --against is the other side" in " ".join(
        twice.stderr.split()
    )
    gone = run("diff", "a.jsonl", "--against", "gone")
    assert (gone.exit_code, gone.stderr) == (
        1,
        "error: there is no gone/_manifest.json; give a folder that `chatmill prepare` made\n",
    )
    assert run("diff", "a.jsonl").exit_code == 2
