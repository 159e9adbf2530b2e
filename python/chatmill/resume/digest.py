"""`block_digest`: what the rows of a block are, as a checksum."""

import pyarrow as pa

from chatmill._chatmill import lines_digest
from chatmill.inputs import Block
from chatmill.inputs.integers import integers

_WHOLE = "stream"


def block_digest(block: Block) -> str:
    """Return the BLAKE3 checksum of the rows of a block, in hexadecimal digits. Where the rows are does not count.

    Args:
        block: The rows.

    Example:
        >>> batch = pa.record_batch({"json": pa.array([b"{}", b"[]"], pa.large_binary())})
        >>> one, other = (Block(batch[at : at + 1], "json", None, 0, None, 0) for at in (0, 1))
        >>> block_digest(one) == block_digest(one), block_digest(one) == block_digest(other)
        (True, False)
    """
    # A column of lines and a column of that name are different rows.
    kind = f"{block.json_column is not None} {block.batch.num_rows} {bytes(block.batch.schema.serialize()).hex()}"
    return lines_digest(kind, block.batch if _is_lines(block.batch) else _whole(block.batch))


def _is_lines(batch: pa.RecordBatch) -> bool:
    return batch.num_columns == 1 and bool(pa.types.is_large_binary(batch.column(0).type))


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose only value is the rows as an Arrow stream.

    The stream has the rows alone, also for a slice of a larger batch, and the dictionaries of its columns, which a
    message of the batch would lack. It is a copy, which takes longer.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    data = sink.getvalue()
    ends = integers([0, data.size]).buffers()[1]
    return pa.record_batch([pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, data])], names=[_WHOLE])
