"""`with_tokens`: the rows of a block that have tokens. The tokens are not copied."""

import pyarrow as pa
import pyarrow.compute as pc

_ERROR = "error"


def with_tokens(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows without an error, and without the column of errors.

    Args:
        batch: The rows of a block, with a column `error` (string, null for rows that have tokens).

    Example:
        >>> batch = pa.record_batch({"input_ids": [[1, 2], None, [3]], "error": [None, "no messages", None]})
        >>> with_tokens(batch).to_pydict()
        {'input_ids': [[1, 2], [3]]}
    """
    errors = batch.column(_ERROR)
    batch = batch.drop_columns([_ERROR])
    if errors.null_count == batch.num_rows:
        return batch
    keep = errors.is_null()
    return pa.RecordBatch.from_arrays([_kept(column, keep) for column in batch.columns], schema=batch.schema)


def _kept(column: pa.Array, keep: pa.BooleanArray) -> pa.Array:
    """Return the rows to keep. The lists of the other rows are empty, so their values need no copy."""
    if not pa.types.is_list(column.type):
        return column.filter(keep)
    starts, end = column.offsets.slice(0, len(column)).filter(keep), column.offsets.slice(len(column))
    lengths = column.value_lengths().filter(keep)
    if lengths.null_count or (pc.sum(lengths).as_py() or 0) != end[0].as_py() - column.offsets[0].as_py():
        return column.filter(keep)
    return pa.ListArray.from_arrays(pa.concat_arrays([starts, end]), column.values, type=column.type)
