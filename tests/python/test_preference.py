"""Rows with a prompt and answers: the tokens equal those of TRL's rules for transformers' texts."""

from __future__ import annotations

import json
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reference
from chatmill import ChatTemplate, DataError, Format, Mill, RowError, Tokenizer, prepare
from chatmill.formats.detect import detect_rows
from chatmill.inspect.debug import print_debug
from chatmill.inspect.diff.outputs import diff_output
from format_rows import BAD, CHATML, GOOD, PAIR, TOKENIZER, USER, milled
from hypothesis import given
from hypothesis import strategies as st
from samples import Row

MODELS = ["qwen3", "llama-3.1", "mistral-nemo"]


def shared(left: Any, right: Any) -> int:
    """The number of equal items at the start of two sequences."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False))))


def as_trl(model: str, row: Row) -> dict[str, list[int]]:
    """Prompt and answers by TRL's rules: texts of transformers, then their common characters, then common tokens."""
    tokenizer = reference.tokenizer(model)
    answers = [name for name in ("chosen", "rejected", "completion") if name in row]
    prompt, role = row["prompt"], row["prompt"][-1]["role"]
    alone = tokenizer.apply_chat_template(
        prompt,
        tokenize=False,
        add_generation_prompt=role in ("user", "tool"),
        continue_final_message=role == "assistant",
    )
    texts = {name: tokenizer.apply_chat_template(prompt + row[name], tokenize=False) for name in answers}
    alone = alone[: min(shared(alone, text) for text in texts.values())]
    ids = {name: tokenizer(text, add_special_tokens=False)["input_ids"] for name, text in texts.items()}
    prompt_ids = tokenizer(alone, add_special_tokens=False)["input_ids"]
    length = min(shared(prompt_ids, own) for own in ids.values())
    return {"prompt_ids": ids[answers[0]][:length], **{f"{name}_ids": own[length:] for name, own in ids.items()}}


def real_rows() -> list[Row]:
    """Prompts of many lengths, each with its answer and with another answer."""
    rows: list[Row] = []
    for number, row in enumerate(islice(reference.rows("chitchat_en_4k"), 60)):
        messages = [message for message in row["messages"] if message["role"] in ("user", "assistant")]
        turns = [at for at, message in enumerate(messages) if message["role"] == "assistant" and at > 0]
        at = turns[number % len(turns)]
        prompt = messages[:at] if messages[0]["role"] == "user" else messages[1:at]
        if not prompt or prompt[-1]["role"] != "user":
            continue
        other = {"role": "assistant", "content": f"\n{messages[at]['content'][:9]} no"}
        rows.append({"prompt": prompt, "chosen": [messages[at]], "rejected": [other]})
    return rows


@reference.needs_corpus
@pytest.mark.parametrize("model", MODELS)
def test_tokens_are_those_of_trl(model: str) -> None:
    folder = reference.tokenizer_folder(model)
    mill = Mill(Tokenizer.from_pretrained(folder), ChatTemplate.from_pretrained(folder), format="preference")
    rows = real_rows()
    assert len(rows) == 60
    for row, found in zip(rows, milled(rows, mill), strict=True):
        expected = as_trl(model, row)
        assert {name: found[name] for name in expected} == expected
        assert found["length"] == sum(map(len, expected.values()))
    # Without a field `prompt`, the prompt is the common start of both answers.
    joined = [{name: row["prompt"] + row[name] for name in ("chosen", "rejected")} for row in rows]
    assert milled(joined, mill) == milled(rows, mill)
    feedback = [
        {"prompt": row["prompt"], "completion": row["chosen"], "label": at % 2 == 0} for at, row in enumerate(rows)
    ]
    judged = milled(feedback, Mill(mill.tokenizer, mill.template, format="kto"))
    for at, (row, found) in enumerate(zip(feedback, judged, strict=True)):
        expected = as_trl(model, {name: row[name] for name in ("prompt", "completion")})
        assert {name: found[name] for name in expected} == expected
        assert found["label"] == (at % 2 == 0)
    whole = milled(joined, Mill(mill.tokenizer, mill.template, format="reward"))
    own = reference.tokenizer(model)
    for row, found in zip(joined, whole, strict=True):
        for name in ("chosen", "rejected"):
            text = own.apply_chat_template(row[name], tokenize=False)
            assert found[f"{name}_ids"] == own(text, add_special_tokens=False)["input_ids"]
        assert "prompt_ids" not in found


