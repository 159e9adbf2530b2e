"""`Row`: a row of data as a conversation, read in the forms that a mill reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatmill._chatmill import DataError
from chatmill.text.parsing import parse_json


@dataclass(frozen=True)
class Row:
    """One row of data.

    Attributes:
        index: Index of the row, from 0.
        messages: Its messages.
        tools: Its tools.
        documents: Its documents.
        variables: Its template variables.
    """

    index: int
    messages: list[Mapping[str, Any]]
    tools: list[Any] | None = None
    documents: list[Any] | None = None
    variables: dict[str, Any] = field(default_factory=dict)


def to_rows(data: Iterable[Any]) -> Iterator[Row]:
    """Read rows of data as conversations.

    Args:
        data: Mappings with `messages` or `conversations`, and optionally `tools`, `documents` and
            `chat_template_kwargs`, each as a Python value or as JSON text; or lists of messages.

    Yields:
        The rows.

    Raises:
        DataError: A row is not a conversation.

    Example:
        >>> next(to_rows([{"messages": '[{"role": "user", "content": "Hi"}]'}])).messages
        [{'role': 'user', 'content': 'Hi'}]
    """
    for index, row in enumerate(data):
        given = row if isinstance(row, Mapping) else {"messages": row}
        found = given.get("messages")
        messages = _value(given.get("conversations") if found is None else found, index)
        if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
            raise DataError(
                f"row {index}: neither `messages` nor `conversations` is a list of messages; lint reads only "
                "conversations, so convert other rows first"
            )
        tools, documents = (_value(given.get(name), index) for name in ("tools", "documents"))
        yield Row(index, messages, tools, documents, _value(given.get("chat_template_kwargs"), index) or {})


def read_rows(files: Sequence[Any], most: int) -> Iterator[Mapping[str, Any]]:
    """Read the first rows of files of conversations.

    Args:
        files: As the inputs of `prepare`, or files from `find_inputs`.
        most: The maximum number of rows to read.

    Yields:
        The rows.

    Raises:
        DataError: A file cannot be read, or a line is not JSON; the message names the place.
    """
    from chatmill.inputs import find_inputs, read_blocks  # noqa: PLC0415  # only files need pyarrow
    from chatmill.inputs.values import plain_row  # noqa: PLC0415

    left = most
    for block in read_blocks(find_inputs(files), block_bytes=1 << 20):
        for number in range(min(left, block.batch.num_rows)):
            if number in block.long_rows:
                raise DataError(f"{block.place(number)}: {block.long_rows[number].reason}")
            if block.json_column is None:
                # Arrow pads missing struct fields with nulls.
                yield _without_nulls(plain_row(block.batch, number))
                continue
            try:
                yield parse_json(block.batch.column(block.json_column)[number].as_py())
            except ValueError as cause:
                raise DataError(f"{block.place(number)}: not JSON ({cause}); write one JSON object per line") from None
        left -= block.batch.num_rows
        if left <= 0:
            return


def _value(value: Any, index: int) -> Any:
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    try:
        return parse_json(value)
    except ValueError as cause:
        raise DataError(f"row {index}: a text is not JSON ({cause}); give a JSON value, or a list or mapping") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
