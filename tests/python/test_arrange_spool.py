"""Tests of the spool: batches and their columns, no rows, errors, progress, memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrange_rows import batch_of, pieces, rows_of, run
from chatmill import DataError
from chatmill.arrange import Arrangement, Spool, WrittenCounts, move, spool
from chatmill.outputs.shards import ShardWriter


def test_columns_of_any_type(tmp_path: Path) -> None:
    rows = rows_of(50)
    batches = []
    for start in range(0, 50, 10):
        some = rows[start : start + 10]
        words = pa.array([f"{start}-{row.number % 3}" for row in some]).dictionary_encode()
        nested = pa.array([{"a": [{"b": row.number}], "c": None} for row in some])
        batch = batch_of(some).append_column("word", words).append_column("nested", nested)
        batches.append((0, batch.append_column("number_", batch.column("number"))))
    made = run(tmp_path, batches, Arrangement(shuffle=True, weights=(2,)))
    table = pa.concat_tables([pa.Table.from_batches([batch]) for _, batch in batches]).unify_dictionaries()
    expected = table.take(table.column("number").combine_chunks().take(made.tables[0].column("number")))
    assert made.tables[0].to_pylist() == expected.to_pylist()
    assert pa.types.is_dictionary(made.tables[0].schema.field("word").type)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    first, second = (batch_of(rows_of(1)) for _ in range(2))
    with Spool(tmp_path / "spool") as spooled:
        spooled.write(first, dataset=0)
        with pytest.raises(DataError, match=r"dataset 1 \(from 0\): the columns differ.*text string, then .*number"):
            spooled.write(second.drop_columns(["text"]), dataset=1)


@pytest.mark.parametrize("arrangement", [Arrangement(), Arrangement(True, 1, True, 0.5, (1, 2))])
def test_no_rows_make_a_shard_with_the_columns(arrangement: Arrangement, tmp_path: Path) -> None:
    made = run(tmp_path, [(0, batch_of([]))], arrangement)
    assert [table.num_rows for table in made.tables] == [0, 0]
    assert made.tables[0].schema.names == batch_of([]).schema.names
    assert made.arranged.training == WrittenCounts()
    with Spool(tmp_path / "spool") as spooled, ShardWriter(tmp_path) as training:
        assert spooled.arrange(arrangement, training=training, validation=training).training == WrittenCounts()
        assert training.finish() == []


def test_a_dataset_without_rows_has_its_place(tmp_path: Path) -> None:
    made = run(tmp_path, [(2, batch_of(rows_of(3)))], Arrangement(weights=(1, 1, 2, 1)))
    assert [dataset.training for dataset in made.arranged.datasets] == [0, 0, 6, 0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_an_error_leaves_nothing(error: type[BaseException], share: float, tmp_path: Path) -> None:
    def stop(done: float) -> None:
        assert (tmp_path / "spool").exists()
        if done > share:
            raise error

    with (
        pytest.raises(error),
        ShardWriter(tmp_path) as training,
        Spool(tmp_path / "spool") as spooled,
    ):
        spooled.write(batch_of(rows_of(9)), dataset=0)
        spooled.arrange(Arrangement(shuffle=True, deduplicate=True), training=training, validation=None, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arrangement", [Arrangement(), Arrangement(shuffle=True, deduplicate=True, validation=3)])
def test_progress_goes_up_to_all(arrangement: Arrangement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "CHUNK_BYTES", 100)
    monkeypatch.setattr(move, "CHUNK_BYTES", 100)
    seen: list[float] = []
    with ShardWriter(tmp_path) as training, ShardWriter(tmp_path) as validation, Spool(tmp_path / "spool") as spooled:
        for dataset, batch in pieces(rows_of(20, 20), range(0, 20, 2)):
            spooled.write(batch, dataset=dataset)
        spooled.arrange(arrangement, training=training, validation=validation, progress=seen.append)
    # Once for each chunk, and with a shuffle and duplicates once for each piece that is read again.
    assert len(seen) == (42 if arrangement.shuffle else 20)
    assert seen == sorted(seen)
    assert seen[0] < 0.2
    assert seen[-1] == pytest.approx(1, abs=0.005)


def test_large_batches_are_held_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    class Writer(ShardWriter):
        def write(self, batch: pa.RecordBatch) -> None:
            written.append(batch.nbytes)
            super().write(batch)

    batch = batch_of([replace(row, ids=(1,) * 1000, labels=(1,) * 1000) for row in rows_of(200)])
    for module, name in ((spool, "_PIECE_BYTES"), (spool, "CHUNK_BYTES"), (move, "CHUNK_BYTES")):
        monkeypatch.setattr(module, name, 100_000)
    for shuffle in (False, True):
        written.clear()
        with Writer(tmp_path) as training, Spool(tmp_path / "spool") as spooled:
            spooled.write(batch, dataset=0)
            spooled.arrange(Arrangement(shuffle, weights=(30,)), training=training, validation=None)
        assert sum(written) > 29 * batch.nbytes
        assert max(written) < 300_000


@pytest.mark.parametrize("chunk_bytes", [100, 1 << 20])
@pytest.mark.parametrize("last", [1, 19, 10**12])
def test_rows_come_in_the_order_of_their_places(
    chunk_bytes: int, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(move, "CHUNK_BYTES", chunk_bytes)
    placed = [(number * 7 % 20, number) for number in range(5, 25)]
    placed = [(last if place == 19 else min(place, last), number) for place, number in placed]
    seen: list[float] = []
    with ShardWriter(tmp_path) as training, Spool(tmp_path / "spool") as spooled:
        for dataset, batch in pieces(rows_of(5, 20, 4), [2, 5, 6, 13, 24, 27]):
            numbers = batch.column("number").to_pylist()
            places = [place for place, number in placed if number in numbers]
            spooled.write(batch, dataset=dataset, places=pa.array(places, pa.uint64()) if dataset == 1 else None)
        spooled.arrange(Arrangement(weights=(1, 2, 1)), training=training, validation=None, progress=seen.append)
        shards = training.finish()
    rows = [row["number"] for shard in shards for row in pq.read_table(tmp_path / shard.file).to_pylist()]
    in_place = [number for _, number in sorted(placed) for _ in range(2)]
    assert rows == [*range(5), *in_place, *range(25, 29)]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1, abs=0.01)
