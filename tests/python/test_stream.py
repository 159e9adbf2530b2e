"""`Mill.stream`: the same tokens as a table at once, made when they are asked for; errors with their places."""

from __future__ import annotations

import gc
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from chatmill import DataError, Format, Mill, RowError
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_rows import BROKEN, ROWS, TOKENIZER, Foreign, Source, cut, endless, message, mill, table

# The same tokens.

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "kept": {"keep_columns": ["id", "text"]},
    "samples": {"split": "per_turn", "keep_columns": ["id"]},
    "pieces": {"truncation": "split", "max_length": 40},
    "padded": {"padding": "max_length", "max_length": 512, "position_ids": True},
    "weighted": {"labels": {"weights": {"content": 0.5}}},
}


@pytest.mark.parametrize("name", OPTIONS)
@given(borders=st.lists(st.integers(0, len(ROWS)), max_size=12))
@settings(max_examples=20, deadline=None)
def test_random_borders(name: str, borders: list[int]) -> None:
    made = mill(**OPTIONS[name])
    expected = pa.table(made(table()))
    stream = made.stream(pa.RecordBatchReader.from_batches(table().schema, cut(table(), borders)))
    assert stream.schema == expected.schema
    assert stream.read_all().equals(expected)


@given(borders=st.lists(st.integers(0, len(ROWS)), max_size=12))
@settings(max_examples=20, deadline=None)
def test_failed_rows_stay_in_their_places(borders: list[int]) -> None:
    made = mill(on_error="null", split="per_turn", keep_columns=["id"])
    expected = pa.table(made(table(broken=True)))
    found = made.stream(cut(table(broken=True), borders)).read_all()
    assert found.equals(expected)
    failed = found.filter(pa.compute.is_valid(found["error"]))
    assert failed["row"].to_pylist() == failed["id"].to_pylist() == list(BROKEN)
    assert failed["input_ids"].null_count == len(BROKEN)
    assert failed["error"].to_pylist()[1].startswith("invalid_json: ")


def test_rows_of_json() -> None:
    lines = pa.table({"value": [json.dumps(row) for row in ROWS]})
    made = mill(keep_columns=["id"])
    found = made.stream(cut(lines, [3, 200]), json_column="value").read_all()
    assert found.equals(pa.table(made(lines, json_column="value")))
    assert found["id"].to_pylist() == [str(row["id"]) for row in ROWS]


def test_a_kept_column_and_a_label_may_be_called_row() -> None:
    named = table().rename_columns(["row", "messages", "text"])
    kept = mill(keep_columns=["row"]).stream(cut(named, [100, 200])).read_all()
    assert kept["row"].to_pylist() == list(range(300))
    rows = pa.table({"q": ["a", "b"] * 100, "a": ["c"] * 200, "row": [True, False] * 100})
    judged = Format.user_defined_answers(field_prompt="q", field_completion="a", field_label="row")
    made = Mill(TOKENIZER, format=judged)
    assert made.stream(cut(rows, [70])).read_all().equals(pa.table(made(rows)))


def test_an_empty_stream_has_the_columns() -> None:
    made = mill(on_error="null", split="per_turn", keep_columns=["id"])
    expected = pa.table(made(table())).schema
    none = table().slice(0, 0)
    for empty in (none, none.to_reader(), [none], pa.RecordBatch.from_pylist([], none.schema)):
        found = made.stream(empty)
        assert found.schema == expected
        assert found.read_all().num_rows == 0


# Only what is asked for.


def test_nothing_is_read_before_it_is_asked_for() -> None:
    source = endless()
    stream = mill().stream(source.reader)
    assert source.taken == 0
    for number in range(1, 6):
        assert stream.read_next_batch().num_rows == 10
        assert source.taken == number


def test_an_endless_stream_ends_when_it_is_dropped() -> None:
    source = endless()
    reader, source.reader = source.reader, None
    stream = mill(keep_columns=["id"]).stream(reader)
    assert [batch["id"][0].as_py() for batch in islice(stream, 300)] == [at % 250 for at in range(300)]
    del stream, reader
    gc.collect()
    assert source.is_closed


def test_a_large_batch_is_cut() -> None:
    texts = ["word " * 2000] * 3000
    rows = pa.table({"messages": [[{"role": "user", "content": text}] for text in texts]}).combine_chunks()
    batches = list(mill().stream(rows))
    assert sum(batch.num_rows for batch in batches) == 3000
    assert batches[0].num_rows == 64
    assert max(batch.nbytes for batch in batches) < 20 << 20, "10,000 tokens a row, 8 bytes each"


