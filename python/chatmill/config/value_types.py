"""The types of values in a config: how each type is read and checked, and its JSON schema."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatmill.config.document import Value
from chatmill.pipeline.limit import RejectLimit

# `1e-2` is a number in YAML 1.2, but text in YAML 1.1, which PyYAML reads. axolotl reads it as a number.
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")

_PERCENT = re.compile(r"(100|[0-9]{1,2}(\.[0-9]+)?) ?%")


@dataclass(frozen=True)
class ValueType:
    """The type of a value.

    Attributes:
        read: Converts a value of the file, which is not null, to a Python value.
        schema: The JSON schema of the value, for editors, without null.
    """

    read: Callable[[Value], Any]
    schema: Mapping[str, Any]


def one_of(*choices: str) -> ValueType:
    """Return the type of a choice between words.

    Args:
        choices: The valid words.

    Example:
        >>> one_of("drop", "raise").schema
        {'enum': ['drop', 'raise']}
    """

    def read(value: Value) -> str:
        if value.tag != "str" or value.node.value not in choices:
            raise value.mismatch(f"one of {', '.join(choices)}")
        return str(value.node.value)

    return ValueType(read, {"enum": list(choices)})


def whole(minimum: int | None = None) -> ValueType:
    """Return the type of an integer.

    Args:
        minimum: The smallest valid value; None for any.

    Example:
        >>> whole(1).schema
        {'type': 'integer', 'minimum': 1}
    """
    expected = "an integer" if minimum is None else f"an integer, {minimum} or more"

    def read(value: Value) -> int:
        number = _number(value, expected)
        if number != int(number) or (minimum is not None and number < minimum):
            raise value.mismatch(expected)
        return int(number)

    return ValueType(read, {"type": "integer"} if minimum is None else {"type": "integer", "minimum": minimum})


def _number(value: Value, expected: str) -> float:
    if value.tag in ("int", "float"):
        number = value.scalar()
    elif value.is_bare and _NUMBER.fullmatch(value.node.value):
        number = float(value.node.value)
    else:
        raise value.mismatch(expected)
    if not math.isfinite(number):
        raise value.mismatch(expected)
    return number  # type: ignore[no-any-return]  # an int or a float


def _text(value: Value) -> str:
    if value.tag != "str":
        raise value.mismatch("text")
    return str(value.node.value)


def _name(value: Value) -> str:
    if value.tag != "str" or not value.node.value.strip():
        raise value.mismatch("text that is not empty")
    return str(value.node.value)


def _flag(value: Value) -> bool:
    if value.tag != "bool":
        raise value.mismatch("true or false")
    return bool(value.scalar())


def _weight(value: Value) -> float:
    number = float(_number(value, "a number above 0"))
    if number <= 0:
        raise value.mismatch("a number above 0")
    return number


def _share(value: Value) -> float | int:
    expected = "a share below 1, such as 0.05, or a number of rows, such as 500"
    number = _number(value, expected)
    if number < 0 or (number > 1 and number != int(number)):
        raise value.mismatch(expected)
    return int(number) if number >= 1 else float(number)


def _reject_limit(value: Value) -> RejectLimit:
    expected = "a percentage such as 5%, a share such as 0.05, or a number of rows"
    if value.tag == "str" and _PERCENT.fullmatch(value.node.value):
        return RejectLimit.of(value.node.value)
    number = _number(value, expected)
    if number < 0 or (number > 1 and number != int(number)):
        raise value.mismatch(expected)
    return RejectLimit.of(int(number) if number > 1 else number)


def _texts(value: Value) -> tuple[str, ...]:
    if value.tag != "seq":
        raise value.mismatch("a list of texts")
    return tuple(_text(item) for item in value.items())


def _text_or_texts(value: Value) -> tuple[str, ...]:
    if value.tag not in ("str", "seq"):
        raise value.mismatch("text or a list of texts")
    return (_name(value),) if value.tag == "str" else _texts(value)


def _text_by_name(value: Value) -> dict[str, str]:
    if value.tag != "map":
        raise value.mismatch("a mapping from text to text")
    return {field.name: _text(field) for field in value.fields() if not field.is_null}


def _texts_by_name(value: Value) -> dict[str, tuple[str, ...]]:
    if value.tag != "map":
        raise value.mismatch("a mapping from text to lists of texts")
    return {field.name: _texts(field) for field in value.fields() if not field.is_null}


def _values_by_name(value: Value) -> dict[str, Any]:
    if value.tag != "map":
        raise value.mismatch("a mapping")
    return {field.name: field.plain() for field in value.fields()}


_LIST_OF_TEXTS = {"type": "array", "items": {"type": "string"}}

TEXT = ValueType(_text, {"type": "string"})
NAME = ValueType(_name, {"type": "string", "minLength": 1})
FLAG = ValueType(_flag, {"type": "boolean"})
WEIGHT = ValueType(_weight, {"type": "number", "exclusiveMinimum": 0})
SHARE = ValueType(
    _share, {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "integer", "minimum": 1}]}
)
REJECT_LIMIT = ValueType(
    _reject_limit,
    {
        "anyOf": [
            {"type": "string", "pattern": f"^{_PERCENT.pattern}$"},
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "integer", "minimum": 0},
        ]
    },
)
TEXTS = ValueType(_texts, _LIST_OF_TEXTS)
TEXT_OR_TEXTS = ValueType(_text_or_texts, {"anyOf": [{"type": "string", "minLength": 1}, _LIST_OF_TEXTS]})
TEXT_BY_NAME = ValueType(_text_by_name, {"type": "object", "additionalProperties": {"type": ["string", "null"]}})
TEXTS_BY_NAME = ValueType(
    _texts_by_name, {"type": "object", "additionalProperties": {"anyOf": [_LIST_OF_TEXTS, {"type": "null"}]}}
)
VALUES_BY_NAME = ValueType(_values_by_name, {"type": "object"})
