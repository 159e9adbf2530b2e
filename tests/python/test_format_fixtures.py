"""Texts and trained parts of axolotl's formats, compared with those of axolotl's own code."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pyarrow as pa
import pytest
import reference
from byte_tokenizers import byte_tokenizer
from chatmill import Format, Mill, Tokenizer
from trained_spans import MASKED

# These formats have long prompts; chatmill has other texts for them.
PROSE = {"reflection:chat", "reflection:instruct", "creative_acr.load_critique", "creative_acr.load_revise"}


# The fixture files, with their numbers of cases.
FILES = {"axolotl_legacy": 45, "axolotl_legacy_extra": 8, "axolotl_sharegpt_2024": 19}
CASES = {name: reference.fixture(name) for name in FILES}


def parameters() -> list[Any]:
    """All cases, each with a name."""
    return [
        pytest.param(case, id=f"{name}-{number}-{case['type'].replace(' ', '_')}")
        for name, cases in CASES.items()
        for number, case in enumerate(cases)
    ]


@reference.needs_corpus
def test_all_fixtures_are_there() -> None:
    assert {name: len(cases) for name, cases in CASES.items()} == FILES


def tokenizer(eos: str = "</s>") -> Tokenizer:
    """The tokenizer of the fixtures."""
    return byte_tokenizer(prefix=True, bos_token="<s>", eos_token=eos)


def segments(ids: list[int], labels: list[int], tokens: Tokenizer) -> list[dict[str, Any]]:
    """The texts of consecutive tokens that are trained, or not trained."""
    groups = groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != MASKED)
    return [{"train": train, "text": tokens.decode([token for token, _ in pairs])} for train, pairs in groups]


def format_of(kind: str) -> tuple[Format, dict[str, Any], str]:
    """The format of a fixture's type, with options of the mill, and the stop token."""
    name, _, rest = kind.removesuffix("]").partition(" ")
    eos = "</s>"
    name = {"alpaca:None": "alpaca", "sharegpt_jokes": "sharegpt_jokes:vicuna_v1.1"}.get(name, name)
    name = {"instruct": "instruct:vicuna_v1.1", "reflection:instruct": "reflection:instruct"}.get(name, name)
    options: dict[str, Any] = {}
    if name.startswith("sharegpt") and ":" not in name:
        conversation = "vicuna_v1.1"
        for word in rest.split():
            if word.startswith("conversation=") and not word.endswith("None"):
                conversation = word.partition("=")[2]
            if word.startswith("eos="):
                eos = word.partition("=")[2]
        if "chatml" in rest or "weight" in rest:
            conversation = "chatml"
        name = f"{name}:{conversation}"
    if rest == "train_on_inputs":
        options["labels"] = "all"
    if rest.startswith("seq_len="):
        options["segment_length"] = int(rest.partition("=")[2])
    if rest in ("eos-in-data", "empty-output"):
        name = "alpaca:chat"
    if name == "user_defined":
        return Format.user_defined(), options, eos
    form = Format.named(name, allow_empty=["output"]) if rest == "empty-output" else Format.named(name)
    return form, options, eos


@reference.needs_corpus
@pytest.mark.parametrize("case", parameters())
def test_text_and_trained_part_are_those_of_axolotl(case: dict[str, Any]) -> None:
    kind = case["type"]
    if case.get("chunks"):
        check_chunks(case)
        return
    form, options, eos = format_of(kind)
    if kind == "user_defined" and "instruction" not in case["row"]:
        # The settings of this case. The fixture does not name them, but its text shows them.
        inst = "[INST] {instruction} [/INST]"
        form = Format.user_defined(field_instruction="input", format=inst, no_input_format=inst)
    tokens = tokenizer(eos)
    batch = Mill(tokens, format=form, **options)(_batch(case["row"]), json_column="row")
    (row,) = _rows(batch)
    ours = segments(row["input_ids"], row["labels"], tokens)
    if form.name in PROSE:
        # The prompt is chatmill's own, but the trained text equals axolotl's.
        assert [it["train"] for it in ours] == [it["train"] for it in case["segments"]]
        assert ours[-1] == case["segments"][-1]
        assert ours[0]["text"] != case["segments"][0]["text"]
    elif kind == "stepwise_supervised":
        # The labels are 0 and 1, on the last token of each step.
        assert ours == case["segments"]
        assert [label for label in row["labels"] if label != MASKED] == [1, 0]
    else:
        assert ours == case["segments"]


def check_chunks(case: dict[str, Any]) -> None:
    """Check texts that become samples of `seq_len` tokens: a text ends with the chunk that ends in the stop token."""
    chunks = ["".join(part["text"] for part in chunk) for chunk in case["chunks"]]
    texts = "".join(chunks).split("</s>")[:-1]
    rows = [{"text": text.removeprefix("<s>")} for text in texts]
    most = int(case["type"].rpartition("=")[2])
    mill = Mill(tokenizer(), format="completion", max_length=most, truncation="split")
    found = _rows(mill(_batch(*rows), json_column="row"))
    assert [segments(row["input_ids"], row["labels"], tokenizer()) for row in found] == case["chunks"]


def _batch(*rows: Any) -> Any:
    return pa.record_batch({"row": pa.array([json.dumps(row) for row in rows])})


def _rows(batch: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.table(batch).to_pylist()
    return rows
