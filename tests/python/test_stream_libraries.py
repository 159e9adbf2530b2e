"""`Mill.stream` from and for other libraries, and in several threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pad
import pyarrow.parquet as pq
import pytest
from chatmill import RowError
from stream_rows import ROWS, Foreign, cut, endless, message, mill, table

MILL = mill(keep_columns=["id"])
EXPECTED = pa.table(MILL(table()))


def in_parquet(folder: Path) -> Path:
    """Three files of several row groups."""
    place = folder / "rows"
    place.mkdir()
    for at in range(3):
        pq.write_table(table().slice(100 * at, 100), place / f"{at}.parquet", row_group_size=30)
    return place


SOURCES: dict[str, Callable[[Path], Any]] = {
    "table": lambda _: table(),
    "batch": lambda _: table().combine_chunks().to_batches()[0],
    "batches": lambda _: table().to_batches(max_chunksize=70),
    "tables": lambda _: [table().slice(0, 50), table().slice(50)],
    "reader": lambda _: table().to_reader(70),
    "structs": lambda _: table().to_struct_array(),
    "scanner": lambda place: pad.dataset(place).scanner(batch_size=90),
    "dataset": pad.dataset,
    "dataset in memory": lambda _: pad.dataset(table()),
    "fragments": lambda place: (batch for it in pad.dataset(place).get_fragments() for batch in it.to_batches()),
    "parquet file": lambda place: (
        batch for file in sorted(place.iterdir()) for batch in pq.ParquetFile(file).iter_batches(40)
    ),
    "polars": lambda place: pl.read_parquet(place / "*.parquet"),
    "polars lazily": lambda place: (
        it.to_arrow() for it in pl.scan_parquet(place / "*.parquet").collect_batches(chunk_size=64, maintain_order=True)
    ),
    "pandas": lambda _: pd.DataFrame(
        {"id": range(300), "messages": [json.dumps(row["messages"]) for row in ROWS], "scanner": 1, "to_reader": 2}
    ),
    "datasets": lambda _: datasets.Dataset.from_list(ROWS).with_format("arrow").iter(64),
    "datasets as a stream": lambda _: (
        datasets.Dataset.from_list(ROWS).to_iterable_dataset().with_format("arrow").iter(64)
    ),
    "any other library": lambda _: Foreign(table().to_reader(70)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources(name: str, tmp_path: Path) -> None:
    found = MILL.stream(SOURCES[name](in_parquet(tmp_path))).read_all()
    assert found.equals(EXPECTED)


def test_duckdb_as_a_source(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        query = f"select id, messages from '{in_parquet(tmp_path)}/*.parquet' where id >= 100 order by id"
        found = MILL.stream(connection.sql(query).to_arrow_reader(64)).read_all()
    assert found.equals(EXPECTED.slice(100))


def test_duckdb_asks_for_what_it_needs() -> None:
    """Of an endless stream, with the tokens at the other end."""
    source = endless()
    with duckdb.connect() as connection:
        connection.register("tokens", MILL.stream(source.reader))
        found = connection.sql("select id, len(input_ids) as n from tokens limit 25").fetchall()
    lengths = EXPECTED["length"].to_pylist()
    assert found == [(at, lengths[at]) for at in [*range(10), *range(1, 11), *range(2, 7)]]
    assert source.taken < 2000


def test_duckdb_over_a_stream() -> None:
    with duckdb.connect() as connection:
        connection.register("tokens", MILL.stream(table()))
        found = connection.sql("select count(*), sum(length), max(id) from tokens where length > 0").fetchall()
    lengths = EXPECTED["length"].to_pylist()
    assert found == [(300, sum(lengths), 299)]


def test_duckdb_passes_an_error_on() -> None:
    with duckdb.connect() as connection:
        connection.register("tokens", mill().stream(cut(table(broken=True).slice(6), [50])))
        query = connection.sql("select sum(len(labels)) from tokens")
        assert "row 164: " in message(query.fetchall, duckdb.Error)


def test_dataset_writer(tmp_path: Path) -> None:
    rows = pad.dataset(in_parquet(tmp_path))
    pad.write_dataset(
        *(MILL.stream(rows), tmp_path / "tokens"),
        format="parquet", preserve_order=True, min_rows_per_group=128, max_rows_per_group=128, max_rows_per_file=256,
    )  # fmt: skip
    files = sorted((tmp_path / "tokens").iterdir())
    assert [pq.ParquetFile(file).metadata.num_rows for file in files] == [256, 44]
    assert pa.concat_tables(map(pq.read_table, files)).equals(EXPECTED)


def test_dataset_writer_passes_an_error_on(tmp_path: Path) -> None:
    stream = mill().stream(cut(table(broken=True).slice(6), [50]))
    with pytest.raises(RowError, match=r"^row 164: "):
        pad.write_dataset(stream, tmp_path / "tokens", format="parquet")


def test_polars_as_a_consumer() -> None:
    found = pl.from_arrow(MILL.stream(table().to_reader(64)))
    assert isinstance(found, pl.DataFrame)
    assert found.to_dicts() == EXPECTED.to_pylist()


def test_other_consumers(tmp_path: Path) -> None:
    def stream() -> pa.RecordBatchReader:
        return MILL.stream(table().to_reader(64))

    assert pa.table(Foreign(stream())).equals(EXPECTED)
    assert datasets.Dataset(pa.table(stream())).to_list() == EXPECTED.to_pylist()
    with pq.ParquetWriter(tmp_path / "a.parquet", EXPECTED.schema) as writer:
        for batch in stream():
            writer.write_batch(batch)
    assert pq.read_table(tmp_path / "a.parquet").equals(EXPECTED)


def test_another_thread_reads_it() -> None:
    stream = MILL.stream(table().to_reader(16))
    found: list[pa.RecordBatch] = [stream.read_next_batch()]
    reader = threading.Thread(target=lambda: found.extend(stream))
    reader.start()
    reader.join(60)
    assert pa.Table.from_batches(found).equals(EXPECTED)


def test_streams_of_one_mill_at_once() -> None:
    streams = [MILL.stream(table().to_reader(size)) for size in (16, 50, 300)]
    found: list[list[pa.RecordBatch]] = [[] for _ in streams]
    threads = [threading.Thread(target=it.extend, args=(stream,)) for it, stream in zip(found, streams, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(pa.Table.from_batches(it).equals(EXPECTED) for it in found)
