"""Numbered rows of several datasets, arranged and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from chatmill.arrange import Arranged, Arrangement, Spool, WrittenCounts
from chatmill.outputs.shards import ShardWriter


@dataclass(frozen=True)
class Row:
    """A row. Two rows may have equal ids, but never equal numbers."""

    number: int
    dataset: int
    ids: tuple[int, ...]
    labels: tuple[int, ...]


def rows_of(*datasets: int) -> list[Row]:
    """Different rows, this many of each dataset."""
    owners = [dataset for dataset, count in enumerate(datasets) for _ in range(count)]
    return [
        Row(number, dataset, (number,) * (number % 4 + 1), (-100,) * (number % 4) + (number,))
        for number, dataset in enumerate(owners)
    ]


def batch_of(rows: Sequence[Row]) -> pa.RecordBatch:
    tokens = pa.list_(pa.int32())
    return pa.record_batch(
        {
            "input_ids": pa.array([row.ids for row in rows], tokens),
            "labels": pa.array([row.labels for row in rows], tokens),
            "length": pa.array([len(row.ids) for row in rows], pa.int32()),
            "number": pa.array([row.number for row in rows], pa.int64()),
            "text": pa.array([f"row {row.number}" if row.number % 3 else None for row in rows], pa.string()),
        }
    )


@dataclass(frozen=True)
class Outcome:
    """What was written, by the numbers of the rows."""

    training: list[int]
    validation: list[int]
    arranged: Arranged
    tables: tuple[pa.Table, pa.Table]


def run(
    folder: Path,
    batches: Sequence[tuple[int, pa.RecordBatch]],
    arrangement: Arrangement,
    *,
    shard_tokens: int = 50,
    row_column: str | None = None,
) -> Outcome:
    """Arrange batches, each with its dataset, and read what was written."""
    places = (folder / "training", folder / "validation")
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        for path in place.iterdir():
            path.unlink()
    with (
        ShardWriter(places[0], shard_tokens=shard_tokens) as training,
        ShardWriter(places[1], shard_tokens=shard_tokens) as validation,
        Spool(folder / "spool") as spooled,
    ):
        for dataset, batch in batches:
            spooled.write(batch, dataset=dataset, row_column=row_column)
        arranged = spooled.arrange(arrangement, training=training, validation=validation)
        shards = (training.finish(), validation.finish())
    assert not (folder / "spool").exists()
    tables = tuple(
        pa.concat_tables(pq.read_table(place / shard.file) for shard in made)
        for place, made in zip(places, shards, strict=True)
    )
    numbers = [table.column("number").to_pylist() for table in tables]
    for table, written in zip(tables, (arranged.training, arranged.validation), strict=True):
        labels = [label for row in table.column("labels").to_pylist() for label in row]
        assert written == WrittenCounts(table.num_rows, len(labels), sum(label != -100 for label in labels))
    assert sum(dataset.training for dataset in arranged.datasets) == len(numbers[0])
    assert sum(dataset.validation for dataset in arranged.datasets) == len(numbers[1])
    return Outcome(numbers[0], numbers[1], arranged, (tables[0], tables[1]))


def whole(rows: Sequence[Row]) -> list[tuple[int, pa.RecordBatch]]:
    """A batch for each dataset."""
    return [(dataset, batch_of(list(group))) for dataset, group in groupby(rows, key=lambda row: row.dataset)]


def pieces(rows: Sequence[Row], cuts: Sequence[int]) -> list[tuple[int, pa.RecordBatch]]:
    """Slices of the same rows, cut at random places."""
    made = []
    for dataset, batch in whole(rows):
        borders = sorted({0, batch.num_rows, *(cut for cut in cuts if cut < batch.num_rows)})
        made += [(dataset, batch.slice(start, end - start)) for start, end in pairwise(borders)]
    return made
