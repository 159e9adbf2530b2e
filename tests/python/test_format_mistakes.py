"""User-defined formats with mistakes: each mistake is an error, and nothing is dropped silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill import ChatTemplate, DataError, Format, Mill, RowError, prepare
from chatmill.inspect.diff.mills import diff_rows
from format_rows import CHATML, TOKENIZER, milled

TURNS = [{"role": "user", "content": "{{ q }}"}, {"role": "assistant", "content": "{{ a }}"}]
FIELDS = {"q": "text", "a": "optional text"}


@pytest.mark.parametrize(
    ("definition", "complaint"),
    [
        ({"messages": [{"role": "user"}]}, "the key 'content' is missing"),
        ({"messages": ["user"]}, "the definition cannot be read"),
        ({"messages": [{"each": "x"}]}, "the key 'messages' is missing"),
        (
            {"fields": {"a": "text"}, "answers": {"prompt": "p", "names": ["a"], "made": None}},
            "the definition cannot be read",
        ),
        (
            {"messages": {"empty_answers": "some"}},
            "`empty_answers` is 'some'; use one of refused, among_others, allowed",
        ),
        ({"answers": {"prompt": "p"}}, "the key 'names' is missing"),
        ({"fields": ["a", "b"], "text": "x"}, "the definition cannot be read"),
        ({"fields": {"a": "optional ["}, "text": "x"}, "the definition cannot be read"),
        ({"fields": {"a": "text"}, "text": "x", "example": "hello"}, "the definition cannot be read"),
        ({"messages": {"fields": ["m"], "properties": None}}, "the definition cannot be read"),
        ({"messages": {"fields": ["m"]}, "conversations": "zephir"}, "the definition cannot be read"),
        ({"fields": {"a": "text"}, "other_names": 3, "text": "x"}, "the definition cannot be read"),
        (
            {"fields": {"a": "text"}, "other_names": {"b": ["c"]}, "text": "x"},
            "`other_names` has 'b', which is not a field; use one of a",
        ),
        ({"fields": {"a": "text"}, "variables": 3, "text": "x"}, "the definition cannot be read"),
        ({"base": "nope", "text": "x"}, "there is no format 'nope' to use as `base`"),
        ({"format": "alpaca", "fields": ["a"]}, "the definition cannot be read"),
        (
            {"format": "alpaca", "allow_empty": "output"},
            r"`allow_empty` is \'output\', which is not a list of fields; write \[output\]",
        ),
        ({"format": "dpo.intel:messages", "field_system": "s"}, "this format has no option 'field_system'"),
        ({"format": "sharegpt", "roles": {"user": "human"}}, "a list of names for each role"),
        (
            {"fields": FIELDS, "messages": [{"each": "histroy", "messages": TURNS}]},
            "`each` is `histroy`, which is no field of the format; add it to `fields`",
        ),
    ],
)
def test_a_mistake_is_named(definition: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        Format.of(definition)


def test_a_format_like_one_of_the_library() -> None:
    form = Format.of({"base": "alpaca", "variables": {}, "about": "mine"})
    row = {"instruction": "I", "output": "O"}
    assert milled([row], Mill(TOKENIZER, format=form)) == milled([row], Mill(TOKENIZER, format="alpaca"))


def test_made_answers_have_words() -> None:
    form = Format.of({"fields": FIELDS, "messages": TURNS})
    with pytest.raises(RowError, match="message 1: the answer is empty"):
        milled([{"q": "Q"}], Mill(TOKENIZER, CHATML, format=form))
    listed = Format.of({"fields": {"turns": "any", **FIELDS}, "messages": [{"each": "turns", "messages": TURNS}]})
    with pytest.raises(RowError, match="the field `turns` must be a list, found an integer"):
        milled([{"turns": 3, "q": "Q"}], Mill(TOKENIZER, CHATML, format=listed))


def test_the_role_model_answers_too() -> None:
    rows = pa.table({"messages": [[{"role": "user", "content": "U"}, {"role": "model", "content": ""}]]})
    template = ChatTemplate("{% for m in messages %}{{ m.role }}:{{ m.content }}</s>{% endfor %}")
    with pytest.raises(RowError, match="the answer is empty"):
        Mill(TOKENIZER, template)(rows)


def test_a_missing_label_names_what_the_row_has() -> None:
    with pytest.raises(RowError, match=r"no field `label`; the row has `question`, `completion`"):
        milled([{"question": "Q", "completion": "a"}], Mill(TOKENIZER, format="kto.intel"))


def test_rows_with_a_system_prompt_are_those_without(tmp_path: Path) -> None:
    """A system column alone does not change which rows are rejected."""
    path = tmp_path / "rows.jsonl"
    asked, empty, good = "user", "", "G"
    turns = [("user", asked), ("assistant", empty), ("user", asked), ("assistant", good)]
    messages = ", ".join(f'{{"role": "{role}", "content": "{text}"}}' for role, text in turns)
    path.write_text(f'{{"messages": [{messages}], "system": null}}\n{{"messages": [{messages}]}}\n', "utf-8")
    report = prepare(path, tokenizer=TOKENIZER, template="chatml", output=tmp_path / "out", progress=False)
    assert (report.rows_out, report.notes["empty_answer"]) == (2, 2)


def test_rows_without_an_encoding_are_not_compared(tmp_path: Path) -> None:
    mill = Mill(TOKENIZER, format="dpo.intel:chatml")
    with pytest.raises(
        DataError, match=r"rows of the format dpo\.intel:chatml cannot be compared, because each becomes"
    ):
        diff_rows(mill, mill, tmp_path / "rows.jsonl")


def test_a_blank_name_gives_way_to_another() -> None:
    pair = {"chosen": "a", "rejected": "b"}
    (found,) = milled([{"input": "", "instruction": "I", **pair}], Mill(TOKENIZER, format="dpo.argilla"))
    assert [found] == milled([{"prompt": "I", **pair}], Mill(TOKENIZER, format="dpo.argilla"))


def test_an_empty_answer_behind_a_system_prompt_is_counted_as_the_row_has_it() -> None:
    """A system prompt in a column is not a message of the row."""
    turns = [{"role": "user", "content": "U"}, {"role": "assistant", "content": ""}]
    form = Format.named("messages", field_system="system", empty_answers="among_others")
    with pytest.raises(RowError, match="row 0, message 1: the answer is empty"):
        milled([{"messages": turns, "system": "S"}], Mill(TOKENIZER, CHATML, format=form))
