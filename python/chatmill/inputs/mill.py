"""`mill_block` and `encode_row_of`: the rows of a block, processed by a mill. Errors name the file and the line."""

from typing import Literal

from chatmill._chatmill import ChatmillError, DataError, Encoding, Mill, RowError, RowFailure, TokenBatch
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


def _placed(block: Block, index: int, failure: RowFailure) -> RowError:
    places = filter(None, (block.place(index), place_in_row(failure)))
    return RowError(f"{', '.join(places)}: {failure.text}")
