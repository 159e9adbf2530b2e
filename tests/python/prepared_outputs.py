"""Outputs of `prepare` in the working directory, and the differences that `diff_output` finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from byte_tokenizers import byte_tokenizer
from chatmill import prepare
from chatmill.inspect.diff import OutputReport, RowDifference, diff_output
from samples import Row, write_rows

TOKENIZER = byte_tokenizer(pad_token="<s>")


def prepare_rows(*rows: Row, template: Any = "chatml", **options: Any) -> None:
    """Prepare rows of `a.jsonl` into `out`."""
    write_rows(Path("a.jsonl"), rows)
    prepare("a.jsonl", tokenizer=TOKENIZER, template=template, output="out", overwrite=True, **options)


def against(inputs: Any = "a.jsonl", **options: Any) -> tuple[list[RowDifference], OutputReport]:
    """The differences from `out`, and the report."""
    report = diff_output(inputs, "out", **{"tokenizer": TOKENIZER, **options})
    return list(report), report


def manifest() -> Any:
    """The manifest of `out`."""
    return json.loads(Path("out/_manifest.json").read_text("utf-8"))


def edit_manifest(change: Callable[[Any], Any]) -> None:
    """Change the manifest of `out`, as an earlier version may have written it."""
    value = manifest()
    change(value)
    Path("out/_manifest.json").write_text(json.dumps(value), "utf-8")


def edit_rows(change: Callable[[list[Row]], Any]) -> None:
    """Change the rows of the first shard."""
    path = Path("out/train-00000.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
