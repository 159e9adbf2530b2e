"""Emulated labels of other tools, compared with labels that these tools made."""

from __future__ import annotations

from typing import Any

import pytest
import reference
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Labels, Mill, Tokenizer
from empty_answers import EMPTY_ALLOWED

FOLDERS = {"qwen": "qwen3", "llama2": "llama2", "llama3": "llama-3.1"}


AXOLOTL = reference.fixture("axolotl_chat_template_0.19.0")
TRANSFORMERS = reference.fixture("hf_generation_mask")


def parts_of(case: dict[str, Any]) -> tuple[Tokenizer, ChatTemplate]:
    tokens = {name: case[name] for name in ("bos_token", "eos_token") if case[name]}
    path = reference.CORPUS / "tokenizers" / FOLDERS[case["tokenizer"]] / "tokenizer.json"
    tokenizer = Tokenizer(path.read_text("utf-8"), special_tokens=tokens, name=FOLDERS[case["tokenizer"]])
    return tokenizer, ChatTemplate(case["chat_template"], **tokens)


def ids_of(case: dict[str, Any]) -> str:
    return str(case["case"])


@reference.needs_corpus
@pytest.mark.parametrize("case", AXOLOTL, ids=ids_of)
def test_axolotl(case: dict[str, Any]) -> None:
    tokenizer, template = parts_of(case)
    options = {**case["dataset_cfg"], **case["cfg"]}
    row, labels = case["row"], Labels.preset("axolotl", **options)
    if row.get("messages"):
        encoding = Mill(tokenizer, template, labels=labels, format=EMPTY_ALLOWED).encode(row)
    else:
        encoding = Mill(tokenizer, template, labels=labels).encode(row["conversations"], tools=row.get("tools"))
    assert encoding.input_ids == case["input_ids"]
    assert encoding.labels == case["labels"]
    assert encoding.notes[0] == "emulated"


@reference.needs_corpus
@pytest.mark.parametrize("case", TRANSFORMERS, ids=ids_of)
def test_transformers(case: dict[str, Any]) -> None:
    tokenizer, template = parts_of(case)
    kwargs = case["kwargs"]
    assert set(kwargs) <= {"truncation", "max_length"}
    mill = Mill(tokenizer, template, labels="hf", max_length=kwargs.get("max_length"), format=EMPTY_ALLOWED)
    encoding = mill.encode({"messages": case["messages"]})
    assert encoding.input_ids == case["input_ids"]
    assert [int(label != -100) for label in encoding.labels] == case["assistant_masks"]


@reference.needs_corpus
def test_all_fixtures_are_there() -> None:
    assert (len(AXOLOTL), len(TRANSFORMERS)) == (26, 9)


def test_fields_that_axolotl_would_rename_are_not_passed_over() -> None:
    """Rows are read before labels are made, so axolotl's options for renaming fields must not be accepted silently."""
    for options in ({"message_property_mappings": {"content": "body"}}, {"field_messages": "chat"}):
        mill = Mill(byte_tokenizer(), ChatTemplate.named("chatml"), labels=Labels.preset("axolotl", **options))
        with pytest.raises(DataError, match="rename the fields"):
            mill.encode([{"role": "user", "content": "x"}])
