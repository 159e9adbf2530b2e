"""Rows of several datasets as one: weights, order, duplicates, the validation split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError
from chatmill.arrange import Arranged, Arrangement, DatasetRows, Spool, Written, move, spool
from chatmill.arrange.keys import keys
from chatmill.shards import ShardWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROPERTY = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, print_blob=True
)


@dataclass(frozen=True)
class Row:
    """A row; the ids of two may be equal, their numbers are not."""

    number: int
    dataset: int
    ids: tuple[int, ...]
    labels: tuple[int, ...]


def rows_of(*datasets: int) -> list[Row]:
    """Different rows, so many of each dataset."""
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
    folder: Path, batches: Sequence[tuple[int, pa.RecordBatch]], arrangement: Arrangement, *, shard_tokens: int = 50
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
            spooled.write(batch, dataset=dataset)
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
        assert written == Written(table.num_rows, len(labels), sum(label != -100 for label in labels))
    assert sum(dataset.training for dataset in arranged.datasets) == len(numbers[0])
    assert sum(dataset.validation for dataset in arranged.datasets) == len(numbers[1])
    return Outcome(numbers[0], numbers[1], arranged, (tables[0], tables[1]))


def whole(rows: Sequence[Row]) -> list[tuple[int, pa.RecordBatch]]:
    """A batch for each dataset."""
    return [(dataset, batch_of(list(group))) for dataset, group in groupby(rows, key=lambda row: row.dataset)]


def pieces(rows: Sequence[Row], cuts: Sequence[int]) -> list[tuple[int, pa.RecordBatch]]:
    """Slices of the same rows, cut somewhere."""
    made = []
    for dataset, batch in whole(rows):
        borders = sorted({0, batch.num_rows, *(cut for cut in cuts if cut < batch.num_rows)})
        made += [(dataset, batch.slice(start, end - start)) for start, end in pairwise(borders)]
    return made


SOME_ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=3), st.booleans()), min_size=3, max_size=40
).map(
    lambda drawn: [
        Row(number, dataset, tuple(ids), tuple(-100 if is_masked else each for each in ids))
        for number, (dataset, ids, is_masked) in enumerate(sorted(drawn, key=lambda it: it[0]))
    ]
)
ARRANGEMENTS = st.builds(
    Arrangement,
    shuffle=st.booleans(),
    seed=st.integers(-(10**30), 10**30),
    deduplicate=st.booleans(),
    validation=st.one_of(st.just(0), st.just(1), st.floats(0.01, 0.4)),
    weights=st.one_of(st.just(()), st.tuples(*[st.floats(0.3, 3.5)] * 3)),
)


def is_possible(rows: Sequence[Row], arrangement: Arrangement) -> bool:
    """Whether there are rows to train on."""
    left = len({(row.ids, row.labels) for row in rows}) if arrangement.deduplicate else len(rows)
    return left > 6 or (left > 2 and not arrangement.weights)


@PROPERTY
@given(rows=SOME_ROWS, arrangement=ARRANGEMENTS)
def test_each_row_is_there_as_often_as_it_should_be(rows: list[Row], arrangement: Arrangement, tmp_path: Path) -> None:
    if not is_possible(rows, arrangement):
        return
    made = run(tmp_path, whole(rows), arrangement)
    firsts: dict[Any, int] = {}
    for row in rows:
        firsts.setdefault((row.ids, row.labels) if arrangement.deduplicate else row.number, row.number)
    left = set(firsts.values())
    kept_back = set(made.validation)
    assert len(kept_back) == len(made.validation) == arrangement.validation_rows(len(left))
    assert kept_back <= left
    times = Counter(made.training)
    assert set(times) <= left - kept_back
    for dataset, seen in enumerate(made.arranged.datasets):
        own = [row.number for row in rows if row.dataset == dataset]
        candidates = [number for number in own if number in left and number not in kept_back]
        weight = arrangement.weight(dataset)
        assert all(math.floor(weight) <= times[number] <= math.ceil(weight) for number in candidates)
        taken = sum(times[number] for number in own)
        assert taken == math.floor(weight * len(candidates) + 0.5)
        own_kept_back = len(kept_back.intersection(own))
        assert seen == DatasetRows(
            rows=len(own), duplicates=len(set(own) - left), validation=own_kept_back, training=taken
        )
    if not arrangement.shuffle:
        assert made.training == sorted(made.training)
        assert made.validation == sorted(made.validation)
    # Each row is whole: nothing of it is another's.
    source = pa.Table.from_batches([batch for _, batch in whole(rows)])
    for table in made.tables:
        assert table == source.take(table.column("number"))


@PROPERTY
@given(
    rows=SOME_ROWS,
    arrangement=ARRANGEMENTS,
    cuts=st.lists(st.integers(1, 39)),
    sizes=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    is_backwards=st.booleans(),
)
def test_batches_and_sizes_change_nothing(
    rows: list[Row],
    arrangement: Arrangement,
    cuts: list[int],
    sizes: tuple[int, int],
    is_backwards: bool,
    tmp_path: Path,
) -> None:
    if not is_possible(rows, arrangement):
        return
    once = run(tmp_path, whole(rows), arrangement)
    cut = pieces(rows, cuts)
    if is_backwards:  # the datasets, not their rows
        cut.sort(key=lambda each: -each[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_PIECE_BYTES", sizes[0])
        patch.setattr(spool, "CHUNK_BYTES", sizes[1])
        patch.setattr(move, "CHUNK_BYTES", sizes[1])
        again = run(tmp_path, cut, arrangement)
    assert again.tables == once.tables
    assert again.arranged == once.arranged


@PROPERTY
@given(count=st.integers(2, 60), seed=st.integers())
def test_a_shuffle_is_a_permutation_by_the_seed(count: int, seed: int, tmp_path: Path) -> None:
    batches = whole(rows_of(count, 60))
    once = run(tmp_path, batches, Arrangement(shuffle=True, seed=seed)).training
    assert sorted(once) == list(range(count + 60))
    assert once == run(tmp_path, batches, Arrangement(shuffle=True, seed=seed)).training
    assert once != run(tmp_path, batches, Arrangement(shuffle=True, seed=seed + 1)).training
    assert once != sorted(once)


# Whatever machine and version: who prepares the same data again must get the same rows.
GOLDEN_TRAINING = [2, 3, 1, 2, 6, 1, 8, 4, 0, 3]
GOLDEN_VALIDATION = [9, 5, 11]


def test_the_order_of_a_seed_stays_the_same(tmp_path: Path) -> None:
    made = run(tmp_path, whole(rows_of(6, 6)), Arrangement(shuffle=True, validation=3, weights=(1.5, 0.5)))
    assert made.training == GOLDEN_TRAINING
    assert made.validation == GOLDEN_VALIDATION


def test_every_order_comes_up() -> None:
    seen = Counter(
        tuple(sorted(range(4), key=keys(seed, "order", first=0, rows=4).to_pylist().__getitem__))
        for seed in range(2400)
    )
    assert set(seen) == set(permutations(range(4)))
    # 100 each, with a standard deviation of 10.
    assert max(abs(count - 100) for count in seen.values()) < 45


def test_keys_are_those_of_splitmix64() -> None:
    # State 0 gives these first numbers, in the author's C too. Here the state is another; its steps are the same.
    assert [splitmix(number * 0x9E3779B97F4A7C15) for number in (1, 2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    found = keys(7, "x", first=5, rows=1000).to_pylist()
    state = unmixed(found[0])
    assert found == [splitmix(state + step * 0x9E3779B97F4A7C15) for step in range(1000)]
    copies = keys(7, "x", first=5, rows=1000, copy=1).to_pylist()
    assert copies[0] == splitmix(state + (1 << 40) * 0x9E3779B97F4A7C15)
    assert len({*found, *copies}) == 2000
    assert keys(7, "y", first=5, rows=1) != keys(7, "x", first=5, rows=1)


def splitmix(state: int) -> int:
    mask = (1 << 64) - 1
    state &= mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


def unmixed(key: int) -> int:
    """The state that gives a key."""
    size = 1 << 64

    def unfolded(number: int, bits: int) -> int:
        for shift in (bits, 2 * bits):
            number ^= number >> shift
        return number

    key = unfolded(key, 31) * pow(0x94D049BB133111EB, -1, size) % size
    key = unfolded(key, 27) * pow(0xBF58476D1CE4E5B9, -1, size) % size
    return unfolded(key, 30)


def test_copies_stand_beside_each_other_or_anywhere(tmp_path: Path) -> None:
    rows = rows_of(3, 2)
    ordered = run(tmp_path, whole(rows), Arrangement(weights=(2, 3))).training
    assert ordered == [0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4]
    shuffled = run(tmp_path, whole(rows), Arrangement(weights=(2, 3), shuffle=True)).training
    assert sorted(shuffled) == ordered
    assert shuffled != sorted(shuffled)


def test_the_same_rows_are_kept_back_whatever_else_is_wanted(tmp_path: Path) -> None:
    batches = whole(rows_of(30, 30))
    plain = Arrangement(validation=0.2)
    expected = run(tmp_path, batches, plain).validation
    assert len(expected) == 12
    assert expected == sorted(expected) != list(range(12))
    for other in (replace(plain, weights=(0.5, 2.5)), replace(plain, shuffle=True), replace(plain, deduplicate=True)):
        assert sorted(run(tmp_path, batches, other).validation) == expected
    assert run(tmp_path, batches, replace(plain, seed=1)).validation != expected


def test_the_first_of_equal_rows_stays(tmp_path: Path) -> None:
    same = ((1, 2), (-100, 2))
    rows = [
        Row(0, 0, *same),
        Row(1, 0, (1, 2), (1, 2)),  # trained on more
        Row(2, 0, *same),
        Row(3, 0, (1,), (-100,)),
        Row(4, 1, *same),
        Row(5, 1, (), ()),
        Row(6, 1, (), ()),
        Row(7, 1, (2,), (2,)),
        # The same bytes in the same order, cut elsewhere.
        Row(8, 1, (1, 2, -100, 2), (1, 2, -100, 2)),
        Row(9, 1, (1, 2, -100, 2, 1, 2, -100, 2), (7,) * 8),
    ]
    made = run(tmp_path, whole(rows), Arrangement(deduplicate=True))
    assert made.training == [0, 1, 3, 5, 7, 8, 9]
    assert made.arranged.duplicates == 3
    assert [dataset.duplicates for dataset in made.arranged.datasets] == [1, 2]
    # The order is that of the datasets, also where the second one was written first.
    assert run(tmp_path, whole(rows)[::-1], Arrangement(deduplicate=True)).training == made.training


def test_what_fills_rows_up_does_not_tell_them_apart(tmp_path: Path) -> None:
    def padded(number: int, width: int, type_of: Any) -> pa.RecordBatch:
        fill = (0,) * (width - 2)
        batch = batch_of([Row(number, 0, (5, 6, *fill), (5, 6, *[-100 for _ in fill]))])
        batch = batch.set_column(2, "length", pa.array([2], pa.int32()))
        for place, name in enumerate(["input_ids", "labels"]):
            batch = batch.set_column(place, name, batch.column(name).cast(type_of(pa.int32())))
        return batch

    for type_of in (pa.list_, pa.large_list):
        with ShardWriter(tmp_path) as training, Spool(tmp_path / "spool") as spooled:
            for number, width in enumerate([2, 4, 3]):
                spooled.write(padded(number, width, type_of), dataset=0)
            arranged = spooled.arrange(Arrangement(deduplicate=True), training=training, validation=None)
        assert arranged.datasets == (DatasetRows(rows=3, duplicates=2, validation=0, training=1),)
        assert arranged.training == Written(rows=1, tokens=2, trained_tokens=2)


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


@pytest.mark.parametrize("validation", [-1, -0.5, 1.0, 2.5, math.nan, math.inf])
def test_validation_must_make_sense(validation: float) -> None:
    with pytest.raises(DataError, match=r"validation is .*: give a share below 1"):
        Arrangement(validation=validation)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf, 1001])
def test_weights_must_make_sense(weight: float) -> None:
    with pytest.raises(DataError, match=r"the weight of dataset 1 \(from 0\) is"):
        Arrangement(weights=(1, weight))


def test_rows_to_train_on_must_be_left(tmp_path: Path) -> None:
    batches = whole(rows_of(2, 2))
    with pytest.raises(DataError, match="validation asks for 4 rows and there are 4: none would be left"):
        run(tmp_path, batches, Arrangement(validation=4))
    with pytest.raises(DataError, match=r"validation asks for 4 rows \(0\.99 of them\) and there are 4"):
        run(tmp_path, batches, Arrangement(validation=0.99))
    with pytest.raises(DataError, match="validation asks for 1 rows and there are 1"):
        run(tmp_path, [(0, batch_of([Row(n, 0, (1,), (1,)) for n in range(5)]))], Arrangement(True, 1, True, 1))
    with pytest.raises(DataError, match="the weights leave no row to train on"):
        run(tmp_path, batches, Arrangement(weights=(0.1, 0.2)))
    with pytest.raises(DataError, match="there are 1 weights, but more datasets"):
        run(tmp_path, batches, Arrangement(weights=(1,)))
    assert len(run(tmp_path, batches, Arrangement(validation=3)).training) == 1
    with Spool(tmp_path / "spool") as spooled, pytest.raises(DataError, match="no writer for them"):
        spooled.arrange(Arrangement(validation=1), training=ShardWriter(tmp_path), validation=None)


@pytest.mark.parametrize("arrangement", [Arrangement(), Arrangement(True, 1, True, 0.5, (1, 2))])
def test_no_rows_make_a_shard_with_the_columns(arrangement: Arrangement, tmp_path: Path) -> None:
    made = run(tmp_path, [(0, batch_of([]))], arrangement)
    assert [table.num_rows for table in made.tables] == [0, 0]
    assert made.tables[0].schema.names == batch_of([]).schema.names
    assert made.arranged.training == Written()
    with Spool(tmp_path / "spool") as spooled, ShardWriter(tmp_path) as training:
        assert spooled.arrange(arrangement, training=training, validation=training).training == Written()
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
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[0] < 0.2
    assert seen[-1] > 0.9


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


def test_plain_arrangements_need_no_spool() -> None:
    assert Arrangement().is_plain
    assert Arrangement(weights=(1, 1.0), seed=1).is_plain
    for other in (Arrangement(shuffle=True), Arrangement(deduplicate=True), Arrangement(validation=1)):
        assert not other.is_plain
    assert not Arrangement(weights=(1, 2)).is_plain
