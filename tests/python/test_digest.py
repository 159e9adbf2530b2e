"""Tests of the checksum of a block: it tells rows apart, and not where they are in memory."""

from __future__ import annotations

import pyarrow as pa
import pytest
from chatmill.inputs import Block
from chatmill.resume.digest import block_digest

LINES: list[bytes | None] = [b'{"a": 1}', b"", b'{"b": 2}', b"[]"]


def digest(batch: pa.RecordBatch, json_column: str | None = "json") -> str:
    return block_digest(Block(batch, json_column, None, 0, None, 0))  # type: ignore[arg-type]


def lines(values: list[bytes | None]) -> pa.RecordBatch:
    return pa.record_batch({"json": pa.array(values, pa.large_binary())})


def test_the_place_in_memory_does_not_count() -> None:
    whole = lines([b"before", *LINES, b"after"])
    plain = digest(lines(LINES))
    for batch in (
        whole.slice(1, 4),
        whole.filter(pa.array([False, True, True, True, True, False])),
        lines([*LINES, b"after"]).slice(0, 4),
        pa.record_batch({"json": pa.concat_arrays([whole.column(0).slice(1, 2), whole.column(0).slice(3, 2)])}),
    ):
        assert digest(batch) == plain


def test_columns_are_rows_too() -> None:
    rows = pa.record_batch({"a": pa.array([1, 2, 3]), "b": pa.array(["x", None, "y"])})
    plain = digest(rows, None)
    assert digest(pa.concat_batches([rows, rows]).slice(3), None) == plain
    assert digest(rows.slice(0, 2), None) != plain
    assert digest(rows.set_column(0, "a", rows["a"].cast(pa.int32())), None) != plain


@pytest.mark.parametrize("depth", ["column", "field", "item"])
def test_dictionaries_count(depth: str) -> None:
    def rows(words: list[str]) -> pa.RecordBatch:
        column: pa.Array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(words))
        if depth == "field":
            column = pa.StructArray.from_arrays([column], ["a"])
        elif depth == "item":
            column = pa.ListArray.from_arrays(pa.array([0, 1, 3]), column)
        return pa.record_batch([column], ["a"])

    assert digest(rows(["x", "y"]), None) != digest(rows(["x", "z"]), None)
    assert digest(rows(["x", "y"]), None) == digest(rows(["x", "y"]), None)


@pytest.mark.parametrize(
    "other",
    [
        lines([b'{"a": 1}{', b'"b": 2}', b"[]"]),
        lines(LINES[:3]),
        lines([*LINES[:3], None]),
        lines([*LINES[:3], b"{}"]),
        lines([LINES[1], LINES[0], *LINES[2:]]),
        lines([b"".join(it or b"" for it in LINES)]),
        pa.record_batch({"rows": pa.array(LINES, pa.large_binary())}),
        pa.record_batch({"json": pa.array(LINES, pa.binary())}),
        pa.record_batch({"json": pa.array(LINES, pa.large_binary()), "b": pa.array([1, 2, 3, 4])}),
    ],
    ids=range(9),
)
def test_other_rows_have_other_checksums(other: pa.RecordBatch) -> None:
    assert digest(other) != digest(lines(LINES))


def test_a_column_of_lines_is_not_a_column_of_that_name() -> None:
    assert digest(lines(LINES)) != digest(lines(LINES), None)
