"""Rows of data as conversations, in the forms that a mill reads them in."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatmill._chatmill import DataError


@dataclass(frozen=True)
class Row:
    """One row of data.

    Attributes:
        index: Its place in the data, from 0.
        messages: Its conversation; empty where there is none.
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
    """Rows of data as conversations.

    Args:
        data: Mappings with `messages` or `conversations`, and perhaps `tools`, `documents` and
            `chat_template_kwargs`, each a structure or the JSON text of one; or lists of messages.

    Raises:
        DataError: A row is no conversation.

    Example:
        >>> next(to_rows([{"messages": '[{"role": "user", "content": "Hi"}]'}])).messages
        [{'role': 'user', 'content': 'Hi'}]
    """
    for index, row in enumerate(data):
        given = row if isinstance(row, Mapping) else {"messages": row}
        found = given.get("messages")
        messages = _value(given.get("conversations") if found is None else found, index)
        if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
            raise DataError(f"row {index}: `messages` (or `conversations`) must be a list of messages")
        tools, documents = (_value(given.get(name), index) for name in ("tools", "documents"))
        yield Row(index, messages, tools, documents, _value(given.get("chat_template_kwargs"), index) or {})


def read_rows(path: str, most: int) -> Iterator[Mapping[str, Any]]:
    """The first rows of files of conversations.

    Args:
        path: A path, glob or URL, as for `prepare`.
        most: How many rows to read at most.

    Raises:
        DataError: A file cannot be read, or a line is not JSON; the message names the place.
    """
    from chatmill.inputs import find_inputs, read_blocks  # noqa: PLC0415  # pyarrow, which only files need

    left = most
    for block in read_blocks(find_inputs([path]), block_bytes=1 << 20):
        for number in range(min(left, block.batch.num_rows)):
            if block.json_column is None:
                # In a column of structs every row has the fields of all others, as nulls.
                yield _without_nulls(block.batch.slice(number, 1).to_pylist()[0])
                continue
            try:
                yield json.loads(block.batch.column(block.json_column)[number].as_py())
            except ValueError as cause:
                where = ", ".join(f"{name} {value}" for name, value in block.where(number).items())
                raise DataError(f"{where}: not JSON: {cause}") from None
        left -= block.batch.num_rows
        if left <= 0:
            return


def _value(value: Any, index: int) -> Any:
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    try:
        return json.loads(value)
    except ValueError as cause:
        raise DataError(f"row {index}: not JSON: {cause}") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
