"""Random rows for `ray_mill.py` and `spark.py`, a mill that loads at once, and the comparison of tokens."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
from chatmill import ChatTemplate, Mill, Tokenizer

DEFINITION = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"


def byte_mill(**options: Any) -> Mill:
    """A mill with one token for each byte."""
    tokenizer = Tokenizer(DEFINITION.read_text("utf-8"), special_tokens={"eos_token": "</s>", "pad_token": "</s>"})
    return Mill(tokenizer, ChatTemplate.named("chatml"), **options)


def random_rows(seed: int, count: int) -> pa.Table:
    """Conversations with an `id`; every tenth row has no messages, or a message that fails."""
    numbers = random.Random(seed)
    made = []
    for number in range(count):
        texts = ["".join(numbers.choices("abc def\né好", k=numbers.randint(1, 90))) for _ in range(4)]
        messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
        failing: list[Any] = [None, [{"role": None, "content": "x"}], []]
        made.append({"id": number, "messages": messages if number % 10 else numbers.choice(failing)})
    return pa.Table.from_pylist(made)


def write_lines(rows: pa.Table, path: Path) -> None:
    """The rows as JSONL, with a line that is no JSON."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows.to_pylist()]
    lines[len(lines) // 2] = '{"id": "broken", '
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def same_rows(found: pa.Table, expected: pa.Table, what: str) -> None:
    """End with an error if the tables have other columns, types or rows; their order may differ."""
    if found.column_names != expected.column_names:
        raise SystemExit(f"{what}: the columns are {found.column_names}, not {expected.column_names}")
    if found.schema.types != expected.schema.types:
        raise SystemExit(f"{what}: the columns are {found.schema}, not {expected.schema}")
    if in_order(found) != in_order(expected):
        raise SystemExit(f"{what}: the rows differ")
    failed = sum(error is not None for error in expected["error"].to_pylist())
    if not failed or failed == expected.num_rows:
        raise SystemExit(f"{what}: {failed} of {expected.num_rows} rows failed, so little was compared")


def in_order(table: pa.Table) -> list[str]:
    return sorted(json.dumps(row) for row in table.to_pylist())