def texts(row: dict[str, Any]) -> dict[str, str]:
    return {name: TOKENIZER.decode(ids) for name, ids in row.items() if name.endswith("_ids")}


def test_messages_and_texts() -> None:
    mill = Mill(TOKENIZER, CHATML, format="preference")
    prompt = "<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    expected = {"prompt_ids": prompt, "chosen_ids": "Good<|im_end|>\n", "rejected_ids": "Bad<|im_end|>\n"}
    # One message, or JSON text, is accepted in place of a list.
    for row in (PAIR, {**PAIR, "chosen": GOOD, "rejected": BAD}, {name: json.dumps(it) for name, it in PAIR.items()}):
        assert texts(milled([row], mill)[0]) == expected
    listed = {"prompt": "List", "chosen": '[{"name": "a"}]', "rejected": "[]"}
    assert texts(milled([listed], mill)[0])["chosen_ids"] == '[{"name": "a"}]</s>'
    plain = {"prompt": "The sky is", "chosen": " blue.", "rejected": " green.</s>"}
    expected = {"prompt_ids": "<s>The sky is", "chosen_ids": " blue.</s>", "rejected_ids": " green.</s>"}
    assert texts(milled([plain], mill)[0]) == expected
    joined = {"chosen": "The sky is blue.", "rejected": "The sky is green.</s>"}
    assert texts(milled([joined], mill)[0]) == expected
    whole = texts(milled([joined], Mill(TOKENIZER, CHATML, format="reward"))[0])
    assert whole == {"chosen_ids": "<s>The sky is blue.</s>", "rejected_ids": "<s>The sky is green.</s>"}
    going_on = {"prompt": [USER, {"role": "assistant", "content": "It"}], "chosen": [BAD], "rejected": [GOOD]}
    assert texts(milled([going_on], mill)[0])["prompt_ids"].endswith("assistant\nIt")


def test_other_names_of_fields_and_roles() -> None:
    form = Format.named(
        "preference",
        fields={"prompt": "conversation", "chosen": "better", "rejected": "worse"},
        properties={"role": "from", "content": "value"},
        roles={"user": ["human"], "assistant": ["gpt"]},
    )
    row = {
        "conversation": [{"from": "human", "value": "U"}],
        "better": {"from": "gpt", "value": "Good"},
        "worse": {"from": "gpt", "value": "Bad"},
    }
    mills = [Mill(TOKENIZER, CHATML, format=it) for it in (form, "preference")]
    assert milled([row], mills[0]) == milled([PAIR], mills[1])
    assert set(form.columns) >= {"conversation", "better", "worse", "tools"}


