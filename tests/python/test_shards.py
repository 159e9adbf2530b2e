"""Tests of shards, and of the channel between threads."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError
from chatmill.options.choices import Compression, choices
from chatmill.outputs import shards
from chatmill.outputs.shards import Shard, ShardWriter
from chatmill.pipeline.channel import Channel, StoppedError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from processes import DEADLINE


def batch(lengths: list[int], first: int = 0) -> pa.RecordBatch:
    ids = [[first + row] * length for row, length in enumerate(lengths)]
    return pa.record_batch(
        {
            "input_ids": pa.array(ids, pa.list_(pa.int32())),
            "length": pa.array(lengths, pa.int32()),
            "id": pa.array(range(first, first + len(lengths)), pa.int64()),
        }
    )


def write(folder: Path, batches: list[pa.RecordBatch], shard_tokens: int) -> list[Shard]:
    with ShardWriter(folder, shard_tokens=shard_tokens) as writer:
        for each in batches:
            writer.write(each)
        return writer.finish()


def test_shards_end_with_the_row_that_fills_them(tmp_path: Path) -> None:
    made = write(tmp_path, [batch([3, 3, 3, 5]), batch([20, 1], first=4)], shard_tokens=6)
    assert [(shard.file, shard.rows, shard.tokens) for shard in made] == [
        ("train-00000.parquet", 2, 6),
        ("train-00001.parquet", 2, 8),
        ("train-00002.parquet", 1, 20),
        ("train-00003.parquet", 1, 1),
    ]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [shard.file for shard in made]
    assert [shard.bytes for shard in made] == [(tmp_path / shard.file).stat().st_size for shard in made]
    sums = [hashlib.sha256((tmp_path / shard.file).read_bytes()).hexdigest() for shard in made]
    assert [shard.sha256 for shard in made] == sums
    table = pa.concat_tables(pq.read_table(tmp_path / shard.file) for shard in made)
    assert table == pa.Table.from_batches([batch([3, 3, 3, 5]), batch([20, 1], first=4)])


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60)),
    size=st.integers(1, 40),
)
@example(lengths=[2, 2, 0], cuts=[2], size=4)
@example(lengths=[2, 0, 0, 1], cuts=[1, 2], size=2)
def test_shards_do_not_depend_on_batches(lengths: list[int], cuts: list[int], size: int, tmp_path: Path) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    whole = batch(lengths)
    once = write(tmp_path, [whole], size)
    borders = sorted({0, len(lengths), *(cut for cut in cuts if cut < len(lengths))})
    pieces = [whole.slice(start, end - start) for start, end in pairwise(borders)]
    assert write(tmp_path, pieces, size) == once
    assert sum(shard.rows for shard in once) == len(lengths)
    assert sum(shard.tokens for shard in once) == sum(lengths)
    assert all(shard.tokens >= size for shard in once[:-1])


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_GROUP_TOKENS", 10)
    monkeypatch.setattr(shards, "_GROUP_ROWS", 4)
    write(tmp_path, [batch([5] * 6), batch([0] * 9, first=6)], shard_tokens=1000)
    metadata = pq.read_metadata(tmp_path / "train-00000.parquet")
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert sizes == [2, 2, 2, 4, 4, 1]


@pytest.mark.parametrize("compression", choices(Compression))
def test_each_compression_is_written_and_read(compression: Compression, tmp_path: Path) -> None:
    with ShardWriter(tmp_path, compression=compression) as writer:
        writer.write(batch([3, 2]))
        (shard,) = writer.finish()
    group = pq.read_metadata(tmp_path / shard.file).row_group(0)
    expected = {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    assert {group.column(column).compression for column in range(group.num_columns)} == {expected}
    assert pq.read_table(tmp_path / shard.file) == pa.Table.from_batches([batch([3, 2])])


def test_no_rows_make_one_shard_with_the_columns(tmp_path: Path) -> None:
    made = write(tmp_path, [batch([])], shard_tokens=10)
    assert [(shard.rows, shard.tokens) for shard in made] == [(0, 0)]
    assert pq.read_schema(tmp_path / made[0].file).names == ["input_ids", "length", "id"]


def test_columns_must_agree(tmp_path: Path) -> None:
    required = pa.schema([pa.field(field.name, field.type, nullable=False) for field in batch([1]).schema], {"a": "b"})
    same = pa.RecordBatch.from_arrays(batch([1]).columns, schema=required)
    assert write(tmp_path, [batch([1]), same], 10)[0].rows == 2
    other = batch([1]).set_column(2, "id", pa.array(["x"]))
    with pytest.raises(DataError, match=r"id int64, then .*id string"):
        write(tmp_path, [batch([1]), other], 10)


def test_an_unfinished_shard_is_removed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path, shard_tokens=4) as writer:
        writer.write(batch([4, 1]))
        assert (tmp_path / "train-00001.parquet.tmp").exists()
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["train-00000.parquet"]
    with pytest.raises(DataError, match="`shard_tokens` is 0; use at least 1"):
        ShardWriter(tmp_path, shard_tokens=0)


def noted(count: int, reached: list[int]) -> Iterator[int]:
    """Numbers from 0, which are noted when they are made."""
    for number in range(count):
        reached.append(number)
        yield number


def test_a_channel_keeps_order_and_is_bounded() -> None:
    channel, reached = Channel[int](2), list[int]()
    thread = channel.feed(noted(10, reached), name="feeder")
    received = iter(channel)
    assert next(received) == 0
    thread.join(0.2)
    assert thread.is_alive()
    assert len(reached) <= 4
    assert list(received) == list(range(1, 10))
    thread.join()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_errors_cross_a_channel_both_ways(error: BaseException) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise error

    channel = Channel[int](2)
    thread = channel.feed(broken(), name="feeder")
    with pytest.raises(type(error)):
        list(channel)
    thread.join()

    def fail(_: int) -> None:
        raise error

    channel = Channel[int](2)
    thread = channel.drain(fail, name="drainer")
    with pytest.raises(type(error)):
        for number in range(10):
            channel.put(number)
    with pytest.raises(type(error)):
        channel.check()
    thread.join()


def test_without_capacity_an_item_is_taken_before_the_next_one_is_made() -> None:
    channel, made = Channel[int](0), list[int]()
    thread = channel.feed(noted(4, made), name="feeder")
    received = iter(channel)
    for number in range(4):
        assert next(received) == number
        time.sleep(0.05)
        assert len(made) <= number + 2
    assert list(received) == []
    thread.join()


def test_a_relay_passes_items_on_after_a_function() -> None:
    one, other, seen = Channel[int](0), Channel[int](1), list[int]()
    threads = one.feed(iter(range(5)), name="feeder"), one.relay(seen.append, other, name="relay")
    assert list(other) == seen == list(range(5))
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("place", ["before", "inside", "after"])
def test_an_error_reaches_both_ends_of_a_relay(place: str) -> None:
    def fail_at(here: str) -> Callable[[int], None]:
        def take(number: int) -> None:
            if place == here and number == 2:
                raise ValueError(place)

        return take

    def numbers() -> Iterator[int]:
        for number in range(100):
            fail_at("before")(number)
            yield number

    one, other = Channel[int](0), Channel[int](1)
    threads = [
        one.feed(numbers(), name="feeder"),
        one.relay(fail_at("inside"), other, name="relay"),
        other.drain(fail_at("after"), name="drainer"),
    ]
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()
    with pytest.raises(ValueError, match=place):
        other.check()
    with pytest.raises(ValueError, match=place):
        one.check()


def test_a_stopped_channel_ends_its_threads() -> None:
    channel = Channel[int](1)
    thread = channel.feed(iter(range(100)), name="feeder")
    channel.fail(StoppedError())
    thread.join(5)
    assert not thread.is_alive()
    assert not [each for each in threading.enumerate() if each.name == "feeder"]
