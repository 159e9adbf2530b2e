"""`mill_block`, `encode_row_of` and `encode_rows_of`: rows of a block, processed by a mill. Errors name the place."""

from collections.abc import Sequence
from typing import Literal

from chatmill._chatmill import (
    ChatmillError,
    DataError,
    Encoding,
    Mill,
    RowError,
    RowFailure,
    TokenBatch,
    encode_rows,
)
from chatmill.inputs.block import Block
from chatmill.text.failures import place_in_row


def mill_block(mill: Mill, block: Block, *, statistics: bool | Literal["all"] = False) -> TokenBatch:
    """Make the tokens of a block.

    Args:
        mill: The mill.
        block: The rows.
        statistics: Whether to count what `TokenBatch.statistics` has; `"all"` for the regions of all rows.

    Raises:
        RowError: A row fails that must end the run, because of `truncation="raise"` or `unproved: raise`.
        DataError: The block cannot be read.
    """
    try:
        tokens = mill(block.batch, json_column=block.json_column, statistics=statistics)
    except RowError as error:
        raise _placed(block, error.failure.row, error.failure) from error
    except DataError as error:
        raise DataError(f"{block.file.path}: {error}") from error
    if tokens.num_rows_in != block.batch.num_rows:
        raise ChatmillError(
            f"{block.file.path}: the block has {block.batch.num_rows} rows, but the mill read {tokens.num_rows_in}; "
            "please report this as a bug of chatmill"
        )
    return tokens


def encode_row_of(mill: Mill, block: Block, index: int) -> Encoding:
    """Encode one row of a block.

    Args:
        mill: The mill.
        block: The rows.
        index: The row in the block.

    Raises:
        RowError: The row has no tokens.
    """
    long = block.long_rows.get(index)
    if long is not None:
        raise RowError(f"{block.place(index)}: {long.reason}")
    try:
        return mill.encode_row(block.batch, index, json_column=block.json_column)
    except RowError as error:
        raise _placed(block, index, error.failure) from error


def encode_rows_of(mill: Mill, block: Block, rows: Sequence[int]) -> dict[int, Encoding]:
    """Encode some rows of a block. It waits for a thread of the mill, and takes less time than row by row.

    Args:
        mill: The mill.
        block: The rows.
        rows: Their numbers in the block.

    Returns:
        The encodings of the rows that have tokens, by their numbers.
    """
    rows = [row for row in rows if row not in block.long_rows]
    encodings = encode_rows(mill, block.batch, rows, json_column=block.json_column) if rows else []
    return {row: encoding for row, encoding in zip(rows, encodings, strict=True) if encoding is not None}


def _placed(block: Block, index: int, failure: RowFailure) -> RowError:
    places = filter(None, (block.place(index), place_in_row(failure)))
    return RowError(f"{', '.join(places)}: {failure.text}")
