"""`block_digest`: what the rows of a block are, as a checksum."""

import hashlib

from chatmill.inputs import Block


def block_digest(block: Block) -> str:
    """Return the SHA-256 of the rows of a block, in hexadecimal digits. Where the rows are does not count.

    Args:
        block: The rows.

    Example:
        >>> import pyarrow as pa
        >>> batch = pa.record_batch({"json": pa.array([b"{}", b"[]"], pa.large_binary())})
        >>> one, other = (Block(batch[at : at + 1], "json", None, 0, None, 0) for at in (0, 1))
        >>> block_digest(one) == block_digest(one), block_digest(one) == block_digest(other)
        (True, False)
    """
    found = hashlib.sha256()
    # A column of lines and a column of that name are different rows.
    found.update(f"{block.json_column is not None} {block.batch.num_rows}\n".encode())
    found.update(block.batch.schema.serialize())
    # The message has the rows alone, also for a slice of a larger batch.
    found.update(block.batch.serialize())
    return found.hexdigest()
