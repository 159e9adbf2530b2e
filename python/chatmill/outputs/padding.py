"""`padding_before`: how much padding each row has on its left."""

import pyarrow as pa
import pyarrow.compute as pc


def padding_before(batch: pa.RecordBatch) -> pa.Array:
    """Return the number of padding tokens before the tokens of each row.

    Args:
        batch: Rows with `input_ids` and `length`. Rows with padding also have `attention_mask`, which tells its side.

    Returns:
        int64; 0 for a row whose padding is on the right, and for a row without tokens.

    Example:
        >>> rows = {"input_ids": [[0, 0, 5], [6, 0]], "attention_mask": [[0, 0, 1], [1, 0]], "length": [1, 1]}
        >>> padding_before(pa.record_batch(rows)).to_pylist()
        [2, 0]
    """
    none = pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows)
    widths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int64())
    room = pc.fill_null(pc.subtract(widths, pc.cast(batch.column("length"), pa.int64())), 0)
    # Without padding it may be a kept column of any type.
    has_padding = pc.greater(room, 0)
    if not pc.any(has_padding).as_py() or "attention_mask" not in batch.schema.names:
        return none
    mask = batch.column("attention_mask")
    # Rows without values have no first one, so they look at another.
    starts = pc.if_else(has_padding, mask.offsets.slice(0, len(mask)), mask.offsets[0])
    is_left = pc.and_(has_padding, pc.equal(pc.take(mask.values, starts), 0))
    return pc.if_else(is_left, room, none)
