"""Rows with tokens: what is left of a block is what a filter leaves, and lists of tokens are not copied."""

from __future__ import annotations

import pyarrow as pa
from chatmill.pipeline.accepted import with_tokens
from hypothesis import given
from hypothesis import strategies as st

ROWS = st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=4), st.booleans()), max_size=12)


def block(rows: list[tuple[list[int], bool]]) -> pa.RecordBatch:
    """Rows of which some failed: these have no tokens, as in the batches of a mill."""
    schema = pa.schema(
        {"input_ids": pa.list_(pa.int32()), "length": pa.int32(), "kept": pa.list_(pa.string()), "error": pa.string()}
    )
    values = [
        {"input_ids": None, "length": None, "kept": ["a"], "error": "no messages"}
        if failed
        else {"input_ids": ids, "length": len(ids), "kept": [str(it) for it in ids], "error": None}
        for ids, failed in rows
    ]
    return pa.RecordBatch.from_pylist(values, schema=schema)


@given(rows=ROWS, start=st.integers(0, 12))
def test_it_is_what_a_filter_leaves(rows: list[tuple[list[int], bool]], start: int) -> None:
    batch = block(rows).slice(min(start, len(rows)))
    found = with_tokens(batch)
    found.validate(full=True)
    assert found.equals(batch.filter(batch.column("error").is_null()).drop_columns(["error"]))


def test_tokens_are_not_copied() -> None:
    batch = block([([1, 2], False), ([], True), ([3], False)])
    tokens = with_tokens(batch).column("input_ids")
    assert tokens.to_pylist() == [[1, 2], [3]]
    assert tokens.values.buffers()[1].address == batch.column("input_ids").values.buffers()[1].address
