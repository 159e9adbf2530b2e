"""Tests of rows in memory as inputs of `prepare`: rows, data sets and tables of other libraries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from chatmill import DataError
from chatmill.inputs import find_inputs
from input_rows import ROWS, complaint, expected, places_of, read, recorded_inputs, rejects, run, values_of, written
from samples import Row, write_rows

GOOD = [row for row in ROWS if row["id"] != 4]


class Exporter:
    """Data of a library that chatmill does not know, which can be read only once."""

    def __init__(self, table: pa.Table) -> None:
        self._reader: Any = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader, self._reader = self._reader, None
        assert reader is not None, "read twice"
        return reader.__arrow_c_stream__(requested_schema)


def datasets_dataset(rows: list[Row]) -> Any:
    return pytest.importorskip("datasets").Dataset.from_list(rows)


def chosen_dataset(rows: list[Row]) -> Any:
    """A data set whose rows are chosen by indices."""
    count = len(rows)
    return datasets_dataset(rows[::-1]).select(range(count - 1, -1, -1))


def stream(rows: list[Row]) -> Any:
    """A stream without known columns."""
    return pytest.importorskip("datasets").IterableDataset.from_generator(_each, gen_kwargs={"rows": rows})


def _each(rows: list[Row]) -> Iterator[Row]:
    yield from rows


TABLES: dict[str, Callable[[list[Row]], Any]] = {
    "pyarrow.Table": pa.Table.from_pylist,
    "RecordBatch": pa.RecordBatch.from_pylist,
    "RecordBatchReader": lambda rows: pa.RecordBatchReader.from_batches(
        pa.Table.from_pylist(rows).schema, pa.Table.from_pylist(rows).to_batches(max_chunksize=3)
    ),
    "polars": pl.DataFrame,
    "pandas": lambda rows: pytest.importorskip("pandas").DataFrame(rows),
    "datasets.Dataset": datasets_dataset,
    "chosen rows of a datasets.Dataset": chosen_dataset,
    "datasets.IterableDataset with columns": lambda rows: datasets_dataset(rows).to_iterable_dataset(),
    "another library": lambda rows: Exporter(pa.Table.from_pylist(rows)),
}
DICTS: dict[str, Callable[[list[Row]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": _each,
    "columns": lambda rows: {name: [row.get(name) for row in rows] for name in rows[0]},
    "datasets.IterableDataset without columns": stream,
}


@pytest.mark.parametrize("name", [*TABLES, *DICTS])
def test_prepare_gives_the_tokens_of_files(name: str, in_tmp_path: Path) -> None:
    data = {**TABLES, **DICTS}[name](ROWS)
    report = run(data, keep_columns=["id"])
    write_rows(Path("a.jsonl"), ROWS)
    found = written()
    assert [int(row.pop("id")) for row in found] == [row["id"] for row in GOOD]
    assert found == expected()
    assert (report.rows_in, report.rejected) == (20, 1)
    (reject,) = rejects()
    assert (reject["file"], reject["row"]) == ("memory", 4)
    run(data if "Reader" not in name and name not in {"generator", "another library"} else ROWS)


def test_the_manifest_names_the_data(in_tmp_path: Path) -> None:
    run(ROWS)
    assert recorded_inputs() == [{"path": "memory", "size": None, "rows": 20, "type": "list", "checked": False}]
    data = datasets_dataset(GOOD)
    run(data)
    (record,) = recorded_inputs()
    assert (record["type"], record["fingerprint"], record["rows"]) == ("Dataset", data._fingerprint, 19)


def test_small_blocks(in_tmp_path: Path) -> None:
    for make in (list, pa.Table.from_pylist):
        blocks = read(make(GOOD), block_bytes=300, keep_columns=["id"])
        assert len(blocks) > 3
        assert [row["id"] for row in values_of(blocks)] == [row["id"] for row in GOOD]
        assert places_of(blocks)[-1] == "memory, row 18"


def test_values_of_rows_are_those_of_json(in_tmp_path: Path) -> None:
    row = {
        "messages": [],
        "n": 10**30,
        "f": 1.0,
        "nan": math.nan,
        "none": None,
        "lone": "\ud800",
        "deep": ({"a": [1]},),
    }
    (block,) = read([row])
    (line,) = block.batch.column(0).to_pylist()
    assert line.startswith(b'{"messages": [], "n": 1000000000000000000000000000000, "f": 1.0, "nan": NaN, "none": null')
    assert b'"lone": "\\ud800", "deep": [{"a": [1]}]}' in line


def test_mixed_inputs(in_tmp_path: Path) -> None:
    write_rows(Path("a.jsonl"), ROWS[:5])
    run(["a.jsonl", pa.Table.from_pylist(ROWS[5:9]), datasets_dataset(ROWS[9:])])
    assert written() == expected()
    assert [it["path"] for it in recorded_inputs()] == ["a.jsonl", "memory", "memory"]


def test_only_needed_columns_are_read() -> None:
    table = pa.table({"messages": [[]], "x": [1], "y": [2]})
    assert read(table, keep_columns=["y"])[0].batch.schema.names == ["messages", "y"]
    assert complaint(pa.table({"text": ["a"]})).startswith("memory has no column messages or conversations, only text")


def test_long_rows(in_tmp_path: Path) -> None:
    rows = [ROWS[0], {"messages": [{"role": "user", "content": "x" * 10_000}]}, ROWS[1]]
    for data in (rows, pa.Table.from_pylist(rows)):
        run(data, max_line_bytes=2000, max_rejected=1)
        assert [(reject["row"], reject["code"]) for reject in rejects()] == [(1, "line_too_long")]
        assert len(written()) == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([{"messages": []}, "x"], "cannot read memory: row 1 has the type str, but rows are dicts; pass"),
        (
            [{"messages": [], "x": object()}],
            "cannot read memory: row 0 cannot be read (the type object is no type of JSON)",
        ),
        ([{"role": "user", "content": "Hi"}], "row 0 is a message, so this is one conversation"),
        ({"messages": [[]], "id": [1, 2]}, "the columns have different numbers of rows (messages 1, id 2)"),
    ],
)
def test_rows_that_are_no_rows(data: Any, problem: str) -> None:
    assert problem in complaint(data)


@pytest.mark.parametrize("as_data", [list, iter])
def test_a_row_that_is_none_is_rejected_as_null_in_a_file(as_data: Callable[[Any], Any], in_tmp_path: Path) -> None:
    data: list[Any] = [*ROWS[:2], None, ROWS[2], None]
    report = run(as_data(data), max_rejected=1)
    assert (report.rows_in, report.rejected) == (5, 2)
    found = [(reject["code"], reject["message"]) for reject in rejects()]
    assert [reject["row"] for reject in rejects()] == [2, 4]
    write_rows(Path("a.jsonl"), data)
    run("a.jsonl", max_rejected=1, overwrite=True)
    assert found == [(reject["code"], reject["message"]) for reject in rejects()]


def test_splits_must_be_chosen() -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.DatasetDict({"train": datasets_dataset(GOOD), "test": datasets_dataset(GOOD)})
    assert "the data have the splits train, test; give one of them, such as data['train']" in complaint(data)


def test_a_table_of_pandas_with_different_types() -> None:
    pandas = pytest.importorskip("pandas")
    message = complaint(pandas.DataFrame({"messages": [[], "x", 3]}))
    assert "cannot read the DataFrame" in message
    assert "give a list of dicts" in message


def test_what_can_be_read_once_is_kept_at_its_beginning(in_tmp_path: Path) -> None:
    files = find_inputs(_each(ROWS))
    assert values_of(read(files)) == ROWS
    assert values_of(read(files)) == ROWS
    big = ({"messages": [], "x": "y" * 1_000_000} for _ in range(30))
    files = find_inputs(big)
    assert len(values_of(read(files))) == 30
    with pytest.raises(DataError, match="memory can be read only once, and more than 16,777,216 bytes of it were read"):
        read(files)


def test_an_error_of_a_generator_names_the_row() -> None:
    def rows() -> Iterator[Row]:
        yield from ROWS[:2]
        raise RuntimeError("the database is gone")

    assert "memory, row 2: the database is gone" in complaint(rows())


def test_no_rows(in_tmp_path: Path) -> None:
    assert read(pa.table({"messages": pa.array([], pa.string())})) == []
    with pytest.raises(DataError, match=r"the inputs have no rows \(memory\)"):
        run(pa.table({"messages": pa.array([], pa.string())}))
    assert "there are no inputs" in complaint([])
