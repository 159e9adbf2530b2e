"""`fits`: whether tokens that were kept are those of a block, as far as this can be told without making them again."""

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import Mill, TokenBatch
from chatmill.inputs import JSON_COLUMN

# Lists with a value for each token.
_OF_TOKENS = ("input_ids", "labels", "attention_mask", "position_ids")


def fields_of(mill: Mill) -> list[pa.Field]:
    """Return the columns of the tokens of a mill. Those that it copies from rows have other types in other inputs.

    Args:
        mill: The mill.
    """
    # `pa.array` of a list imports pandas if it is installed, which takes 0.2 s.
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, pa.large_binary())], names=[JSON_COLUMN])
    return list(pa.schema(mill(empty, json_column=JSON_COLUMN)))


def fits(tokens: TokenBatch, rows: int, fields: Sequence[pa.Field], kept_columns: Collection[str]) -> bool:
    """Return whether tokens have the columns of a mill, and the number of rows and the lengths that they tell.

    A block has a checksum against damage. This is for one that was forged, or that another program has written: then a
    run must not crash, or lose or shift rows. Other ids of the same number cannot be told apart.

    Args:
        tokens: The tokens.
        rows: The number of rows of the block.
        fields: The columns of the mill.
        kept_columns: Those that are copied from the rows, whose types are not compared.
    """
    batch = pa.record_batch(tokens)
    names = [it.name for it in fields]
    if tokens.num_rows_in != rows or batch.schema.names != names or not _has_statistics(tokens, rows):
        return False
    plain = [it for it in fields if it.name not in kept_columns]
    if any(batch.schema.field(it.name) != it for it in plain):
        return False
    names = [it.name for it in plain]
    place = batch.column("row") if "row" in names else pa.array(range(batch.num_rows), pa.int64())
    if place.null_count or ("row" not in names and batch.num_rows != rows) or not _are_rows(place, rows):
        return False
    is_sample = pc.is_null(batch.column("error"))
    failed = place.filter(pc.invert(is_sample)).to_pylist()
    if failed != [it.row for it in tokens.failures]:
        return False
    # No filter, which would copy all tokens.
    lists = [name for name in names if pa.types.is_list(batch.schema.field(name).type)]
    there = [name for name in names if name in lists or name == "length"]
    has_gap = any(batch.column(name).values.null_count for name in lists)
    if has_gap or any(batch.column(name).is_valid() != is_sample for name in there):
        return False
    lengths = [pc.list_value_length(batch.column(name)) for name in lists if name in _OF_TOKENS]
    return all(it.equals(lengths[0]) for it in lengths)


def _are_rows(place: pa.Array, rows: int) -> bool:
    """Return whether numbers are those of rows, in their order."""
    if not len(place):
        return True
    is_ordered = not pc.any(pc.less(place[1:], place[:-1])).as_py()
    return is_ordered and place[0].as_py() >= 0 and place[-1].as_py() < rows


def _has_statistics(tokens: TokenBatch, rows: int) -> bool:
    """Return whether the statistics are there, and name only rows of the block."""
    statistics = tokens.statistics
    if statistics is None:
        return False
    named = (*statistics.first_rows.values(), *(row for _, row in statistics.extremes.values()))
    return all(row < rows for row in named)
