"""`shape_of`: how the rows are arranged in a `.json` file, from its beginning."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chatmill._chatmill import DataError
from chatmill.inputs.json_cursor import JsonCursor
from chatmill.text.parsing import parse_json

# Keys whose list holds rows, also if there are keys beside it.
_ROW_KEYS = {"data", "rows", "train", "examples", "instances", "items", "records", "samples", "dataset"}
# Keys of messages: a list of these is one conversation, not a list of rows.
_MESSAGE_KEYS = {"role", "from", "content", "value"}


@dataclass(frozen=True)
class Shape:
    """How the rows are arranged in a JSON file.

    Attributes:
        kind: `lines` for one object on each line, `array` for one array, `objects` for objects one after the other,
            which may take several lines, `key` for one object that has the rows in a list.
        key: The key of that list.
    """

    kind: Literal["lines", "array", "objects", "key"]
    key: str = ""


def shape_of(beginning: bytes, *, is_whole: bool) -> Shape:
    r"""Tell how the rows are arranged in a JSON file.

    Args:
        beginning: The beginning of its text.
        is_whole: Whether this is all of its text.

    Example:
        >>> shape_of(b'[{"a": 1}]', is_whole=True).kind, shape_of(b'{"a": 1}\\n{"a": 2}', is_whole=True).kind
        ('array', 'lines')
        >>> shape_of(b'{"version": 1, "data": [{"a": 1}]}', is_whole=True)
        Shape(kind='key', key='data')
    """
    pieces = [beginning]
    cursor = JsonCursor(
        lambda _: pieces.pop() if pieces else b"", piece_bytes=len(beginning), most_bytes=len(beginning)
    )
    first = cursor.peek()
    if first == "[":
        return Shape("array")
    if first != "{":
        return Shape("lines")
    try:
        text = cursor.value()
    except DataError:  # the first object is longer than this, or damaged
        key = _first_list(beginning)
        return Shape("lines") if key is None else Shape("key", key)
    if not isinstance(text, bytes):
        return Shape("lines")
    if is_whole and not cursor.peek():
        key = _key_of_rows(text)
        if key is not None:
            return Shape("key", key)
    return Shape("objects" if b"\n" in text else "lines")


def _key_of_rows(text: bytes) -> str | None:
    """Return the key of the list of rows in an object; None if the object is a row."""
    try:
        value = parse_json(text)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    keys = [key for key, inner in value.items() if _are_rows(inner)]
    if len(keys) == 1 and (len(value) == 1 or keys[0] in _ROW_KEYS):
        return str(keys[0])
    return None


def _first_list(beginning: bytes) -> str | None:
    """Return the key of the list of rows in an object whose end is not known; None if the object seems to be a row."""
    text = beginning.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    decode = json.JSONDecoder(strict=False).raw_decode
    at, is_first = 1, True
    try:
        while True:
            key, at = decode(text, _after(text, at, ""))
            at = _after(text, at, ":")
            if text[at] == "[" and isinstance(key, str) and (is_first or key in _ROW_KEYS):
                row, _ = decode(text, _after(text, at, "["))
                if _are_rows([row]):
                    return str(key)
            _, at = decode(text, at)
            at, is_first = _after(text, at, ","), False
    except (ValueError, IndexError, RecursionError):
        return None


def _after(text: str, at: int, mark: str) -> int:
    """Return the place of the next value behind a mark."""
    while text[at].isspace():
        at += 1
    if not text.startswith(mark, at):
        raise ValueError(text[at])
    at += len(mark)
    while text[at].isspace():
        at += 1
    return at


def _are_rows(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, Mapping) for row in value)
        and not any(_MESSAGE_KEYS & row.keys() for row in value[:10])
    )