MEMORY = """
import resource, sys
import pyarrow as pa
from chatmill import ChatTemplate, Mill, Tokenizer

tokenizer = Tokenizer(open(sys.argv[1]).read(), special_tokens={"pad_token": "</s>"})
mill = Mill(tokenizer, ChatTemplate.named("chatml"), threads=2, padding="max_length", max_length=16384)
rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]] * 10000})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sum(batch.num_rows for batch in mill.stream(rows)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
def test_padding_does_not_fill_the_memory() -> None:
    definition = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
    command = [sys.executable, "-c", MEMORY, str(definition)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 10000
    assert megabytes < 400, "all rows have 1,475 MB of padded columns"


def test_slices_that_share_their_texts_are_not_cut_to_pieces() -> None:
    """pyarrow counts all texts of a column of views for each slice of it."""
    many = pl.DataFrame({"messages": [[{"role": "user", "content": "a" * 2000 + str(at)}] for at in range(20_000)]})
    slices = (batch for part in many.iter_slices(5000) for batch in pa.RecordBatchReader.from_stream(part))
    sizes = [batch.num_rows for batch in mill().stream(slices)]
    assert sum(sizes) == 20_000
    assert len(sizes) < 40


# Errors.


@pytest.mark.parametrize("borders", [[], [170], [1, 6, 100, 171]])
def test_an_error_names_the_row_of_the_stream(borders: list[int]) -> None:
    rows = table(broken=True).slice(6)
    stream = mill().stream(cut(rows, [border - 6 for border in borders if border >= 6]))
    with pytest.raises(RowError) as caught:
        stream.read_all()
    with pytest.raises(RowError) as expected:
        mill()(rows)
    assert str(caught.value) == str(expected.value)
    assert str(caught.value).startswith("row 164: ")
    for name in ("row", "message", "template_line", "code", "text"):
        assert getattr(caught.value.failure, name) == getattr(expected.value.failure, name)
    for name in ("code", "text", "message", "template_line"):
        assert getattr(caught.value, name) == getattr(expected.value, name)


def test_an_error_names_the_message_too() -> None:
    stream = mill().stream(cut(table(broken=True).slice(171), [60]))
    found = message(stream.read_all, RowError)
    assert found == message(lambda: mill()(table(broken=True).slice(171)), RowError)
    assert found.startswith("row 128, message 0: ")


def test_rows_before_an_error_are_given() -> None:
    stream = mill(keep_columns=["id"]).stream(cut(table(broken=True).slice(6), [10, 20]))
    assert [stream.read_next_batch().num_rows for _ in range(2)] == [10, 10]
    assert message(stream.read_next_batch, RowError).startswith("row 164: ")


def test_an_error_through_the_c_interface_has_the_row() -> None:
    stream = mill().stream(cut(table(broken=True).slice(6), [50]))
    reader = pa.RecordBatchReader.from_stream(Foreign(stream))
    assert "row 164: " in message(reader.read_all, pa.ArrowInvalid)


class GoneError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [GoneError("the disk is gone"), KeyboardInterrupt(), MemoryError(), StopAsyncIteration()]
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_exceptions_of_the_source_pass_through(error: BaseException, wrapped: bool) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table().to_batches()
        raise error

    source = pa.RecordBatchReader.from_batches(table().schema, batches()) if wrapped else batches()
    stream = mill().stream(source)
    assert stream.read_next_batch().num_rows == 64
    with pytest.raises(type(error)) as caught:
        list(stream)
    assert caught.value is error


def test_errors_of_the_columns_come_at_once() -> None:
    source = Source(iter(()), pa.schema([("text", pa.string())]))
    assert "no column `messages`" in message(lambda: mill().stream(source.reader), DataError)
    assert "`id`, but the batch has no such column" in message(
        lambda: mill(keep_columns=["id"]).stream(table().drop_columns("id").to_reader()), DataError
    )
    assert "no column `value`" in message(lambda: mill().stream(table().to_reader(), json_column="value"), DataError)


def test_columns_that_change() -> None:
    """A reader passes on whatever its batches hold."""
    first, second = table().slice(0, 100), table().slice(100)
    named = pa.table({"id": [str(row["id"]) for row in ROWS[100:]], "messages": second["messages"]})
    for source in (
        [first, named],
        pa.RecordBatchReader.from_batches(first.schema, iter(first.to_batches() + named.to_batches())),
    ):
        stream = mill(keep_columns=["id"]).stream(source)
        assert message(stream.read_all, DataError) == (
            "row 100 of the stream or later: the type of a kept column changes (`id` is string and was int64); cast "
            "the batches to one type"
        )
    without = mill().stream([first, second.select(["id"])])
    assert message(without.read_all, DataError).startswith("rows 100 to 299 of the stream: the batch has no column")
    # The columns that are read may have other types.
    as_json = pa.table({"id": second["id"], "messages": [json.dumps(row["messages"]) for row in ROWS[100:]]})
    assert mill(keep_columns=["id"]).stream([first, as_json]).read_all()["id"].to_pylist() == list(range(300))


def test_damaged_offsets_are_an_error() -> None:
    offsets = bytearray(struct.pack("=2i", 0, 1))
    texts = pa.array(["a"])
    lists = pa.Array.from_buffers(pa.list_(pa.string()), 1, [None, pa.py_buffer(offsets)], children=[texts])
    batch = pa.record_batch({"messages": lists})
    offsets[4:] = struct.pack("=i", 2_000_000_000)
    stream = mill().stream([batch])
    assert message(stream.read_all, DataError).startswith("row 0 of the stream: the column `messages` is damaged")


@pytest.mark.parametrize(
    "rows",
    [[], iter(()), [{"messages": []}], "rows.parquet", b"", {"messages": []}, None, 5, pl.Series("a", [1])],
    ids=["nothing", "an empty iterator", "dicts", "a path", "bytes", "columns", "None", "a number", "a series"],
)
def test_other_things_are_refused(rows: Any) -> None:
    assert "is not a stream of" in message(lambda: mill().stream(rows), DataError)


def test_something_else_among_the_batches() -> None:
    stream = mill().stream([table(), ROWS[0]])
    assert message(stream.read_all, DataError) == "item 1 of the stream has the type dict; give record batches"
