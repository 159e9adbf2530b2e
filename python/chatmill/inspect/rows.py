"""`encode_row`: encodes one row of input files."""

from typing import Any

from chatmill._chatmill import DataError, Encoding, Mill
from chatmill.formats import Format
from chatmill.inputs import find_inputs, read_blocks
from chatmill.inputs.mill import encode_row_of

_BLOCK_BYTES = 1 << 20


def encode_row(mill: Mill, inputs: Any, row: int = 0) -> Encoding:
    """Render, tokenize and label one row of the inputs.

    Args:
        mill: The mill.
        inputs: As for `prepare`, or files from `find_inputs`.
        row: Index of the row over all inputs, from 0.

    Raises:
        DataError: There is no such row, or it is not of the format.
        RowError: The row has no tokens.

    Example:
        >>> encode_row(mill, "chats.jsonl", 3).text  # doctest: +SKIP
        '<|im_start|>user…'
    """
    rows_before = 0
    columns = None if mill.format is None else mill.format.columns
    for block in read_blocks(find_inputs(inputs), columns=columns, block_bytes=_BLOCK_BYTES):
        index = row - rows_before
        if 0 <= index < block.batch.num_rows:
            return encode_row_of(mill, block, index)
        rows_before += block.batch.num_rows
    raise DataError(f"there is no row {row}; the inputs have {rows_before} rows, which are counted from 0")


def check_can_compare(form: Format | None) -> None:
    """Check that rows of a format can be compared, because each of them is one rendered text.

    Args:
        form: The format, or None for messages.

    Raises:
        DataError: Rows of the format become several sequences, or hold tokens without text.
    """
    if form is None or form.kind in {"chat", "segments"}:
        return
    reason = "they hold tokens, not text" if form.kind == "tokens" else "each becomes several sequences"
    raise DataError(
        f"rows of the format {form.name} cannot be compared, because {reason}; look at single rows with `chatmill show`"
    )
