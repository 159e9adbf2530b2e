"""Tests of `encode_rows`: each row as `Mill.encode_row` encodes it, also while the mill is at work."""

from __future__ import annotations

import json
import threading
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Encoding, Mill, RowError
from chatmill._chatmill import encode_rows
from processes import DEADLINE


def row(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": text.upper()}]}


LINES = [json.dumps(row(f"row {number}")) for number in range(40)]
LINES[3], LINES[7] = "{", '{"messages": []}'
BATCH = pa.record_batch({"json": LINES})


@pytest.fixture
def mill() -> Mill:
    tokenizer = byte_tokenizer(eos_token="<|im_end|>")
    return Mill(tokenizer, ChatTemplate.named("chatml"), threads=1, on_error="null")


def figures(encoding: Encoding) -> tuple[Any, ...]:
    return encoding.text, encoding.input_ids, encoding.labels, encoding.offsets, encoding.notes


def one_by_one(mill: Mill, rows: list[int]) -> list[Any]:
    found: list[Any] = []
    for number in rows:
        try:
            found.append(figures(mill.encode_row(BATCH, number, json_column="json")))
        except RowError:
            found.append(None)
    return found


@pytest.mark.parametrize("is_started", [False, True])
def test_rows_are_those_of_encode_row(mill: Mill, *, is_started: bool) -> None:
    rows = [5, 3, 0, 7, 39, 5]
    if is_started:
        mill(BATCH, json_column="json")
    found = encode_rows(mill, BATCH, rows, json_column="json")
    assert [it and figures(it) for it in found] == one_by_one(mill, rows)
    assert [it is None for it in found] == [False, True, False, True, False, False]
    assert encode_rows(mill, BATCH, [], json_column="json") == []


def test_columns_are_read_too(mill: Mill) -> None:
    batch = pa.RecordBatch.from_pylist([row("a"), row("b")])
    (found,) = encode_rows(mill, batch, [1])
    assert found is not None
    assert figures(found) == figures(mill.encode_row(batch, 1))


def test_it_waits_for_a_mill_that_is_at_work(mill: Mill) -> None:
    large = pa.record_batch({"json": [json.dumps(row("x" * 50_000))] * 200})
    mill(BATCH, json_column="json")
    worker = threading.Thread(target=mill, args=(large,), kwargs={"json_column": "json"})
    worker.start()
    expected = one_by_one(mill, [1, 2])
    found = [encode_rows(mill, BATCH, [1, 2], json_column="json") for _ in range(5)]
    worker.join(DEADLINE)
    assert not worker.is_alive()
    assert all([it and figures(it) for it in encodings] == expected for encodings in found)


def test_faults_are_errors(mill: Mill) -> None:
    with pytest.raises(DataError, match="there is no row 40; the batch has 40 rows, counted from 0"):
        encode_rows(mill, BATCH, [1, 40], json_column="json")
    with pytest.raises(DataError, match="the rows are 2 record batches; pass one"):
        encode_rows(mill, pa.Table.from_batches([BATCH, BATCH]), [1], json_column="json")
