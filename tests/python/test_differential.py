"""Every row of real data has the text and the ids of transformers, and is rejected if transformers rejects it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pytest
import reference
from chatmill import ChatTemplate, Mill, Tokenizer
from refusals import text_or_none


@dataclass(frozen=True)
class Case:
    """A dataset with a tokenizer and its own template.

    Attributes:
        dataset: Name of the dataset.
        tokenizer: Name of the tokenizer.
        accepted: The number of rows that transformers accepts, so that the test cannot pass without rows.
        forms: The forms of the input. Tools that differ between rows do not fit one Arrow struct.
    """

    dataset: str
    tokenizer: str
    accepted: int
    forms: tuple[str, ...] = ("arrow", "json")

    def __str__(self) -> str:
        return f"{self.dataset}-{self.tokenizer}"


CASES = [
    Case("smilechat_zh_10k", "qwen3", 10_000),
    Case("tau2_tools", "qwen3", 261, forms=("json",)),
    Case("chitchat_en_4k", "llama-3.1", 4_018),
]
PAIRS = [(case, form) for case in CASES for form in case.forms]


@lru_cache
def rows_of(dataset: str) -> list[dict[str, Any]]:
    return list(reference.rows(dataset))


@lru_cache
def loaded(name: str) -> Tokenizer:
    """A tokenizer of the corpus, loaded once, because loading takes seconds."""
    return Tokenizer.from_pretrained(reference.tokenizer_folder(name))


@lru_cache
def expected_texts(case: Case) -> list[str | None]:
    """The text of `apply_chat_template` for each row; None if it raises an error."""
    its, texts = reference.tokenizer(case.tokenizer), []
    for row in rows_of(case.dataset):
        try:
            texts.append(its.apply_chat_template(row["messages"], tools=row.get("tools"), tokenize=False))
        except Exception:  # noqa: BLE001  (a template may fail in any way)
            texts.append(None)
    return texts


# Millions of numbers, so only those of one case stay in memory.
@lru_cache(maxsize=1)
def expected_ids(case: Case) -> list[list[int]]:
    """The ids of the texts that are not refused."""
    texts = [text for text in expected_texts(case) if text is not None]
    ids: list[list[int]] = reference.tokenizer(case.tokenizer)(texts, add_special_tokens=False)["input_ids"]
    return ids


def to_table(rows: list[dict[str, Any]], form: str) -> tuple[pa.Table, str | None]:
    """Rows as a table, with the name of the JSON column if they are JSON."""
    if form == "json":
        return pa.table({"row": [json.dumps(row, ensure_ascii=False) for row in rows]}), "row"
    return pa.Table.from_pylist([{"messages": row["messages"]} for row in rows]), None


@reference.needs_corpus
@pytest.mark.parametrize("case", CASES, ids=str)
def test_text(case: Case) -> None:
    rows = rows_of(case.dataset)
    template = ChatTemplate.from_pretrained(reference.tokenizer_folder(case.tokenizer))
    expected = expected_texts(case)
    wrong: list[tuple[int, str | None, str | None]] = []
    for index, (row, text) in enumerate(zip(rows, expected, strict=True)):
        ours = text_or_none(template, messages=row["messages"], tools=row.get("tools"))
        if ours != text:
            wrong.append((index, text, ours))
    assert wrong == []
    assert sum(text is not None for text in expected) == case.accepted


@reference.needs_corpus
@pytest.mark.parametrize(("case", "form"), PAIRS, ids=str)
def test_ids(case: Case, form: str) -> None:
    rows = rows_of(case.dataset)
    folder = reference.tokenizer_folder(case.tokenizer)
    mill = Mill(loaded(case.tokenizer), ChatTemplate.from_pretrained(folder), on_error="null")
    table, json_column = to_table(rows, form)
    out = pa.table(mill(table, json_column=json_column))

    expected = expected_texts(case)
    accepted = [index for index, text in enumerate(expected) if text is not None]
    ids = expected_ids(case)
    ours = out["input_ids"].to_pylist()
    assert [index for index, row in enumerate(ours) if row is not None] == accepted, out["error"].drop_null()[:3]
    assert [index for index, theirs in zip(accepted, ids, strict=True) if ours[index] != theirs] == []
    assert len(accepted) == case.accepted


@reference.needs_corpus
@pytest.mark.parametrize("name", ["qwen3", "llama-3.1"])
def test_a_transformers_tokenizer_gives_the_same(name: str) -> None:
    """A tokenizer object and its folder give the same result."""
    its = reference.tokenizer(name)
    folder = reference.tokenizer_folder(name)
    rows = [row for _, row in zip(range(50), reference.rows("chitchat_en_4k"), strict=False)]
    table, _ = to_table(rows, "arrow")
    of_folder, of_object = (
        pa.table(Mill(tokenizer, ChatTemplate.from_pretrained(source))(table))
        for tokenizer, source in ((loaded(name), folder), (Tokenizer.from_pretrained(its), its))
    )
    assert of_object.equals(of_folder)
    assert of_object["input_ids"].to_pylist() == [
        its.apply_chat_template(row["messages"], tokenize=True, return_dict=True)["input_ids"] for row in rows
    ]


def test_examples_with_the_bundled_tokenizer() -> None:
    """The same test without the corpus: the examples, the tokenizer from a package, and chatmill's own template."""
    its, conversations = reference.tokenizer(reference.BUNDLED), reference.example_conversations()
    special: dict[str, Any] = reference.special_tokens(reference.BUNDLED)
    template = ChatTemplate.named("deepseek", **special)
    texts = [template.render(messages) for messages in conversations]
    assert texts == [reference.render(template.source, messages, **special) for messages in conversations]
    mill = Mill(loaded(reference.BUNDLED), template)
    out = pa.table(mill(pa.Table.from_pylist([{"messages": messages} for messages in conversations])))
    assert out["input_ids"].to_pylist() == its(texts, add_special_tokens=False)["input_ids"]
    assert out.num_rows == 240