FAULTS: list[tuple[str, Row, str, str]] = [
    ("preference", {**PAIR, "rejected": [GOOD]}, "equal_answers", "`chosen` and `rejected` are equal"),
    (
        "preference",
        {"prompt": "P", "chosen": "a", "rejected": "a"},
        "equal_answers",
        "`chosen` and `rejected` are equal",
    ),
    ("preference", {"prompt": "P", "chosen": "a", "rejectd": "b"}, "missing_field", "no field `rejected`; the row has"),
    ("preference", {"prompt": "P", "chosen": "a", "rejected": None}, "missing_field", "the field `rejected` is null"),
    ("preference", {"prompt": "P", "chosen": "a", "rejected": " "}, "empty_field", "the field `rejected` is empty"),
    ("preference", {"prompt": " ", "chosen": "a", "rejected": "b"}, "empty_field", "the field `prompt` is empty"),
    ("preference", {**PAIR, "rejected": [{"role": "assistant", "content": ""}]}, "empty_field", "the answer is empty"),
    ("preference", {**PAIR, "chosen": []}, "empty_field", "the field `chosen` is an empty list"),
    ("preference", {**PAIR, "chosen": "Good"}, "wrong_type", "the field `chosen` must be messages like the other"),
    ("preference", {**PAIR, "chosen": 3}, "wrong_type", "the field `chosen` must be messages"),
    ("preference", {**PAIR, "chosen": [{"role": "assistant"}]}, "missing_field", "the message has no `content`"),
    ("preference", {"chosen": [USER, GOOD], "rejected": [BAD]}, "missing_field", "no common first messages"),
    (
        "preference",
        {**PAIR, "prompt": [{"role": "system", "content": "S"}]},
        "unknown_role",
        "a prompt must end with a user, tool or assistant message",
    ),
    ("kto", {"prompt": "P", "completion": "a"}, "missing_field", "no field `label`"),
    (
        "dpo.intel",
        {"qestion": "Q", "chosen": "a", "rejected": "b"},
        "missing_field",
        "no field `question`; the row has",
    ),
    ("dpo.intel", {"question": "Q", "chosen": "a", "rejected": ""}, "empty_field", "the field `rejected` is empty"),
    (
        "dpo.intel",
        {"question": "Q", "chosen": "a", "rejected": "a"},
        "equal_answers",
        "`chosen` and `rejected` are equal",
    ),
    ("dpo.argilla", {"chosen": "a", "rejected": "b"}, "missing_field", "no field `prompt` or `input` or `question`"),
    ("dpo.argilla", {"input": None, "chosen": "a", "rejected": "b"}, "missing_field", "the field `input` is null"),
    (
        "dpo.ultra",
        {"prompt": "P", "chosen": [USER], "rejected": [USER, BAD]},
        "template_raised",
        "chosen must have a q",
    ),
    (
        "dpo.ultra",
        {"prompt": "P", "chosen": [USER, GOOD], "rejected": [USER, {**BAD, "content": " "}]},
        "empty_field",
        "the field `rejected` is empty",
    ),
    (
        "dpo.ultra",
        {"prompt": "P", "chosen": "a", "rejected": [USER, BAD]},
        "invalid_json",
        "the field `chosen` must",
    ),
    (
        "dpo.ultra",
        {"prompt": "P", "chosen": [GOOD, USER], "rejected": [USER, BAD]},
        "template_raised",
        "must end in an assistant message, but ends in a message of role user",
    ),
    (
        "preference",
        {**PAIR, "chosen": [USER]},
        "unknown_role",
        "must end with an assistant message, found the role",
    ),
    (
        "kto.argilla_chat",
        {"completion": [USER, GOOD, USER], "label": True},
        "template_raised",
        "ends in a message of",
    ),
    (
        "dpo.argilla_chat",
        {"chosen": [USER, GOOD], "rejected": [{**USER, "content": "other"}, BAD]},
        "template_raised",
        "chosen and rejected have different prompts",
    ),
    ("kto.intel", {"question": "Q", "completion": "a"}, "missing_field", "no field `label`"),
    (
        "llama_factory.preference",
        {"instruction": "I", "history": [["a"]], "chosen": "a", "rejected": "b"},
        "template_raised",
        "the field history must be a list of pairs of a question and its answer",
    ),
    (
        "llama_factory.preference",
        {"instruction": "", "chosen": "a", "rejected": "b"},
        "template_raised",
        "the fields instruction and input are empty",
    ),
    (
        "kto",
        {"prompt": "P", "completion": "a", "label": "yes"},
        "wrong_type",
        "the field `label` must be true, false, 1 or 0, found a string",
    ),
]


@pytest.mark.parametrize(("name", "row", "code", "text"), FAULTS, ids=lambda it: it if isinstance(it, str) else "")
def test_faults_name_the_field(name: str, row: Row, code: str, text: str) -> None:
    good: Row = dict(Format.named(name).example or {})
    template = CHATML if Format.named(name).needs_template else None
    with pytest.raises(RowError, match="row 1") as error:
        milled([good, row], Mill(TOKENIZER, template, format=name))
    assert error.value.failure.code == code
    assert text in error.value.failure.text
    rows = milled([row, good], Mill(TOKENIZER, template, format=name, on_error="null"))
    assert [row["length"] is None for row in rows] == [True, False]
    assert [row["error"] is None for row in rows] == [False, True]


