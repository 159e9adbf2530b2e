"""One row of a file as its tokens, the trained part coloured: what the labels look like, for eyes."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.text import Text

from chatmill._chatmill import DataError, Encoding, Mill
from chatmill.inputs import MESSAGE_COLUMNS, InputPath, find_inputs, read_blocks

_MASKED = -100
_OPEN, _CLOSE = "⟦", "⟧"
_PARTS = ("tools", "documents", "chat_template_kwargs")


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
    fields, place = _read_row(inputs, row)
    messages = next((fields[name] for name in MESSAGE_COLUMNS if fields.get(name) is not None), None)
    if messages is None:
        raise DataError(f"{place} has no {' or '.join(MESSAGE_COLUMNS)}: it has {', '.join(fields)}")
    tools, documents, variables = (fields.get(name) for name in _PARTS)
    return mill.encode(messages, tools, documents, **(variables or {}))


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


def _read_row(inputs: InputPath | list[InputPath], row: int) -> tuple[dict[str, Any], str]:
    """The fields of a row, and where it stands."""
    rows_before = 0
    for block in read_blocks(find_inputs(inputs), block_bytes=1 << 20):
        index = row - rows_before
        if 0 <= index < block.batch.num_rows:
            place = ", ".join(
                f"{unit} {value}" if unit != "file" else str(value) for unit, value in block.where(index).items()
            )
            return _fields(block.batch.slice(index, 1).to_pylist()[0], block.json_column, place), place
        rows_before += block.batch.num_rows
    raise DataError(f"there is no row {row}: the inputs have {rows_before} rows, counted from 0")


def _fields(record: dict[str, Any], json_column: str | None, place: str) -> dict[str, Any]:
    if json_column is None:
        return {name: _from_column(value, place) for name, value in record.items()}
    fields = _parse(record[json_column], place)
    if not isinstance(fields, dict):
        raise DataError(f"{place} is not a JSON object: each line must be one, with {' or '.join(MESSAGE_COLUMNS)}")
    return fields


def _from_column(value: Any, place: str) -> Any:
    """A value of an Arrow column; its nulls are there only because all structs of a column have the same fields."""
    return _parse(value, place) if isinstance(value, (str, bytes)) else _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _parse(text: str | bytes, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as cause:
        raise DataError(f"{place} is not JSON: {cause}") from None
