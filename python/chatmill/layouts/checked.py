"""`check_rows`: whether rows that were read can be used: lists of one length, of the right kind, without nulls."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.options.choices import PackMark, choices
from chatmill.outputs.shards import ANSWER_COLUMNS

# The lists that have a value for each token.
_OF_TOKENS = ("labels", "weights", "attention_mask", "position_ids", "segment_ids", "loss_mask")
_LISTS = {"input_ids", *_OF_TOKENS, *choices(PackMark), *ANSWER_COLUMNS}


def check_rows(batch: pa.RecordBatch, kept: Collection[str]) -> None:
    """Check rows: a damaged or forged file can have anything, and bounds of lists would be read as places in memory.

    Args:
        batch: The rows.
        kept: The columns that the user kept, which may have any type.

    Raises:
        ValueError: A column of chatmill is not as chatmill writes it. pyarrow's errors are of this kind too.

    Example:
        >>> lists = pa.list_(pa.int32())
        >>> rows = {"input_ids": pa.array([[5, 6]], lists), "labels": pa.array([[5]], lists)}
        >>> check_rows(pa.record_batch(rows), ())
        Traceback (most recent call last):
        ValueError: labels has another number of values than input_ids
    """
    batch.validate(full=True)
    # A damaged file may have names that are no texts, or the same name twice.
    names = batch.schema.names
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    own = [name for name in names if name not in kept]
    for name in own:
        column = batch.column(name)
        if name == "length" and (column.null_count or not pa.types.is_integer(column.type)):
            raise ValueError("the column length is no column of numbers")
        if name in _LISTS:
            _check_list(name, column)
    if "input_ids" in own:
        lengths = pc.list_value_length(batch.column("input_ids"))
        for name in own:
            if name in _OF_TOKENS and pc.list_value_length(batch.column(name)) != lengths:
                raise ValueError(f"{name} has another number of values than input_ids")


def _check_list(name: str, column: pa.Array) -> None:
    known = (pa.float32(),) if name == "weights" else (pa.int8(), pa.int32())
    if not pa.types.is_list(column.type) or column.type.value_type not in known:
        raise ValueError(f"the column {name} has the type {column.type}")
    if column.null_count or column.flatten().null_count:
        raise ValueError(f"the column {name} has nulls")