def test_long_rows() -> None:
    rows = [{"prompt": "0123456789", "chosen": "abcdef", "rejected": "xy"}]
    mill = Mill(TOKENIZER, CHATML, format="preference", max_length=14)
    assert texts(milled(rows, mill)[0]) == {
        "prompt_ids": "<s>0123456789",
        "chosen_ids": "abc",
        "rejected_ids": "xy</s>",
    }
    refused: list[dict[str, Any]] = [{"max_length": 11}, {"max_length": 14, "truncation": "drop"}]
    for options in refused:
        with pytest.raises(RowError, match="max_length"):
            milled(rows, Mill(TOKENIZER, CHATML, format="preference", **options))
    refused = [
        {"truncation": "split"}, {"labels": "all"}, {"padding": "longest"}, {"attention_mask": True},
        {"position_ids": True},
    ]  # fmt: skip
    for options in refused:
        with pytest.raises(DataError, match="preference"):
            Mill(TOKENIZER, CHATML, format="preference", **options)


def test_files_of_preferences(tmp_path: Path) -> None:
    rows = [{**PAIR, "id": number, "chosen": [{**GOOD, "content": f"Good {number}"}]} for number in range(50)]
    broken = [*rows[:20], {**PAIR, "rejected": [GOOD]}, *rows[20:]]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in broken), "utf-8")
    pq.write_table(pa.Table.from_pylist(broken), tmp_path / "rows.parquet")
    options: dict[str, Any] = {"tokenizer": TOKENIZER, "template": "chatml", "progress": False, "block_bytes": 2000}
    found = []
    for name in ("rows.jsonl", "rows.parquet"):
        report = prepare(tmp_path / name, output=tmp_path / name[5:], keep_columns=["id"], **options)
        assert (report.rows_out, report.reasons, report.format) == (50, {"equal_answers": 1}, "preference")
        table = pq.read_table(tmp_path / name[5:] / "train-00000.parquet")
        assert table.column_names == ["prompt_ids", "chosen_ids", "rejected_ids", "length", "id"]
        assert report.tokens == sum(table["length"].to_pylist())
        found.append(table.drop_columns(["id"]))
    assert found[0] == found[1]
    twice = [tmp_path / "rows.jsonl", tmp_path / "rows.jsonl"]
    report = prepare(twice, output=tmp_path / "out", shuffle=True, deduplicate=True, validation=5, **options)
    assert report.arranged is not None
    assert (report.arranged.duplicates, report.arranged.validation.rows, report.arranged.training.rows) == (50, 5, 45)
    sides = [
        pq.read_table(tmp_path / "out" / part).to_pylist()
        for part in ("train/train-00000.parquet", "validation/validation-00000.parquet")
    ]
    assert sorted(map(str, sides[0] + sides[1])) == sorted(map(str, found[0].to_pylist()))
    assert report.arranged.training.trained_tokens == sum(
        len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in sides[0]
    )


def test_recognition_of_answers() -> None:
    for name in ("preference", "kto"):
        found = detect_rows([Format.named(name).example or {}])
        assert found is not None
        assert found.name == name


WORDS = st.lists(st.sampled_from(["a", " ", "\n", "é", "中", "</s>", "<|im_end|>"]), min_size=1, max_size=5).map(
    "".join
)


@given(WORDS, WORDS, WORDS)
def test_prompt_and_answer_together_are_the_whole_text(prompt: str, chosen: str, rejected: str) -> None:
    row = {"prompt": [{"role": "user", "content": prompt}], "chosen": [{"role": "assistant", "content": f"{chosen}."}]}
    row["rejected"] = [{"role": "assistant", "content": f"{rejected}!"}]
    (found,) = milled([row], Mill(TOKENIZER, CHATML, format="preference"))
    for name in ("chosen", "rejected"):
        text = CHATML.render(row["prompt"] + row[name])
        assert TOKENIZER.decode(found["prompt_ids"] + found[f"{name}_ids"]) == text
        assert found[f"{name}_ids"]


def test_answers_token_by_token_and_no_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "P", "chosen": "ab", "rejected": "c"}\n', "utf-8")
    prepare(path, tokenizer=TOKENIZER, template="chatml", format="preference", output=tmp_path / "out", progress=False)
    print_debug(tmp_path / "out", TOKENIZER, 3)
    shown = capsys.readouterr().out.split("\n\n")
    assert shown[0] == "<s>(-100, 258) P(-100, 80) a(97, 97) b(98, 98) </s>(259, 259)"
    assert shown[1] == "<s>(-100, 258) P(-100, 80) c(99, 99) </s>(259, 259)"
    with pytest.raises(DataError, match="rows of a prompt with answers, which cannot be compared"):
        diff_output(path, tmp_path / "out", tokenizer=TOKENIZER)
