"""The recipe of `chatmill.resume`: its number must grow when chatmill makes other tokens of the same rows.

If this test fails because tokens were meant to change, add 1 to `RECIPE` in `resume/key.py`, and write what the test
prints to `tests/data/recipe.json`. Kept blocks of earlier versions are then not taken.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from chatmill import ChatTemplate, Format, Mill, Tokenizer
from chatmill.resume.key import RECIPE
from samples import conversation

DATA = Path(__file__).parents[1] / "data"
FORMATS = Path(__file__).parents[1] / "formats"
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "cut": {"max_length": 60, "truncation": "keep_end"},
    "turns": {"split": "per_turn", "labels": "last"},
    "padded": {"padding": "longest", "padding_side": "left", "pad_to_multiple_of": 8, "position_ids": True},
    "text": {"special_tokens": "text"},
    "weighted": {"labels": {"weights": {"content": 0.5}}},
}


def tokens_of(mill: Mill, rows: list[dict[str, Any]]) -> str:
    batch = pa.record_batch({"row": pa.array([json.dumps(row) for row in rows])})
    tokens = mill(batch, json_column="row")
    found = pa.record_batch(tokens).to_pydict(), tokens.counts, [failure.code for failure in tokens.failures]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def test_tokens_are_those_of_the_recipe() -> None:
    special = {"pad_token": "</s>", "eos_token": "</s>", "bos_token": "<s>"}
    tokenizer = Tokenizer((DATA / "byte_tokenizer.json").read_text(), special_tokens=special, name="bytes")
    rows = [conversation(number) for number in range(40)] + [{"messages": []}, {"messages": 3}]
    found = {
        f"{template}, {name}": tokens_of(
            Mill(tokenizer, ChatTemplate.named(template), on_error="null", **options), rows
        )
        for template in ("chatml", "llama3", "gemma")
        for name, options in OPTIONS.items()
    }
    for path in sorted(FORMATS.glob("*.jsonl")):
        name = path.stem
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        # A format with a text of its own takes no template.
        needs_template = Format.named(name).needs_template
        template = ChatTemplate.named("chatml") if needs_template else None
        found[name] = tokens_of(Mill(tokenizer, template, format=name, on_error="null"), lines)
    known = json.loads((DATA / "recipe.json").read_text())
    assert {"recipe": RECIPE, "tokens": found} == known, json.dumps({"recipe": RECIPE, "tokens": found}, indent=1)
