"""Tests of merging the rows of several datasets: weights, order, duplicates, the validation split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from arrange_rows import Row, batch_of, pieces, rows_of, run, whole
from chatmill import DataError
from chatmill.arrange import Arrangement, DatasetRows, Spool, WrittenCounts, move, spool
from chatmill.arrange.keys import keys
from chatmill.outputs.shards import ShardWriter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

PROPERTY = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, print_blob=True
)

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
    validation_from=st.sampled_from([None, None, 1, 2, 3]),
)


def is_for_training(row: Row, arrangement: Arrangement) -> bool:
    """Whether a row belongs to a dataset that is not completely for validation."""
    return arrangement.validation_from is None or row.dataset < arrangement.validation_from


def is_possible(rows: Sequence[Row], arrangement: Arrangement) -> bool:
    """Whether rows are left for training."""
    rows = [row for row in rows if is_for_training(row, arrangement)]
    left = len({(row.ids, row.labels) for row in rows}) if arrangement.deduplicate else len(rows)
    return left > 6 or (left > 2 and not arrangement.weights)


@PROPERTY
@given(rows=SOME_ROWS, arrangement=ARRANGEMENTS)
def test_each_row_is_there_as_often_as_it_should_be(rows: list[Row], arrangement: Arrangement, tmp_path: Path) -> None:
    assume(is_possible(rows, arrangement))
    made = run(tmp_path, whole(rows), arrangement)
    firsts: dict[Any, int] = {}
    for row in rows:
        firsts.setdefault((row.ids, row.labels) if arrangement.deduplicate else row.number, row.number)
    left = set(firsts.values())
    kept_back = set(made.validation)
    apart = {row.number for row in rows if not is_for_training(row, arrangement)} & left
    assert len(kept_back) == len(made.validation) == arrangement.validation_rows(len(left - apart)) + len(apart)
    assert apart <= kept_back <= left
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
    # Each row is complete: all its values belong together.
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
    assume(is_possible(rows, arrangement))
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


# The same data must give the same rows on every machine and with every version.
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
    # State 0 gives these first numbers, as in the author's C code. This test uses another state, but the same steps.
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
    """The state of the generator before a key."""
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


@PROPERTY
@given(
    samples=st.lists(st.lists(st.integers(1, 4), max_size=12), min_size=1, max_size=3),
    seed=st.integers(0, 99),
    sizes=st.lists(st.integers(1, 7), min_size=1),
    equal=st.integers(1, 30),
    deduplicate=st.booleans(),
    share=st.floats(0.01, 0.6),
)
def test_samples_of_a_row_are_on_the_same_side(
    samples: list[list[int]],
    seed: int,
    sizes: list[int],
    equal: int,
    deduplicate: bool,
    share: float,
    tmp_path: Path,
) -> None:
    # The rows of all datasets, and for each of their samples the number of the row.
    owners = [(dataset, row) for dataset, counts in enumerate(samples) for row in range(len(counts))]
    rows = [(dataset, row) for dataset, row in owners for _ in range(samples[dataset][row])]
    drawn = [Row(number, dataset, (number % equal,), (1,)) for number, (dataset, _) in enumerate(rows)]
    arrangement = Arrangement(validation=share, seed=seed, deduplicate=deduplicate)
    stays = {row.ids: row.number for row in reversed(drawn)}.values() if deduplicate else range(len(drawn))
    left = {rows[number] for number in stays}
    assume(len(left) > 2)
    numbers = pa.array([owners.index(row) for row in rows], pa.int64())
    batches, at = [], 0
    for dataset, batch in pieces(drawn, sizes):
        batches.append((dataset, batch.append_column("row", numbers.slice(at, len(batch)))))
        at += len(batch)
    found = run(tmp_path, batches, arrangement, row_column="row")
    sides = [{rows[number] for number in side} for side in (found.training, found.validation)]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == left
    assert len(sides[1]) == arrangement.validation_rows(len(left))
    if all(count == 1 for counts in samples for count in counts):
        assert found.validation == run(tmp_path, batches, arrangement).validation


def test_the_first_of_equal_rows_stays(tmp_path: Path) -> None:
    same = ((1, 2), (-100, 2))
    rows = [
        Row(0, 0, *same),
        Row(1, 0, (1, 2), (1, 2)),  # more training rows
        Row(2, 0, *same),
        Row(3, 0, (1,), (-100,)),
        Row(4, 1, *same),
        Row(5, 1, (), ()),
        Row(6, 1, (), ()),
        Row(7, 1, (2,), (2,)),
        # The same bytes in the same order, but cut at other places.
        Row(8, 1, (1, 2, -100, 2), (1, 2, -100, 2)),
        Row(9, 1, (1, 2, -100, 2, 1, 2, -100, 2), (7,) * 8),
    ]
    made = run(tmp_path, whole(rows), Arrangement(deduplicate=True))
    assert made.training == [0, 1, 3, 5, 7, 8, 9]
    assert made.arranged.duplicates == 3
    assert [dataset.duplicates for dataset in made.arranged.datasets] == [1, 2]
    # The order is that of the datasets, even if the second dataset was written first.
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
        assert arranged.training == WrittenCounts(rows=1, tokens=2, trained_tokens=2)


@pytest.mark.parametrize("validation", [-1, -0.5, 1.0, 2.5, math.nan, math.inf])
def test_validation_must_make_sense(validation: float) -> None:
    with pytest.raises(DataError, match=r"`validation` is .*; give a share below 1"):
        Arrangement(validation=validation)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf, 1001])
def test_weights_must_make_sense(weight: float) -> None:
    with pytest.raises(DataError, match=r"the weight of dataset 1 \(from 0\) is"):
        Arrangement(weights=(1, weight))


def test_rows_to_train_on_must_be_left(tmp_path: Path) -> None:
    batches = whole(rows_of(2, 2))
    with pytest.raises(DataError, match="`validation` is 4, which selects 4 of 4 rows and leaves none for training"):
        run(tmp_path, batches, Arrangement(validation=4))
    with pytest.raises(DataError, match=r"`validation` is 0\.99, which selects 4 of 4 rows and leaves none"):
        run(tmp_path, batches, Arrangement(validation=0.99))
    with pytest.raises(DataError, match="which selects 1 of 1 rows and leaves none"):
        run(tmp_path, [(0, batch_of([Row(n, 0, (1,), (1,)) for n in range(5)]))], Arrangement(True, 1, True, 1))
    with pytest.raises(DataError, match="the weights leave no row for training"):
        run(tmp_path, batches, Arrangement(weights=(0.1, 0.2)))
    with pytest.raises(DataError, match=r"dataset 1 \(from 0\) has no weight"):
        run(tmp_path, batches, Arrangement(weights=(1,)))
    assert len(run(tmp_path, batches, Arrangement(validation=3)).training) == 1
    with Spool(tmp_path / "spool") as spooled, pytest.raises(DataError, match="there is no writer for them"):
        spooled.arrange(Arrangement(validation=1), training=ShardWriter(tmp_path), validation=None)


def test_plain_arrangements_need_no_spool() -> None:
    assert Arrangement().is_plain
    assert Arrangement(weights=(1, 1.0), seed=1).is_plain
    for other in (Arrangement(shuffle=True), Arrangement(deduplicate=True), Arrangement(validation=1)):
        assert not other.is_plain
    assert not Arrangement(weights=(1, 2)).is_plain
