"""`block_digest`: what the rows of a block are, as a checksum."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa

from chatmill.inputs import Block


def block_digest(block: Block) -> str:
    """Return the SHA-256 of the rows of a block, in hexadecimal digits. Where the rows are does not count.

    Args:
        block: The rows.

    Example:
        >>> batch = pa.record_batch({"json": pa.array([b"{}", b"[]"], pa.large_binary())})
        >>> one, other = (Block(batch[at : at + 1], "json", None, 0, None, 0) for at in (0, 1))
        >>> block_digest(one) == block_digest(one), block_digest(one) == block_digest(other)
        (True, False)
    """
    found = hashlib.sha256()
    # A column of lines and a column of that name are different rows.
    found.update(f"{block.json_column is not None} {block.batch.num_rows}\n".encode())
    found.update(block.batch.schema.serialize())
    for buffer in _buffers(block.batch):
        found.update(buffer)
    return found.hexdigest()


def _buffers(batch: pa.RecordBatch) -> Iterator[pa.Buffer | memoryview]:
    """Yield bytes that are the same for the same rows, wherever they are in memory."""
    column = batch.column(0) if batch.num_columns == 1 else None
    is_lines = column is not None and pa.types.is_large_binary(column.type) and not column.null_count
    if not is_lines or column is None or column.offset or not len(column):
        # The message has the rows alone, also for a slice of a larger batch. It is a copy, which takes longer.
        yield batch.serialize()
        return
    _, offsets, data = column.buffers()
    ends = memoryview(offsets)[: 8 * (len(column) + 1)].cast("q")
    if ends[0]:
        yield batch.serialize()
        return
    yield ends
    yield memoryview(data)[: ends[-1]]
