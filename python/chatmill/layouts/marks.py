"""`segments_of`: where the rows of packs are, whatever columns mark them."""

from bisect import bisect_left
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.contents import Contents


def segments_of(batch: pa.RecordBatch, contents: Contents) -> pa.ListArray:
    """Return the lengths of the rows of each pack; a row that is not packed is one segment.

    Args:
        batch: Rows.
        contents: What they hold.

    Returns:
        list<int32>, whose sum is the number of tokens of the row; empty for a row without tokens.

    Raises:
        DataError: The marks of a pack do not tell where its rows are.

    Example:
        >>> rows = pa.record_batch({"input_ids": [[5, 6, 7]], "position_ids": [[0, 0, 1]]})
        >>> segments_of(rows, Contents(rows.schema, {"packing": {}}, "t")).to_pylist()
        [[1, 2]]
    """
    wrong = DataError("the marks of a pack do not tell where its rows are; copy the output again, or make it again")
    try:
        segments = _segments(batch, contents)
    except (pa.ArrowInvalid, OverflowError):
        raise wrong from None
    flat = segments.flatten()
    ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(pc.cast(flat, pa.int64()))])
    sums = pc.subtract(*(pc.take(ends, bounds) for bounds in _own_bounds(segments)))
    lengths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int64())
    if sums != lengths or (pc.min(flat).as_py() or 0) < 0:
        raise wrong
    return segments


def _own_bounds(lists: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """Return where each list ends and starts among the values of all."""
    offsets = pc.subtract(lists.offsets, lists.offsets[0])
    return offsets[1:], offsets[:-1]


def _segments(batch: pa.RecordBatch, contents: Contents) -> pa.ListArray:
    lengths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int32())
    if not contents.is_packed:
        return _lists([[length] if length else [] for length in lengths.to_pylist()])
    mark = next(iter(contents.marks), None)
    if mark == "seq_lengths":
        return batch.column(mark).cast(pa.list_(pa.int32()))
    if mark in ("cu_seqlens", "seq_start_id"):
        bounds = batch.column(mark).to_pylist()
    elif mark == "position_ids":
        flat = batch.column(mark).flatten()
        bounds = _bounds(pc.indices_nonzero(pc.equal(flat, 0)).to_pylist(), lengths.to_pylist())
    else:
        # LLaMA-Factory reads the numbers of rows as its mask. Padding has the number 0, and belongs to the row before.
        flat = batch.column("segment_ids" if mark == "segment_ids" else "attention_mask").flatten()
        changes = pc.and_(pc.not_equal(flat[1:], flat[:-1]), pc.not_equal(flat[1:], 0))
        bounds = _bounds([at + 1 for at in pc.indices_nonzero(changes).to_pylist()], lengths.to_pylist())
    return _lists(
        [
            [end - start for start, end in pairwise(sorted({0, *inner, length}))]
            for inner, length in zip(bounds, lengths.to_pylist(), strict=True)
        ]
    )


def _bounds(places: list[int], lengths: list[int]) -> list[list[int]]:
    """Return the places in each row, counted from its start, of places in all rows."""
    bounds, start, at = [], 0, 0
    for length in lengths:
        after = bisect_left(places, start + length, at)
        bounds.append([place - start for place in places[at:after]])
        start, at = start + length, after
    return bounds


def _lists(values: list[list[int]]) -> pa.ListArray:
    return pa.array(values, pa.list_(pa.int32()))
