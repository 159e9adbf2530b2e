"""Rows of which nothing is named but the file and the tokenizer: the text is that of the model's own chat template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reference
import transformers
from chatmill import ChatTemplate, DataError, PrepareReport, TemplateError, prepare
from chatmill.formats.detect import detect_rows
from samples import Row, to_lines

Messages = list[dict[str, Any]]

# Enough rows to see long ones, and rows with quotes, markup and several scripts.
ROWS = 60
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"


def turns(*contents: tuple[str, str]) -> Messages:
    return [{"role": role, "content": content} for role, content in contents]


def pair(question: str, answer: str) -> Messages:
    return turns((USER, question), (ASSISTANT, answer))


def glaive_messages(row: Row) -> Messages:
    """The messages of a ShareGPT row, as OpenAI writes them."""
    roles = {"human": USER, "gpt": ASSISTANT, "observation": "tool"}
    messages: Messages = []
    for turn in row["conversations"]:
        if turn["from"] == "function_call":
            call = {"type": "function", "function": json.loads(turn["value"])}
            messages.append({"role": ASSISTANT, "tool_calls": [call]})
        else:
            messages.append({"role": roles[turn["from"]], "content": turn["value"]})
    return messages


@lru_cache
def model(name: str) -> Any:
    load: Any = transformers.AutoTokenizer.from_pretrained
    return load(reference.tokenizer_folder(name))


def expected_ids(name: str, messages: Messages, tools: Any = None, **options: Any) -> list[int]:
    tokenizer = model(name)
    text = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, date_string=_date(), **options)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _date() -> str:
    # llama-3.1 prints a date, which both sides get as a variable.
    return "26 Jul 2024"


def run(rows: Sequence[Row], name: str, folder: Path, **options: Any) -> tuple[PrepareReport, list[Row]]:
    path = folder / "rows.jsonl"
    path.write_bytes(to_lines(rows))
    report = prepare(
        path,
        tokenizer=reference.tokenizer_folder(name),
        output=folder / "out",
        chat_template_kwargs={"date_string": _date()},
        progress=False,
        **options,
    )
    return report, pq.read_table(folder / "out" / "train-00000.parquet").to_pylist()


@reference.needs_corpus
@pytest.mark.parametrize("name", ["qwen3", "llama-3.1"])
@pytest.mark.parametrize("dataset", ["gsm8k_train", "xquad_12lang", "glaive_toolcall_en_demo"])
def test_rows_get_the_text_of_apply_chat_template(dataset: str, name: str, tmp_path: Path) -> None:
    messages_of: dict[str, Any] = {
        "gsm8k_train": lambda row: pair(row["question"], row["answer"]),
        "xquad_12lang": lambda row: pair(f"{row['context']}\n\n{row['question']}", row["answer"]),
        "glaive_toolcall_en_demo": glaive_messages,
    }
    rows = list(islice(reference.rows(dataset), ROWS))
    report, found = run(rows, name, tmp_path, max_rejected="100%")
    failed = {json.loads(line)["line"] - 1 for line in _rejects(tmp_path)}
    # The template of llama-3.1 refuses parallel calls, and some rows have labels that cannot be verified.
    kept = [row for number, row in enumerate(rows) if number not in failed]
    assert len(found) == len(kept) > ROWS // 2, report
    for row, made in zip(kept, found, strict=True):
        tools = row.get("tools")
        tools = json.loads(tools) if isinstance(tools, str) else tools
        assert made["input_ids"] == expected_ids(name, messages_of[dataset](row), tools=tools)
        answers = [token for token, label in zip(made["input_ids"], made["labels"], strict=True) if label != -100]
        assert answers


def _rejects(folder: Path) -> list[str]:
    path = folder / "out" / "_rejects.jsonl"
    return path.read_text("utf-8").splitlines() if path.is_file() else []


@reference.needs_corpus
@pytest.mark.parametrize("name", ["qwen3", "llama-3.1"])
@pytest.mark.parametrize("is_list", [False, True])
def test_preferences_get_the_text_of_apply_chat_template(is_list: bool, name: str, tmp_path: Path) -> None:
    maths = list(islice(reference.rows("gsm8k_train"), ROWS + 1))
    rows: list[Row] = []
    for row, other in pairwise(maths):
        prompt, chosen, rejected = row["question"], row["answer"], other["answer"]
        if is_list:
            rows.append({"prompt": prompt, "chosen": pair(prompt, chosen), "rejected": pair(prompt, rejected)})
        else:
            rows.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    report, found = run(rows, name, tmp_path)
    assert (report.rejected, len(found)) == (0, ROWS)
    for number, made in enumerate(found):
        question = maths[number]["question"]
        for answer, text in (("chosen", maths[number]["answer"]), ("rejected", maths[number + 1]["answer"])):
            assert made["prompt_ids"] + made[f"{answer}_ids"] == expected_ids(name, pair(question, text))
        prompt = expected_ids(name, turns((USER, question)), add_generation_prompt=True)
        assert made["prompt_ids"] == prompt[: len(made["prompt_ids"])]


CHATML = ChatTemplate.named("chatml")
_QUESTION, _ANSWER = "Why?\n", " So </b> it is."
SAME = pair(_QUESTION, _ANSWER)
WITH_SYSTEM = [*turns((SYSTEM, "Be brief.")), *SAME]


@pytest.mark.parametrize(
    ("row", "name", "messages"),
    [
        ({"instruction": _QUESTION, "input": "", "output": _ANSWER}, "alpaca:messages", SAME),
        ({"question": _QUESTION, "answer": _ANSWER, "category": "C"}, "question_answer:messages", SAME),
        ({"system": "Be brief.", "question": _QUESTION, "answer": _ANSWER}, "question_answer:messages", WITH_SYSTEM),
        (
            {"system_prompt": "Be brief.", "prompt": _QUESTION, "response": _ANSWER},
            "prompt_response:messages",
            WITH_SYSTEM,
        ),
        ({"prompt": _QUESTION, "response": _ANSWER}, "prompt_response:messages", SAME),
        ({"query": _QUESTION, "response": _ANSWER}, "query_response:messages", SAME),
        ({"prompt": _QUESTION, "completion": _ANSWER}, "prompt_completion:messages", SAME),
        ({"prompt": SAME[:1], "completion": SAME[1:]}, "prompt_completion.chat", SAME),
        ({"prompt": WITH_SYSTEM[:2], "completion": SAME[1:]}, "prompt_completion.chat", WITH_SYSTEM),
        ({"instruction": _QUESTION, "context": "", "response": _ANSWER}, "dolly:messages", SAME),
        (
            {"system_prompt": "Be brief.", "question": _QUESTION, "response": _ANSWER},
            "alpaca_w_system.load_open_orca:messages",
            WITH_SYSTEM,
        ),
        ({"data": [_QUESTION, _ANSWER]}, "ultrachat", SAME),
        ({"prompt": _QUESTION, "prompt_id": "0", "messages": SAME}, None, SAME),
        ({"conversations": [{"from": "human", "value": _QUESTION}, {"from": "gpt", "value": _ANSWER}]}, None, SAME),
    ],
)  # fmt: skip
def test_pairs_become_messages(row: Row, name: str | None, messages: Messages, loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([row] * 3))
    report = prepare(path, tokenizer=loaded, template=CHATML, output=tmp_path / "out", progress=False)
    assert report.format == name
    text = CHATML.render(messages)
    for made in pq.read_table(tmp_path / "out" / "train-00000.parquet").to_pylist():
        assert loaded.decode(made["input_ids"]) == text
    assert not [warning for warning in report.warnings if "no chat template" in warning]
    if name is not None:
        assert f"{name}; the first rows have {', '.join(row)}" in str(report)


def test_only_the_completion_of_a_prompt_is_trained(loaded: Any, tmp_path: Path) -> None:
    prompt = [*pair("One?", "1."), *turns((USER, "Two?"))]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([{"prompt": prompt, "completion": turns((ASSISTANT, "2."))}]))
    prepare(path, tokenizer=loaded, template=CHATML, output=tmp_path / "out", progress=False)
    (made,) = pq.read_table(tmp_path / "out" / "train-00000.parquet").to_pylist()
    trained = [token for token, label in zip(made["input_ids"], made["labels"], strict=True) if label != -100]
    assert loaded.decode(trained).rstrip() == "2.<|im_end|>"


def test_without_a_template_the_text_of_the_format_is_used_with_a_warning(loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([{"instruction": "Why?", "output": "So."}]))
    report = prepare(path, tokenizer=loaded, output=tmp_path / "out", progress=False)
    assert report.format == "alpaca"
    told = "there is no chat template, so the rows get the text of the format alpaca"
    assert [warning.startswith(told) for warning in report.warnings].count(True) == 1
    named = prepare(path, tokenizer=loaded, format="alpaca", output=tmp_path / "named", progress=False)
    assert told not in " ".join(named.warnings)
    tables = [pq.read_table(tmp_path / folder / "train-00000.parquet") for folder in ("out", "named")]
    assert tables[0].equals(tables[1])
    path.write_bytes(to_lines([{"messages": SAME}]))
    with pytest.raises(TemplateError, match="has no chat template"):
        prepare(path, tokenizer=loaded, output=tmp_path / "other", progress=False)


def test_other_columns_are_told(loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([{"id": 1, "question": "Why?", "answer": "So.", "level": 2}]))
    report = prepare(path, tokenizer=loaded, template=CHATML, output=tmp_path / "out", progress=False)
    assert report.format_reason == "the first rows have id, question, answer, level (id, level are not read)"


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"problem": _QUESTION, "solution": _ANSWER}, {"question": "problem", "answer": "solution"}),
        ({"q": _QUESTION, "answer": _ANSWER}, {"question": "q"}),
        # A column that already has a known name gives way.
        ({"q": _QUESTION, "question": "other", "answer": _ANSWER}, {"question": "q"}),
        ({"dialog": SAME}, {"messages": "dialog"}),
        (
            {"talk": [{"from": "human", "value": _QUESTION}, {"from": "gpt", "value": _ANSWER}]},
            {"conversations": "talk"},
        ),
        ({"ask": SAME[:1], "reply": SAME[1:]}, {"prompt": "ask", "completion": "reply"}),
        ({"turns": [_QUESTION, _ANSWER]}, {"data": "turns"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_columns_may_have_other_names(
    suffix: str, row: Row, columns: dict[str, str], loaded: Any, tmp_path: Path
) -> None:
    path = tmp_path / f"rows.{suffix}"
    if suffix == "jsonl":
        path.write_bytes(to_lines([row]))
    else:
        pq.write_table(pa.Table.from_pylist([row]), path)
    options: dict[str, Any] = {"tokenizer": loaded, "template": CHATML, "progress": False}
    prepare(path, columns=columns, output=tmp_path / "out", **options)
    (made,) = pq.read_table(tmp_path / "out" / "train-00000.parquet").to_pylist()
    assert loaded.decode(made["input_ids"]) == CHATML.render(SAME)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text("utf-8"))
    assert manifest["options"]["columns"] == columns


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"question": "proble"}, "no row has the column 'proble' of `question=proble`; did you mean 'problem'?"),
        ({"problem": "question"}, "did you mean `question=problem`? The name in the rows comes after the `=`"),
        ({"question": "problem", "answers": "solution"}, "no format fits rows with the fields question, answers"),
    ],
)
def test_wrong_columns_are_errors(columns: dict[str, str], told: str, loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([{"problem": "P", "solution": "S"}]))
    with pytest.raises(DataError) as error:
        prepare(path, tokenizer=loaded, template=CHATML, columns=columns, output=tmp_path / "out")
    assert told in str(error.value)


def test_columns_of_a_named_format(loaded: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_lines([{"prompt": "Q", "good": "a", "bad": "b"}]))
    options: dict[str, Any] = {"tokenizer": loaded, "template": CHATML, "progress": False}
    columns = {"chosen": "good", "rejected": "bad"}
    named = prepare(path, format="preference", columns=columns, output=tmp_path / "named", **options)
    assert named.rows_out == 1
    found = prepare(path, columns=columns, output=tmp_path / "found", **options)
    assert found.format == "dpo.prompt_pairs:messages"
    with pytest.raises(DataError, match="the format preference reads no column 'chosn'; did you mean 'chosen'"):
        prepare(path, format="preference", columns={"chosn": "good"}, output=tmp_path / "x", **options)


def test_texts_without_a_prompt_stay_texts() -> None:
    found = detect_rows([{"chosen": "Human: a", "rejected": "Human: b"}])
    assert found is not None
    assert found.name == "preference"
    found = detect_rows([{"text": "plain"}])
    assert found is not None
    assert found.name == "completion"
