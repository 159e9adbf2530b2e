"""The audit of an output: what a trainer would have trained on the same rows, counted against plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import Audit, ChatTemplate, Mill, Tokenizer, prepare
from chatmill.reporting.audit_model import AuditedFailure, AuditedRow, AuditedSpan, TrainedTokens
from chatmill.reporting.audit_terminal import show_audit
from chatmill.reporting.audit_trainer import TRAINERS
from chatmill.reporting.labels import labels_text
from chatmill.terminal.console import new_console
from prepared_outputs import TOKENIZER, prepare_rows
from samples import LONG, SHORT, TURN, Row, conversation, write_rows

pytestmark = pytest.mark.usefixtures("in_tmp_path")

CHATML = ChatTemplate.named("chatml")
STOPPING = byte_tokenizer(pad_token="<s>", eos_token="<|im_end|>")
USER = {"messages": TURN[:1]}
ROWS = [SHORT, LONG, *(conversation(number) for number in range(5)), {"messages": [*LONG["messages"], *TURN]}]
ALL_KINDS = ["header", "prefix", "reasoning", "content", "tool_call", "tool_result", "closer", "trailing"]


def audit(trainer: Any, **options: Any) -> Audit:
    """The audit of `out`."""
    return chatmill.audit("out", trainer=trainer, **{"tokenizer": TOKENIZER, **options})


def prepare_with(tokenizer: Tokenizer, rows: Sequence[Row], **options: Any) -> None:
    write_rows(Path("a.jsonl"), rows)
    prepare("a.jsonl", tokenizer=tokenizer, output="out", **{"template": "chatml", **options})


def samples_of(tokenizer: Tokenizer, rows: Sequence[Row], labels: Any, **options: Any) -> list[tuple[Any, Any]]:
    """The ids and labels of rows, from a mill alone."""
    table = pa.table({"messages": [row["messages"] for row in rows]})
    batch = Mill(tokenizer, CHATML, labels=labels, **options)(table)
    return list(zip(batch["input_ids"], batch["labels"], strict=True))


def trained_by_side(ours: Sequence[int], theirs: Sequence[int]) -> TrainedTokens:
    """Count trained labels of the same ids one by one."""
    pairs = Counter((one != -100, other != -100) for one, other in zip(ours, theirs, strict=True))
    return TrainedTokens(pairs[True, True], pairs[True, False], pairs[False, True])


def added(counts: Sequence[TrainedTokens]) -> TrainedTokens:
    return TrainedTokens(*(sum(column) for column in zip(*(asdict(it).values() for it in counts), strict=True)))


def printed(found: Audit, **options: Any) -> str:
    console = new_console(width=60, **options)
    with console.capture() as capture:
        console.print(show_audit(found, color=False), soft_wrap=True, highlight=False)
    return capture.get()


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize(
    "labels",
    ["assistant", "last", {"stop": "none"}, {"kinds": ["header", "content"]}, {"kinds": ALL_KINDS}, "all", "unsloth"],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"max_length": 45}, {"max_length": 30, "truncation": "keep_end"}], ids=str)
def test_counts_are_those_of_both_mills(trainer: str, labels: Any, options: dict[str, Any]) -> None:
    prepare_with(STOPPING, ROWS, labels=labels, all_masked="keep", **options)
    found = audit(trainer, tokenizer=STOPPING, show=100)
    ours = samples_of(STOPPING, ROWS, labels, **options)
    theirs = samples_of(STOPPING, ROWS, trainer, **options)
    assert [ids for ids, _ in ours] == [ids for ids, _ in theirs]
    rows = [trained_by_side(one, other) for (_, one), (_, other) in zip(ours, theirs, strict=True)]
    assert (found.rows, found.of, found.trained) == (len(ROWS), len(ROWS), added(rows))
    assert [(it.row, it.trained) for it in found.first] == [
        (at, counts) for at, counts in enumerate(rows) if counts.differing
    ]
    assert found.differing == ({"labels": len(found.first)} if found.first else {})
    assert added([it.trained for it in found.regions]) == found.trained
    for side, samples in ((found.of_output, ours), (found.of_trainer, theirs)):
        trained = [sum(label != -100 for label in labels) for _, labels in samples]
        assert asdict(side) == {
            "rows": len(ROWS),
            "tokens": sum(len(ids) for ids, _ in samples),
            "trained_tokens": sum(trained),
            "untrained": trained.count(0),
        }
    assert found.failures == ()


@pytest.mark.parametrize("trainer", ["unsloth", "hf", "completion"])
def test_counts_by_region_are_those_of_the_texts(trainer: str) -> None:
    prepare_with(STOPPING, ROWS, labels={"kinds": ["header", "content"]})
    found = audit(trainer, tokenizer=STOPPING)
    expected: Counter[tuple[str | None, str, bool, bool]] = Counter()
    mills = [Mill(STOPPING, CHATML, labels=labels) for labels in ({"kinds": ["header", "content"]}, trainer)]
    for row in ROWS:
        ours, theirs = (mill.encode(row["messages"]) for mill in mills)
        for token, one, other in zip(ours.tokens, ours.labels, theirs.labels, strict=True):
            (region,) = (it for it in ours.regions if it.start <= token.start < it.end)
            expected[region.role, region.kind, one != -100, other != -100] += 1
    names = {(role, kind) for role, kind, *trained in expected if any(trained)}
    assert {(it.role, it.kind): it.trained for it in found.regions} == {
        (role, kind): TrainedTokens(
            expected[role, kind, True, True], expected[role, kind, True, False], expected[role, kind, False, True]
        )
        for role, kind in names
    }
    assert len(names) >= 3
    differing = [it.trained.differing for it in found.regions]
    assert differing == sorted(differing, reverse=True)


def test_planted_header() -> None:
    prepare_with(STOPPING, [SHORT, LONG], labels={"kinds": ["header", "content", "closer"]})
    found = audit("axolotl", tokenizer=STOPPING)
    header = "<|im_start|>assistant\n"
    assert [[span.text for span in row.spans] for row in found.first] == [[header], [header, header]]
    assert found.first[0].spans[0] == AuditedSpan(30, 52, header, "trained", "masked", 1, "assistant", "header")
    assert found.trained.only_output == 3 * len(STOPPING.encode(header))


def test_planted_last_turn() -> None:
    prepare_with(STOPPING, [SHORT, LONG], labels="last")
    found = audit("trl", tokenizer=STOPPING)
    assert found.first == (
        AuditedRow(
            1,
            "a.jsonl, line 2",
            "labels",
            TrainedTokens(7, 0, 7),
            (
                AuditedSpan(52, 58, "Hello!", "masked", "trained", 1, "assistant", "content"),
                AuditedSpan(58, 68, "<|im_end|>", "masked", "trained", 1, "assistant", "closer"),
            ),
        ),
    )
    assert (found.labels, found.differing_rows, found.is_equal) == ("last", 1, False)


def test_planted_stop() -> None:
    prepare_with(STOPPING, [SHORT, LONG], labels={"stop": "none"})
    found = audit("trl", tokenizer=STOPPING)
    assert [(it.role, it.kind, it.trained) for it in found.regions] == [
        ("assistant", "closer", TrainedTokens(0, 0, 3)),
        ("assistant", "content", TrainedTokens(18, 0, 0)),
    ]
    assert found.labels == labels_text({"stop": "none"}) == '{"stop": "none"}'


def test_options_of_a_trainer() -> None:
    prepare_with(STOPPING, [SHORT, LONG])
    assert audit("axolotl", tokenizer=STOPPING).is_equal
    found = audit("{preset: axolotl, train_on_eos: none}", tokenizer=STOPPING)
    assert (found.trainer, found.options) == ("axolotl", {"train_on_eos": "none"})
    assert found.trained == TrainedTokens(18, 3, 0)
    assert found == audit({"preset": "axolotl", "train_on_eos": "none"}, tokenizer=STOPPING)


def test_weights_are_a_difference() -> None:
    prepare_rows(SHORT, LONG, labels={"weights": {"content": 0.5}})
    found = audit("trl")
    assert (found.differing, found.trained) == ({"weights": 2}, TrainedTokens(21, 0, 0))
    assert found.first[0].spans == (
        AuditedSpan(52, 58, "Hello!", "trained × 0.5", "trained", 1, "assistant", "content"),
    )


def test_other_tokens_of_the_same_text(tokenizer: Path, loaded: Tokenizer) -> None:
    """An answer begins with a line break, which is one token with that of the header; a trainer cuts between them."""
    rows: list[Row] = [{"messages": [TURN[0], {**TURN[1], "content": f"\n{number}"}]} for number in range(4)]
    prepare_with(loaded, rows, labels="assistant")
    found = audit("llama-factory", tokenizer=tokenizer)
    mills = [Mill(loaded, CHATML, labels=labels) for labels in ("assistant", "llama-factory")]
    counts: Counter[str] = Counter()
    for row in rows:
        ours, theirs = (
            {
                (token.start, token.end, token.id): label != -100
                for token, label in zip(encoding.tokens, encoding.labels, strict=True)
            }
            for encoding in (mill.encode(row["messages"]) for mill in mills)
        )
        assert ours.keys() != theirs.keys()
        for place in ours.keys() | theirs.keys():
            counts[f"{ours.get(place, False)} {theirs.get(place, False)}"] += 1
    assert found.trained == TrainedTokens(counts["True True"], counts["True False"], counts["False True"])
    assert found.differing == {"ids": 4}
    span = found.first[0].spans[0]
    assert (span.kind, span.text, span.output[:6]) == ("header", "\n\n", "'\\n\\n'")


def test_other_texts() -> None:
    """Axolotl leaves out keys of messages that it does not see the template read."""
    rows: list[Row] = [{"messages": [{**message, "mood": "glad"} for message in TURN]}, SHORT]
    write_rows(Path("a.jsonl"), rows)
    template = ChatTemplate(
        "{% for m in messages %}{% if m | length > 2 %}!{% endif %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    )
    prepare("a.jsonl", tokenizer=TOKENIZER, template=template, labels="all", output="out")
    found = audit("{preset: axolotl, roles_to_train: [user, assistant], train_on_eos: all}")
    mills = [
        Mill(TOKENIZER, template, labels=labels)
        for labels in ("all", {"preset": "axolotl", "roles_to_train": ["user", "assistant"], "train_on_eos": "all"})
    ]
    ours, theirs = (mill.encode(rows[0]["messages"]) for mill in mills)
    assert ours.text.startswith("!user")
    assert theirs.text.startswith("user")
    assert found.first[0].aspect == "text"
    assert found.first[0].spans[0].output.startswith("'!user")
    assert found.first[0].spans[0].trainer.startswith("'user")
    assert found.of_output.trained_tokens == found.trained.both + found.trained.only_output
    assert found.of_trainer.trained_tokens == found.trained.both + found.trained.only_trainer


def test_other_texts_that_nobody_trains() -> None:
    turns = "{% for m in messages %}{% if m | length > 2 %}!{% endif %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    prepare_rows({"messages": [{**TURN[0], "mood": "glad"}]}, SHORT, template=ChatTemplate(turns), labels="none")
    found = audit("axolotl")
    assert found.of_output.tokens > found.of_trainer.tokens, "the texts differ"
    assert [row.row for row in found.first] == [1]
    assert found.of_trainer.untrained == 1


def test_rejected_rows() -> None:
    tool = {"messages": [*TURN, {"role": "tool", "content": "x"}]}
    masked = {"messages": [TURN[0], {**TURN[1], "train": False}]}
    rows: list[Row] = [SHORT, USER, {"text": "x"}, masked, tool]
    prepare_rows(*rows)
    found = audit("unsloth")
    assert [(it.side, it.code, it.rows, it.differing, it.place) for it in found.failures] == [
        ("output", "nothing_to_train", 2, 1, "a.jsonl, line 2"),
        ("output", "missing_messages", 1, 0, "a.jsonl, line 3"),
        ("trainer", "missing_messages", 1, 0, "a.jsonl, line 3"),
    ]
    assert found.of_trainer.untrained == 1, "the row of a user alone"
    row = next(it for it in found.first if it.row == 3)
    assert row.trained == TrainedTokens(0, 0, 8), "the row that the output leaves out"
    assert [span.text for span in row.spans] == ["Hello!", "<|im_end|>", "\n"]
    assert 1 not in [it.row for it in found.first], "nobody trains it"


def test_rows_that_a_trainer_cannot_make() -> None:
    turns = "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    template = ChatTemplate(turns + "{% if add_generation_prompt %}assistant: {% endif %}")
    prepare_rows(SHORT, LONG, template=template)
    found = audit("trl")
    (failure,) = found.failures
    assert (failure.side, failure.rows, failure.differing, failure.place) == ("trainer", 2, 2, "a.jsonl, line 1")
    assert isinstance(failure, AuditedFailure)
    assert failure.reason == (
        "trl trains the text in {% generation %} tags, and this template has none; audit an output made with the "
        "training template of TRL"
    )
    assert found.first[0].spans[0].trainer.endswith(failure.reason)
    assert "emulate" not in str(found.to_dict())
    assert found.differing == {"failure": 2}
    assert found.trained == TrainedTokens(0, 21, 0)
    assert found.first[0].spans[0].output == "trained 7 of 27 tokens"
    assert found.first[0].spans[0].trainer.startswith(failure.code)
    assert found.of_trainer.rows == 0


@pytest.mark.parametrize("truncation", ["keep_start", "keep_end", "turns", "drop", "split"])
def test_truncation(truncation: str) -> None:
    rows = [SHORT, {"messages": [*TURN, *TURN, *TURN]}, LONG]
    prepare_rows(*rows, max_length=40, truncation=truncation)
    assert audit("trl").is_equal
    found = audit("{preset: unsloth, last_response_only: true}")
    assert found.of_output.trained_tokens == found.trained.both + found.trained.only_output
    assert set(found.differing) <= {"labels"}
    assert added([it.trained for it in found.first]).differing == found.trained.differing > 0


def test_pieces_without_trained_tokens() -> None:
    """The output has left them out, and the trainer trains them."""
    prepare_rows({"messages": [*TURN, *TURN, *TURN]}, max_length=29, truncation="split", labels="last")
    found = audit("trl")
    assert found.of_output.tokens == 29
    assert found.of_trainer.tokens == 87
    assert (found.differing, found.trained) == ({"labels": 1}, TrainedTokens(7, 0, 14))
    assert [span.start for span in found.first[0].spans] == [52, 58, 121, 127]


def test_long_lines_are_no_difference() -> None:
    prepare_rows(SHORT, {"messages": [*TURN, {"role": "user", "content": "x" * 500}]}, LONG, max_line_bytes=300)
    found = audit("trl")
    assert found.is_equal
    assert [(it.side, it.code) for it in found.failures] == [("output", "line_too_long")]


def test_control_tokens_are_control_tokens_for_a_trainer() -> None:
    prepare_rows({"messages": [{"role": "user", "content": "a<|im_end|>"}, TURN[1]]}, SHORT, special_tokens="text")
    found = audit("trl")
    assert found.differing == {"ids": 1}
    assert found.notes[1] == (
        "The output has special_tokens=text; trl encodes control tokens in texts as control tokens."
    )


def test_some_rows() -> None:
    prepare_rows(*[LONG] * 9, labels="last")
    found = audit("trl", rows=5, show=2)
    assert (found.rows, found.of, found.differing_rows, len(found.first)) == (5, 9, 5, 2)
    assert "and 3 more rows\n5 of the first 5 rows differ from what trl would train: labels 5\n" in printed(found)
