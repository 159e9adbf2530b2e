"""Tests of the figures of packs: what is trained, and what other ways to batch the same rows cost."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, PackPlan, pack, prepare
from chatmill.outputs.shards import ShardWriter
from chatmill.packing import stored_rows
from chatmill.packing.comparison import BATCH_ROWS, compared
from chatmill.packing.options import PackChoice
from chatmill.packing.stored_rows import RowPart, store_rows
from chatmill.packing.trained import TrainedShare
from format_rows import CHATML, TOKENIZER
from samples import conversation, write_rows


@pytest.fixture
def tokens(in_tmp_path: Path) -> Path:
    write_rows(Path("rows.jsonl"), [conversation(number) for number in range(60)])
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output="tokens", shard_tokens=1500)
    return Path("tokens")


def test_the_trained_share_is_that_of_the_labels(tokens: Path) -> None:
    report = pack(tokens, 120, "packs", shard_tokens=1000)
    packs = pq.read_table("packs")
    counts = [sum(label != -100 for label in labels) for labels in packs["labels"].to_pylist()]
    shares = sorted(count / length for count, length in zip(counts, packs["length"].to_pylist(), strict=True))
    found = report.trained["train"]
    assert (found.tokens, found.packs_without) == (sum(counts), counts.count(0))
    assert found.lowest == pytest.approx(shares[0])
    assert shares[(len(shares) - 1) // 2] <= found.median <= shares[len(shares) // 2]
    manifest = json.loads(Path("packs/_manifest.json").read_text())
    assert manifest["options"]["packing"]["trained"] == {"train": found.record()}
    assert f"{100 * found.tokens / packs['length'].to_numpy().sum():.1f} % of the tokens are trained" in str(report)


def test_packs_that_train_nothing_are_counted() -> None:
    share = TrainedShare.of([(pa.array([0, 3], pa.int64()), pa.array([4, 4], pa.int32()))])
    assert (share.tokens, share.packs_without, share.lowest) == (3, 1, 0.0)
    assert TrainedShare.of([]) == TrainedShare(0, 0, 0.0, 0.0)


def test_the_ways_are_counted_row_by_row() -> None:
    numbers = random.Random(5)
    for _ in range(50):
        lengths = [numbers.randrange(0, 40) for _ in range(numbers.randrange(0, 60))]
        choice = PackChoice(30)
        plan = PackPlan.of(lengths, 30)
        mine, longest, batches, trl, axolotl = compared(plan, pa.chunked_array([lengths], pa.int32()), choice)
        assert (mine.sequences, mine.efficiency, mine.attention) == (
            len(plan),
            plan.efficiency,
            plan.report().squared_lengths,
        )
        cut = [min(length, 30) for length in lengths if length]
        lost = sum(lengths) - sum(cut)
        groups = [cut[at : at + BATCH_ROWS] for at in range(0, len(cut), BATCH_ROWS)]
        for way, parts in ((longest, [cut] if cut else []), (batches, groups)):
            room = sum(max(part) * len(part) for part in parts)
            assert way.sequences == len(cut)
            assert way.efficiency == (sum(cut) / room if room else 1)
            assert way.attention == sum(max(part) ** 2 * len(part) for part in parts)
            assert way.lost == lost
        assert trl.sequences == len(PackPlan.of(lengths, 30, "bfd", group_size=1000))
        assert axolotl.lost == sum(length for length in lengths if length > 30)


def test_a_comparison_is_printed(tokens: Path) -> None:
    report = pack(tokens, 120, "packs", compare=True)
    assert report.ways["train"][0].name == "these packs (bfd)"
    for line in (
        "sequences",
        "each row padded to the longest",
        "TRL, packs of groups of 1,000 rows",
        "axolotl, multipack",
    ):
        assert line in str(report)
    assert pack(tokens, 120, "plan.parquet", index_only=True, compare=True).ways
    assert not pack(tokens, 60, "others").ways


@pytest.mark.parametrize("processors", [1, 2, 5, None])
def test_the_files_do_not_depend_on_the_threads(
    processors: int | None, tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    pack(tokens, 120, "packs", shard_tokens=500, seed=7)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    pack(tokens, 120, "others", shard_tokens=500, seed=7)
    names = sorted(path.name for path in Path("packs").glob("train-*"))
    assert len(names) > 5
    assert names == sorted(path.name for path in Path("others").glob("train-*"))
    for name in names:
        assert Path("packs", name).read_bytes() == Path("others", name).read_bytes()


def test_an_error_of_one_thread_ends_all(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = ShardWriter.finish

    def fail(writer: ShardWriter) -> object:
        if writer._first == 3:
            raise DataError("the disk is full")
        return finish(writer)

    monkeypatch.setattr(ShardWriter, "finish", fail)
    with pytest.raises(DataError, match="the disk is full"):
        pack(tokens, 120, "packs", shard_tokens=200)
    assert sorted(path.name for path in Path().iterdir()) == ["rows.jsonl", "tokens"]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("labels", ["masked", "all", "others"])
def test_rows_are_packed_from_a_store_as_from_tables(
    labels: str, in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_rows, "_MOST_IN_MEMORY", 1 << 30 if in_memory else 0)
    shown = {"masked": lambda _: -100, "all": lambda token: token, "others": lambda token: token % 2}[labels]
    lengths = [number * 7 % 13 for number in range(500)]
    table = pa.table(
        {
            "input_ids": pa.array([list(range(length)) for length in lengths], pa.list_(pa.int32())),
            "labels": pa.array([list(map(shown, range(length))) for length in lengths], pa.large_list(pa.int64())),
            "weights": pa.array([[0.5] * length for length in lengths], pa.list_(pa.float64())),
            "length": pa.array(lengths, pa.int64()),
        }
    )
    columns = ["input_ids", "labels", "weights"]
    # Slices have offsets that do not begin with 0.
    batches = [batch.slice(3) for batch in pa.concat_tables([table.slice(0, 3), table]).to_batches(300)]
    rest = pa.Table.from_batches(batches)
    parts = [RowPart(len(part), part.to_batches) for part in (rest[:99], rest[99:])]
    plan = PackPlan.of(rest["length"].to_pylist(), 32)
    opened = store_rows(plan, columns, parts, tmp_path)
    assert bool(list(tmp_path.iterdir())) is not in_memory
    types = {name: pa.list_(pa.float32() if name == "weights" else pa.int32()) for name in columns}
    expected = plan.pack(rest.select(columns).cast(pa.schema(types)), ["seq_lengths", "position_ids"])
    trained = [sum(label != -100 for label in row) for row in pa.table(expected)["labels"].to_pylist()]
    assert opened.pack().trained_tokens == trained == expected.trained_tokens
    assert pa.table(opened.pack(["seq_lengths", "position_ids"])).equals(pa.table(expected))
    part = pa.table(opened.pack(["seq_lengths", "position_ids"], 2, 5))
    assert part.equals(pa.table(expected).slice(2, 3))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"input_ids": [[1, 2], [3]], "labels": [[1, 2], []]}, "row 1 has 0 values in labels, but 1 tokens"),
        ({"input_ids": [[1, 2, 4], [3]], "labels": [[1, 2], [3]]}, "row 0 has 3 values in input_ids, but 2 tokens"),
        ({"input_ids": [[1, 2], None], "labels": [[1, 2], [3]]}, "row 1 has 0 values in input_ids, but 1 tokens"),
    ],
)
def test_rows_whose_lists_have_other_lengths(rows: dict[str, Any], problem: str, tmp_path: Path) -> None:
    batch = pa.record_batch({**rows, "length": pa.array([2, 1], pa.int32())})
    plan = PackPlan.of([2, 1], 4)
    with pytest.raises(DataError, match=problem):
        store_rows(plan, ["input_ids", "labels"], [RowPart(2, lambda: [batch])], tmp_path)


def test_stored_rows_are_those_of_the_plan(tmp_path: Path) -> None:
    plan = PackPlan.of([2, 1], 4)
    batch = pa.record_batch({"input_ids": pa.array([[1, 2], [3]], pa.list_(pa.int32()))})
    for batches in ([], [batch.slice(0, 1)], [batch, batch]):
        with pytest.raises(DataError, match=r"the rows changed while they were read \(at row \d\); run it again"):
            store_rows(plan, ["input_ids"], [RowPart(2, lambda batches=batches: batches)], tmp_path)  # type: ignore[misc]
    store = plan.store(["input_ids"], tmp_path / "numbers")
    with pytest.raises(DataError, match="cannot create"):
        plan.store(["input_ids"], tmp_path / "numbers")
    with pytest.raises(DataError, match="there is no column input_ids"):
        plan.store(["labels"])
    with pytest.raises(DataError, match="the rows have no column input_ids with lists of Int32"):
        store.append(0, pa.record_batch({"input_ids": pa.array([[1, 2], [3]], pa.list_(pa.int64()))}))
    store.append(0, batch)
    assert repr(store.finish()) == "PackRows(input_ids)"
    for again in (store.finish, lambda: store.append(0, batch)):
        with pytest.raises(DataError, match="`finish` was called before"):
            again()
