"""Tests of the Parquet files that the core encodes: other readers find in them what pyarrow would have written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError
from chatmill._chatmill import ParquetEncoder
from chatmill.options.choices import Compression, choices
from chatmill.outputs.shard_files import parquet_shard
from hypothesis import given, settings
from hypothesis import strategies as st

IDS = pa.list_(pa.int32())
# What a row may keep besides its tokens, with values of each kind.
KEPT: list[tuple[pa.DataType, list[Any]]] = [
    (pa.string(), ["", "a\x00b", "语", None]),
    (pa.large_binary(), [b"", b"\xff", None]),
    (pa.bool_(), [True, False, None]),
    (pa.int8(), [-128, 127, None]),
    (pa.uint64(), [0, 2**64 - 1, None]),
    (pa.float32(), [0.5, float("inf"), None]),
    (pa.float64(), [-0.0, 1e300, None]),
    (pa.list_(pa.string()), [[], ["a", None], None]),
    (pa.list_(pa.int64()), [[], [2**40, None], None]),
    (pa.list_(pa.float32()), [[1.5], [], None]),
    (pa.large_list(pa.int32()), [[5, 6], [], None]),
    (pa.struct({"role": pa.string(), "n": pa.int16()}), [{"role": "user", "n": 1}, {"role": None, "n": None}, None]),
    (pa.list_(pa.struct({"role": pa.string()})), [[{"role": "user"}, None], [], None]),
]
# Types that pyarrow writes itself.
RARE: list[tuple[pa.DataType, list[Any]]] = [
    (pa.date32(), [1, None]),
    (pa.timestamp("s"), [10, None]),
    (pa.decimal128(5, 2), [None, None]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "a"]),
    (pa.null(), [None, None]),
]

ids = st.one_of(st.integers(0, 200), st.integers(0, 152_000), st.just(-100), st.integers(-(2**31), 2**31 - 1))
lists = st.lists(st.one_of(ids, st.none()) | st.just(7), max_size=40)


def encoded(table: pa.Table, compression: Compression, rows: int) -> bytes:
    encoder = ParquetEncoder(table.schema, compression, ["length"])
    groups = [encoder.row_group(table.slice(at, rows)) for at in range(0, table.num_rows, rows)]
    return b"".join([*groups, encoder.finish()])


@given(
    rows=st.lists(st.tuples(st.one_of(lists, st.none()), lists), max_size=30),
    compression=st.sampled_from(choices(Compression)),
    group=st.integers(1, 40),
)
@settings(deadline=None)
def test_any_lists_are_read_back(rows: list[tuple[Any, Any]], compression: Compression, group: int) -> None:
    columns = {
        "input_ids": pa.array([row[0] for row in rows], IDS),
        "labels": pa.array([row[1] for row in rows], IDS),
        "length": pa.array([len(row[1]) for row in rows], pa.int32()),
    }
    table = pa.table(columns)
    file = encoded(table, compression, group)
    assert pq.read_table(io.BytesIO(file)).equals(table)
    if table.num_rows:
        assert pl.read_parquet(io.BytesIO(file)).to_dict(as_series=False) == table.to_pydict()


@pytest.mark.parametrize(("kind", "values"), [*KEPT, *RARE], ids=[str(kind) for kind, _ in [*KEPT, *RARE]])
def test_kept_columns_are_those_of_pyarrow(tmp_path: Path, kind: pa.DataType, values: list[Any]) -> None:
    table = pa.table({"input_ids": pa.array([[1, 2]] * len(values), IDS), "kept": pa.array(values, kind)})
    assert ParquetEncoder.knows(table.schema) == (kind not in [rare for rare, _ in RARE])
    shard = parquet_shard(tmp_path / "ours.parquet", table.schema, "zstd", ["kept"])
    shard.write(table)
    shard.close()
    pq.write_table(table, tmp_path / "theirs.parquet")
    ours, theirs = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("ours", "theirs"))
    assert ours.equals(theirs)
    assert ours.schema.equals(theirs.schema)
    columns = [[it.path for it in pq.ParquetFile(tmp_path / f"{name}.parquet").schema] for name in ("ours", "theirs")]
    assert columns[0] == columns[1]


def test_the_file_tells_its_columns_and_statistics() -> None:
    table = pa.table({"input_ids": pa.array([[5], []], IDS), "length": pa.array([1, 0], pa.int32())})
    table = table.replace_schema_metadata({"key": "value"})
    file = pq.ParquetFile(io.BytesIO(encoded(table, "zstd", 10)))
    assert file.metadata.created_by.startswith("chatmill version ")
    assert file.schema_arrow.metadata[b"key"] == b"value"
    group = file.metadata.row_group(0)
    assert (group.num_rows, group.column(0).num_values, group.column(0).compression) == (2, 2, "ZSTD")
    assert not group.column(0).is_stats_set
    assert (group.column(1).statistics.min, group.column(1).statistics.max) == (0, 1)


def test_tokens_take_less_room_than_with_pyarrow() -> None:
    words = [[(row * 7919 + at * at) % 3000 for at in range(200)] for row in range(20)]
    rows = [[token for part in range(10) for token in words[(row * 3 + part * part) % 20]] for row in range(100)]
    table = pa.table({"input_ids": pa.array(rows, IDS)})
    theirs = io.BytesIO()
    pq.write_table(table, theirs, compression="zstd", write_statistics=False)
    assert len(encoded(table, "zstd", 1000)) < len(theirs.getvalue())


def test_faults_are_errors() -> None:
    schema = pa.schema({"input_ids": IDS})
    encoder = ParquetEncoder(schema, "zstd", [])
    ids = pa.array([[1]], IDS)
    for table in (pa.table({"other": ids}), pa.table({"input_ids": [1]}), pa.table({"input_ids": ids, "labels": ids})):
        with pytest.raises(DataError, match="not those of the file"):
            encoder.row_group(table)
    with pytest.raises(DataError, match='`compression` is "gzip"'):
        ParquetEncoder(schema, "gzip", [])
    with pytest.raises(DataError, match="the column day has the type Date32; write it with pyarrow"):
        ParquetEncoder(pa.schema({"day": pa.date32()}), "zstd", [])
