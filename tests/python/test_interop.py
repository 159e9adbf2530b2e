"""The same rows in any library and any Arrow layout give the same tokens, and all libraries can open the output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
import pytest
import reference
from chatmill import ChatTemplate, DataError, Mill, RowError, Tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

SPECIAL = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}


def example_rows() -> list[dict[str, Any]]:
    """Sixty of the bundled conversations, with one, two and more turns, in many scripts."""
    with (reference.ROOT / "examples" / "conversations.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(60), strict=False)]


ROWS = example_rows()


@pytest.fixture(scope="module")
def mill(tokenizer: Path) -> Mill:
    return Mill(
        Tokenizer.from_pretrained(tokenizer), ChatTemplate.named("deepseek", **SPECIAL), threads=1, keep_columns=["id"]
    )


@pytest.fixture(scope="module")
def expected(mill: Mill) -> list[dict[str, Any]]:
    """The output rows for the simplest layout, compared once with `encode`."""
    out: list[dict[str, Any]] = pa.table(mill(pa.Table.from_pylist(ROWS))).to_pylist()
    encodings = [mill.encode(row["messages"]) for row in ROWS]
    assert [(row["input_ids"], row["labels"]) for row in out] == [(it.input_ids, it.labels) for it in encodings]
    assert [row["id"] for row in out] == [row["id"] for row in ROWS]
    return out


# The library that holds the rows.


def batches() -> Iterator[pa.RecordBatch]:
    yield from pa.Table.from_pylist(ROWS).to_batches(max_chunksize=7)


HOLDERS: dict[str, Callable[[], Any]] = {
    "pyarrow table": lambda: pa.Table.from_pylist(ROWS),
    "pyarrow table in chunks": lambda: pa.Table.from_batches(batches()),
    "pyarrow record batch": lambda: pa.RecordBatch.from_pylist(ROWS),
    "pyarrow reader": lambda: pa.RecordBatchReader.from_batches(pa.Table.from_pylist(ROWS).schema, batches()),
    "pyarrow struct array": lambda: pa.Table.from_pylist(ROWS).to_struct_array().combine_chunks(),
    "polars data frame": lambda: pl.DataFrame(ROWS),
    "datasets": lambda: datasets.Dataset.from_list(ROWS),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_goes_in(holder: str, mill: Mill, expected: list[dict[str, Any]]) -> None:
    assert pa.table(mill(HOLDERS[holder]())).to_pylist() == expected


def test_datasets_indices_are_followed(mill: Mill, expected: list[dict[str, Any]]) -> None:
    """`select` and `shuffle` only store indices; the underlying Arrow table has the old order."""
    whole = datasets.Dataset.from_list(ROWS)
    assert pa.table(mill(whole.select([5, 3, 8]))).to_pylist() == [expected[i] for i in (5, 3, 8)]
    shuffled = whole.shuffle(seed=11)
    by_id = {row["id"]: row for row in expected}
    assert pa.table(mill(shuffled)).to_pylist() == [by_id[name] for name in shuffled["id"]]
    twice = whole.shuffle(seed=3).select(range(4))
    assert pa.table(mill(twice)).to_pylist() == [by_id[name] for name in twice["id"]]


def test_datasets_map(mill: Mill, expected: list[dict[str, Any]], tmp_path: Path) -> None:
    """A mill as the function of `Dataset.map`, which passes Arrow tables and accepts Arrow tables."""
    whole = datasets.Dataset.from_list(ROWS)
    mapped = whole.with_format("arrow").map(
        lambda table: pa.table(mill(table)),
        batched=True,
        batch_size=16,
        remove_columns=whole.column_names,
        cache_file_name=str(tmp_path / "mapped.arrow"),
    )
    assert mapped.with_format(None)[:] == {name: [row[name] for row in expected] for name in expected[0]}


def test_opens_everywhere(mill: Mill, expected: list[dict[str, Any]]) -> None:
    out = mill(pa.Table.from_pylist(ROWS))
    assert len(out) == len(ROWS)
    assert out.column_names == list(expected[0])
    assert out.num_tokens == sum(row["length"] for row in expected)
    assert out.num_trained_tokens == sum(label != -100 for row in expected for label in row["labels"])
    table = pa.table(out)
    assert table.to_pylist() == expected
    assert pa.record_batch(out).to_pylist() == expected
    assert pa.RecordBatchReader.from_stream(out).read_all().equals(table)
    assert pl.DataFrame(out).to_dicts() == expected
    assert datasets.Dataset(pa.table(out)).to_list() == expected
    assert table.schema.field("input_ids").type == pa.list_(pa.int32())
    assert table.schema.field("labels").type == pa.list_(pa.int32())
    assert table.schema.field("length").type == pa.int32()
    table.validate(full=True)


def test_goes_round(mill: Mill, expected: list[dict[str, Any]]) -> None:
    """A result can be opened twice, because the capsules share the memory and do not move it."""
    out = mill(pa.Table.from_pylist(ROWS))
    first, second = pa.table(out), pa.table(out)
    del out
    assert first.equals(second)
    assert first.to_pylist() == expected


# The layout of the rows in memory.

STRINGS = {
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "dictionary int8": pa.dictionary(pa.int8(), pa.string()),
    "dictionary int32 large": pa.dictionary(pa.int32(), pa.large_string()),
}
LISTS = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
    "fixed_size_list": None,
}


def messages_array(
    rows: list[dict[str, Any]], kind: str, role: str, content: str, *, swapped: bool = False
) -> pa.Array:
    """The messages of the rows in a layout."""
    fields = [pa.field("role", STRINGS[role]), pa.field("content", STRINGS[content])]
    struct = pa.struct(fields[::-1] if swapped else fields)
    make = LISTS[kind]
    if make is None:
        sizes = {len(row["messages"]) for row in rows}
        assert len(sizes) == 1, "a fixed-size list requires rows of one size"
        return pa.array([row["messages"] for row in rows], pa.list_(struct, sizes.pop()))
    return pa.array([row["messages"] for row in rows], make(struct))


def of_one_size(rows: list[dict[str, Any]]) -> list[int]:
    """Indices of the rows with four messages."""
    return [index for index, row in enumerate(rows) if len(row["messages"]) == 4]


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("role", STRINGS)
@pytest.mark.parametrize("content", ["string", "large_string", "string_view"])
def test_layouts(kind: str, role: str, content: str, mill: Mill, expected: list[dict[str, Any]]) -> None:
    chosen = of_one_size(ROWS) if kind == "fixed_size_list" else list(range(len(ROWS)))
    rows = [ROWS[index] for index in chosen]
    table = pa.table({"id": [row["id"] for row in rows], "messages": messages_array(rows, kind, role, content)})
    assert pa.table(mill(table)).to_pylist() == [expected[index] for index in chosen]


@pytest.mark.parametrize("kind", LISTS)
def test_slices(kind: str, mill: Mill, expected: list[dict[str, Any]]) -> None:
    chosen = of_one_size(ROWS) if kind == "fixed_size_list" else list(range(len(ROWS)))
    rows = [ROWS[index] for index in chosen]
    table = pa.table({"id": [row["id"] for row in rows], "messages": messages_array(rows, kind, "string", "string")})
    for start, length in ((0, 1), (1, 5), (len(rows) - 2, 2), (3, 0)):
        wanted = [expected[index] for index in chosen[start : start + length]]
        assert pa.table(mill(table.slice(start, length))).to_pylist() == wanted


# A column of messages is text; whole rows may also be bytes, because files have bytes.
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
JSON = [*(("messages", kind) for kind in TEXTS), *(("row", kind) for kind in [*TEXTS, pa.binary(), pa.large_binary()])]


@pytest.mark.parametrize(("of", "kind"), JSON, ids=str)
def test_json_columns(of: str, kind: pa.DataType, mill: Mill, expected: list[dict[str, Any]]) -> None:
    values = [json.dumps(row if of == "row" else row["messages"], ensure_ascii=False) for row in ROWS]
    texts = pa.array([it.encode() for it in values], pa.binary()).cast(kind)
    table = pa.table({"id": [row["id"] for row in ROWS], of: texts})
    assert pa.table(mill(table, json_column="row" if of == "row" else None)).to_pylist() == expected


def test_nulls_that_only_align_the_struct(mill: Mill, expected: list[dict[str, Any]]) -> None:
    """Fields that only other rows have are null, and the template must not see them."""
    full = [
        {
            "id": row["id"],
            "messages": [{**it, "name": None, "tool_calls": None} for it in row["messages"]],
            "tools": None,
        }
        for row in ROWS
    ]
    call = pa.struct([pa.field("function", pa.struct([("name", pa.string()), ("arguments", pa.string())]))])
    message = pa.struct(
        [("role", pa.string()), ("content", pa.string()), ("name", pa.string()), ("tool_calls", pa.list_(call))]
    )
    schema = pa.schema([("id", pa.string()), ("messages", pa.list_(message)), ("tools", pa.list_(pa.string()))])
    assert pa.table(mill(pa.Table.from_pylist(full, schema))).to_pylist() == expected


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[int], pa.Table]:
    """Some rows, in a random layout, cut into random chunks that are slices of something larger."""
    kind = draw(st.sampled_from(sorted(LISTS)))
    pool = of_one_size(ROWS) if kind == "fixed_size_list" else list(range(len(ROWS)))
    role, content = (draw(st.sampled_from(sorted(STRINGS))) for _ in range(2))
    swapped = draw(st.booleans())
    chosen: list[int] = []
    pieces: list[pa.Table] = []
    for _ in range(draw(st.integers(1, 4))):
        drawn = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6))
        start = draw(st.integers(0, len(drawn)))
        stop = draw(st.integers(start, len(drawn)))
        rows = [ROWS[index] for index in drawn]
        messages = messages_array(rows, kind, role, content, swapped=swapped)
        columns = [pa.array([row["id"] for row in rows]), messages]
        pieces.append(pa.table(columns, ["id", "messages"]).slice(start, stop - start))
        chosen += drawn[start:stop]
    return chosen, pa.concat_tables(pieces)


@given(drawn=layouts())
@settings(max_examples=150, deadline=None)
def test_random_layouts(mill: Mill, expected: list[dict[str, Any]], drawn: tuple[list[int], pa.Table]) -> None:
    chosen, table = drawn
    assert pa.table(mill(table)).to_pylist() == [expected[index] for index in chosen]


# An object that is not a table of conversations is rejected, and the error names its type.


def test_no_messages_column(mill: Mill) -> None:
    with pytest.raises(DataError, match="no column `messages` or `conversations`; its columns are `id`, `text`"):
        mill(pa.table({"id": ["a"], "text": ["b"]}))


def test_messages_of_numbers(mill: Mill) -> None:
    with pytest.raises(RowError, match=r"row 0, message 0: a message must be an object .*, found an integer"):
        mill(pa.table({"id": ["a"], "messages": [[1, 2, 3]]}))


def test_python_rows_are_the_rows_of_a_table(mill: Mill) -> None:
    assert mill(ROWS)["input_ids"] == mill(pa.Table.from_pylist(ROWS))["input_ids"]


def test_missing_kept_column(mill: Mill) -> None:
    with pytest.raises(DataError, match="`keep_columns` has `id`, but the batch has no such column"):
        mill(pa.table({"messages": [row["messages"] for row in ROWS]}))


def test_empty_table(mill: Mill) -> None:
    out = pa.table(mill(pa.Table.from_pylist(ROWS).slice(0, 0)))
    assert out.num_rows == 0
    assert out.column_names == ["input_ids", "labels", "length", "id"]
