"""Rows that are read from any kind of input, and what `prepare` makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byte_tokenizers import DEFINITION
from chatmill import DataError, PrepareReport, prepare
from chatmill.cli.main import app
from chatmill.inputs import Block, find_inputs, read_blocks
from click.testing import CliRunner
from prepared_outputs import TOKENIZER
from samples import Row, conversation, write_rows

#: Twenty rows, the fifth of which has no tokens.
ROWS: list[Row] = [conversation(number) for number in range(20)]
ROWS[4] = {"id": 4, "messages": [{"role": "user"}]}


def read(inputs: Any, kind: str | None = None, **options: Any) -> list[Block]:
    return list(read_blocks(find_inputs(inputs, kind), **options))


def values_of(blocks: list[Block]) -> list[Any]:
    """The rows: values of JSON, or dicts of columns."""
    return [
        json.loads(row[block.json_column]) if block.json_column else row
        for block in blocks
        for row in block.batch.to_pylist()
    ]


def places_of(blocks: list[Block]) -> list[str]:
    return [block.place(row) for block in blocks for row in range(block.batch.num_rows)]


def complaint(inputs: Any, kind: str | None = None, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(inputs, kind, **options)
    return str(caught.value)


def run(inputs: Any, **options: Any) -> PrepareReport:
    """Prepare inputs into `out`."""
    return prepare(
        inputs, **{"tokenizer": TOKENIZER, "template": "chatml", "output": "out", "overwrite": True, **options}
    )


def written() -> list[Row]:
    """The rows of `out`."""
    shards = sorted(Path("out").glob("train-*.parquet"))
    rows: list[Row] = pa.concat_tables(pq.read_table(shard) for shard in shards).to_pylist()
    return rows


def recorded_inputs() -> list[dict[str, Any]]:
    """The inputs in the manifest of `out`."""
    inputs: list[dict[str, Any]] = json.loads(Path("out/_manifest.json").read_text("utf-8"))["inputs"]
    return inputs


def rejects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/_rejects.jsonl").read_text("utf-8").splitlines()]


def expected() -> list[Row]:
    """What `prepare` makes of `ROWS` as lines."""
    write_rows(Path("expected.jsonl"), ROWS)
    run("expected.jsonl", output="expected")
    shards = sorted(Path("expected").glob("train-*.parquet"))
    found: list[Row] = pa.concat_tables(pq.read_table(shard) for shard in shards).to_pylist()
    assert len(found) == len(ROWS) - 1
    return found


def command(*arguments: str, stdin: str | bytes | None = None) -> Any:
    """Run the command with the tokenizer of these tests."""
    Path("tokenizer").mkdir(exist_ok=True)
    Path("tokenizer/tokenizer.json").write_text(DEFINITION, "utf-8")
    return CliRunner().invoke(app, [*arguments, "--tokenizer", "tokenizer"], input=stdin)
