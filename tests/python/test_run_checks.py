"""Warnings of `prepare` about its rows: each problem is told once, with its number of rows, a place and a remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import ChatTemplate, DataError, Format, Mill, PrepareReport, Tokenizer, prepare
from chatmill.cli.main import app
from chatmill.lint.values import row_values
from chatmill.lint.warning import CODES, DataWarning
from click.testing import CliRunner
from samples import Row, to_lines

# Prints strings only, drops other roles than these, escapes arguments, and reads one variable of its own.
SOURCE = (
    "{% for m in messages %}{% if m.role in ('user', 'assistant', 'tool') %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if shout %}!{% endif %}{% endif %}"
)
USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So it is."}
GOOD = {"messages": [USER, ANSWER]}


def called(arguments: Any) -> Row:
    call = {"type": "function", "function": {"name": "find", "arguments": arguments}}
    return {"messages": [USER, {"role": "assistant", "content": "", "tool_calls": [call]}, ANSWER]}


@pytest.fixture
def run(loaded: Tokenizer, in_tmp_path: Path) -> Any:
    def run(*rows: Row, source: str = SOURCE, **options: Any) -> PrepareReport:
        Path("rows.jsonl").write_bytes(to_lines(rows))
        return prepare(
            "rows.jsonl",
            **{"tokenizer": loaded, "template": source, "output": "out", "progress": False, **options},
        )

    return run


def codes(report: PrepareReport) -> list[str]:
    # The tokenizer of these tests has no <|im_start|>.
    return [warning.code for warning in report.data_warnings if warning.code not in ("template_tokens", "stop_token")]


def only(report: PrepareReport, code: str) -> DataWarning:
    (found,) = [warning for warning in report.data_warnings if warning.code == code]
    return found


def test_good_rows_have_no_warning(run: Any) -> None:
    report = run(*[GOOD] * 30, called({"city": "B"}), template=ChatTemplate(SOURCE, bos_token="x"))
    assert codes(report) == []


PROBLEMS: list[tuple[str, Row, str, str]] = [
    ("arguments_escaped", called('{"city": "B"}'), "message 1 (assistant), tool_calls", "json.loads"),
    (
        "content_dropped",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hear me"}]}, ANSWER]},
        "message 0 (user), content (a list of parts)",
        "join the texts of the parts",
    ),
    (
        "roles_dropped",
        {"messages": [{"role": "developer", "content": "Be brief."}, USER, ANSWER]},
        "message 0 (developer), content",
        "rename the role",
    ),
    (
        "reasoning_dropped",
        {"messages": [USER, {**ANSWER, "reasoning_content": "Why not?"}]},
        "message 1 (assistant), reasoning_content",
        "--split per_turn",
    ),
    ("unread_variable", {**GOOD, "chat_template_kwargs": {"shuot": True}}, "chat_template_kwargs", "correct the name"),
]


@pytest.mark.parametrize(("code", "row", "place", "remedy"), PROBLEMS)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_problem_of_a_row_is_told_with_its_place(
    suffix: str, code: str, row: Row, place: str, remedy: str, run: Any, loaded: Tokenizer
) -> None:
    rows = [GOOD, GOOD, row, row, GOOD]
    if suffix == "parquet":
        columns = {name: [json.dumps(it.get(name, {})) for it in rows] for name in ("messages", "chat_template_kwargs")}
        pq.write_table(pa.table(columns), "rows.parquet")
        report = prepare("rows.parquet", tokenizer=loaded, template=SOURCE, output="out", progress=False)
    else:
        report = run(*rows)
    expected = f"rows.jsonl, line 3, {place}" if suffix == "jsonl" else f"rows.parquet, row 2, {place}"
    assert codes(report) == [code]
    warning = only(report, code)
    assert (warning.rows, warning.of, warning.place) == (2, 5, expected)
    assert remedy in warning.remedy
    assert str(warning) in report.warnings
    assert " ".join(str(warning).split()) in " ".join(str(report).split())
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert warning.to_dict() in manifest["warnings"]


def test_a_turn_that_the_template_drops(run: Any) -> None:
    source = SOURCE.replace("{% if m.role in", "{% if m.content != 'No' and m.role in")
    rows = [GOOD, {"messages": [USER, {**ANSWER, "content": "No"}, USER, ANSWER]}]
    warning = only(run(*rows, source=source), "turns_dropped")
    assert (warning.rows, warning.of, warning.place) == (1, 2, "rows.jsonl, line 2")


def test_a_doubled_bos_comes_first(run: Any, loaded: Tokenizer) -> None:
    row = {"messages": [{"role": "developer", "content": "Be brief."}, USER, ANSWER]}
    report = run(row, source="{{ bos_token }}{{ bos_token }}" + SOURCE)
    assert codes(report) == ["doubled_bos", "roles_dropped"]
    assert only(report, "doubled_bos").place == "rows.jsonl, line 1"
    assert report.warnings[0].startswith("1 of 1 rows begin with two begin-of-text tokens; first rows.jsonl, line 1;")


def test_tokens_that_the_vocabulary_lacks(run: Any) -> None:
    report = run(GOOD, GOOD)
    tokens = only(report, "template_tokens")
    assert "<|im_end|>, <|im_start|>" in tokens.text
    stop = only(report, "stop_token")
    assert (stop.rows, stop.of, stop.place) == (2, 2, "rows.jsonl, line 1")
    assert "the answers end in '<|im_end|>', which is not one token" in stop.text
    # A text of a row that looks like a token is not the template's.
    plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
    quoted = {"messages": [USER, {**ANSWER, "content": "Write <|im_end|> at the end."}]}
    report = run(quoted, source=plain, labels="all", overwrite=True)
    assert [warning.code for warning in report.data_warnings] == ["foreign_tokens"]
    assert only(report, "foreign_tokens").place == "rows.jsonl, line 1, message 1 (assistant), content"


def test_a_variable_that_nobody_reads(run: Any) -> None:
    report = run(GOOD, chat_template_kwargs={"shuot": True, "shout": False})
    warning = only(report, "unread_variable")
    assert warning.text.startswith("`chat_template_kwargs` has 'shuot', but the template")
    assert warning.remedy == "did you mean 'shout'?"
    text = run({"text": "plain"}, template=None, chat_template_kwargs={"shout": True}, overwrite=True)
    assert only(text, "unread_variable").text.endswith("the rows need no chat template")


def test_what_no_sample_holds_on_purpose_is_not_told(run: Any, loaded: Tokenizer) -> None:
    after = {"messages": [USER, ANSWER, {"role": "user", "content": "And then?"}]}
    assert codes(run(after, split="per_turn")) == []
    long = {"text": "Every window of a long text holds only a part of it. " * 40}
    assert not run(long, template=None, format="pretrain", max_length=50, overwrite=True).data_warnings
    assert not run(long, template=None, format="completion", max_length=50, overwrite=True).data_warnings


def test_strict_writes_nothing(run: Any, in_tmp_path: Path, tokenizer: Path) -> None:
    row = {"messages": [{"role": "developer", "content": "Be brief."}, USER, ANSWER]}
    with pytest.raises(DataError, match="nothing was written, because `strict` accepts no warning") as error:
        run(row, strict=True)
    assert "the template drops messages of the role 'developer'" in str(error.value)
    assert sorted(path.name for path in in_tmp_path.iterdir()) == ["rows.jsonl"]
    arguments = ["prepare", "rows.jsonl", "--tokenizer", str(tokenizer), "--template", SOURCE, "--output", "out"]
    failed = CliRunner().invoke(app, [*arguments, "--strict"])
    assert failed.exit_code == 1
    assert "developer" in failed.stderr
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "developer" in done.stdout


def test_a_sample_covers_all_blocks(run: Any) -> None:
    bad = {"messages": [{"role": "developer", "content": "Be brief."}, USER, ANSWER]}
    report = run(*[GOOD] * 1000, *[bad] * 1000, block_bytes=20_000)
    warning = only(report, "roles_dropped")
    assert 0 < warning.rows < warning.of < 1000
    assert warning.place.startswith("rows.jsonl, line 1")
    assert run(*[GOOD] * 1000, *[bad] * 1000, block_bytes=20_000, overwrite=True).data_warnings == report.data_warnings


@pytest.mark.parametrize(
    "row",
    [
        {"messages": 3},
        {"messages": [None, 3, {"role": 3, "content": {"a": [None, " "]}}]},
        {"messages": [{"role": "user", "content": [None, 3, {"text": 4}], "tool_calls": 3}]},
        {"messages": [{"role": "user", "tool_calls": [None, {"function": 3}, {"function": {"arguments": 4}}]}]},
        {"messages": "[", "chat_template_kwargs": 3},
        {},
    ],
)
def test_values_of_strange_rows(row: Row) -> None:
    for form in (None, Format.named("sharegpt"), Format.named("preference"), Format.named("alpaca:messages")):
        assert list(row_values(row, form)) == []


def test_values_of_formats() -> None:
    turns = [{"from": "human", "value": "Q"}, {"from": "function_call", "value": "{}"}, {"from": "gpt", "value": "A"}]
    found = [(value.place, value.text) for value in row_values({"conversations": turns}, Format.named("sharegpt"))]
    assert found == [("message 0 (human), content", "Q"), ("message 2 (gpt), content", "A")]
    texts = row_values({"instruction": "I", "input": "", "output": "O"}, Format.named("alpaca:messages"))
    assert [(value.place, value.text) for value in texts] == [("field instruction", "I"), ("field output", "O")]
    thought = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}
    kinds = [(value.kind, value.text) for value in row_values({"messages": [thought]}, None)]
    assert kinds == [("reasoning", "\nhm\n"), ("content", "\n\nyes")]


def test_codes_are_known() -> None:
    assert {code for code, *_ in PROBLEMS} < set(CODES)


# Prints any content as Jinja prints it.
PRINTING = SOURCE.replace("{% if m.content is string %}{{ m.content }}{% endif %}", "{{ m.content }}")


@pytest.mark.parametrize(
    ("source", "message", "warning"),
    [
        (SOURCE, {"role": "user", "content": 5}, "drops or changes contents that are numbers or objects"),
        (SOURCE, {"role": "tool", "content": {"temp": 22.5}}, "drops or changes contents that are numbers or objects"),
        (
            SOURCE,
            {"role": "user", "content": [{"type": "text", "text": "Hm."}]},
            "drops or changes contents that are li",
        ),
        (PRINTING, {"role": "user", "content": 5}, None),
        (PRINTING, {"role": "user", "content": True}, None),
        (PRINTING, {"role": "assistant", "content": 5}, None),
        (
            PRINTING,
            {"role": "assistant", "content": {"answer": 1}},
            "prints contents that are objects with the brackets",
        ),
        (PRINTING, {"role": "user", "content": [{"type": "text", "text": "Hm."}]}, "lists of parts with the brackets"),
        (SOURCE, {"role": "assistant", "content": "a", "function_call": {"name": "w_1"}}, "does not print tool calls"),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_contents_that_are_not_text(
    source: str, message: dict[str, Any], warning: str | None, later: bool, run: Any
) -> None:
    # Later rows are found by their data.
    rows = [GOOD] * (201 if later else 0)
    report = run(*rows, {"messages": [USER, message, ANSWER]}, *rows, source=source)
    found = [it.text for it in report.data_warnings if it.code in ("content_dropped", "tools_dropped")]
    assert [warning is not None and warning in text for text in found] == ([] if warning is None else [True])


@pytest.mark.parametrize(
    "answer",
    [
        {"content": 3},
        {"content": {"answer": 1}},
        {"content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        {"content": "", "thought": "why not"},
    ],
)
def test_an_answer_that_the_template_does_not_print_is_not_trained(answer: dict[str, Any], loaded: Tokenizer) -> None:
    mill = Mill(loaded, ChatTemplate(SOURCE))
    dropped = {"role": "assistant", **answer}
    assert set(mill.encode([USER, dropped]).labels) == {-100}
    kept = mill.encode([USER, ANSWER, USER, dropped])
    assert "value_dropped" in kept.notes
    assert kept.text.count("<|im_end|>") == 4
    assert "".join(token.text for token in kept.tokens if token.label != -100).count("<|im_end|>") == 1
