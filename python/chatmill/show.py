"""One row of a file as its tokens, the trained part coloured: what the labels look like, for eyes."""

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from chatmill._chatmill import DataError, Encoding, Mill, RowError
from chatmill.inputs import InputPath, find_inputs, read_blocks
from chatmill.inputs.block import Block

_MASKED = -100
_OPEN, _CLOSE = "⟦", "⟧"


def show_encoding(encoding: Encoding, *, color: bool = True) -> Text:
    """The text of a conversation with its trained part marked, and a line that says what the marks mean.

    Args:
        encoding: What `Mill.encode` gives.
        color: Mark by colour: trained green, masked dim. Without colour ⟦ ⟧ stand around the trained parts.

    Returns:
        Text for `rich.print`, or for `str`.

    Example:
        >>> print(show_encoding(mill.encode(messages), color=False))  # doctest: +SKIP
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant
        ⟦Hello!<|im_end|>⟧
    """
    shown = Text()
    for is_trained, text in _stretches(encoding):
        if color:
            shown.append(text, style="green" if is_trained else "dim")
        else:
            shown.append(f"{_OPEN}{text}{_CLOSE}" if is_trained else text)
    trained = sum(label != _MASKED for label in encoding.labels)
    count, share = len(encoding), 100 * trained / max(1, len(encoding))
    shown.append("\n" if encoding.text.endswith("\n") else "\n\n")
    shown.append("trained" if color else f"{_OPEN}trained{_CLOSE}", style="green" if color else "")
    shown.append(f" {trained:,} of {count:,} tokens ({share:.1f} %), ")
    shown.append("masked", style="dim" if color else "")
    shown.append(f" {count - trained:,}")
    return shown


def encode_row(mill: Mill, inputs: InputPath | list[InputPath], row: int = 0) -> Encoding:
    """Render, tokenize and label one row of the inputs.

    Args:
        mill: What encodes.
        inputs: As for `prepare`.
        row: Which one, from 0, over all inputs.

    Raises:
        DataError: There is no such row, or it has not the form of a conversation.
        RowError: The row cannot be turned into tokens.

    Example:
        >>> encode_row(mill, "chats.jsonl", 3).text  # doctest: +SKIP
        '<|im_start|>user…'
    """
    rows_before = 0
    for block in read_blocks(find_inputs(inputs), block_bytes=1 << 20):
        index = row - rows_before
        if 0 <= index < block.batch.num_rows:
            try:
                return mill.encode_row(block.batch, index, json_column=block.json_column)
            except RowError as error:
                raise RowError(f"{_place(block, index, error)}: {error.failure.text}") from error
        rows_before += block.batch.num_rows
    raise DataError(f"there is no row {row}: the inputs have {rows_before} rows, counted from 0")


def _place(block: Block, index: int, error: RowError) -> str:
    """Where a row stands, and where in it the fault is, as far as that is known."""
    failure = error.failure
    parts = {**block.where(index), "message": failure.message, "template line": failure.template_line}
    named = {unit: value for unit, value in parts.items() if value is not None}
    return ", ".join(str(value) if unit == "file" else f"{unit} {value}" for unit, value in named.items())


def _stretches(encoding: Encoding) -> Iterator[tuple[bool, str]]:
    """The whole text, cut where tokens change between trained and masked."""
    position = 0
    for is_trained, tokens in groupby(encoding.tokens, key=lambda token: token.label != _MASKED):
        end = max(token.end for token in tokens)
        if end > position:
            yield is_trained, encoding.text[position:end]
            position = end
    if position < len(encoding.text):
        yield False, encoding.text[position:]
