"""A validator of JSON schemas, for the keywords of draft 2020-12 that `config_schema` uses."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

_NOTES = {"$schema", "title", "description"}


def violations(value: Any, schema: Any, place: str = "$") -> list[str]:
    """The places at which a value violates a schema."""
    if isinstance(schema, bool):
        return [] if schema else [f"{place}: may not be there"]
    found = []
    for word, given in schema.items():
        if word not in _NOTES:
            found += [f"{place}{it}" for it in _WORDS[word](value, given, schema)]
    return found


def _is(value: Any, name: str) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "integer": number and value == int(value),
        "number": number,
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }[name]


def _type(value: Any, given: Any, _: Any) -> Iterator[str]:
    if not any(_is(value, name) for name in ([given] if isinstance(given, str) else given)):
        yield ": type"


def _enum(value: Any, given: list[Any], _: Any) -> Iterator[str]:
    # In JSON, false is not equal to 0.
    if not any(value == it and isinstance(value, bool) == isinstance(it, bool) for it in given):
        yield ": enum"


def _any_of(value: Any, given: list[Any], _: Any) -> Iterator[str]:
    if all(violations(value, it) for it in given):
        yield ": anyOf"


def _pattern(value: Any, given: str, _: Any) -> Iterator[str]:
    if isinstance(value, str) and not re.search(given, value):
        yield ": pattern"


def _limit(name: str, holds: Callable[[Any, Any], bool], of: Callable[[Any], Any] = lambda it: it) -> Any:
    def check(value: Any, given: Any, _: Any) -> Iterator[str]:
        if _is(value, name) and not holds(of(value), given):
            yield f": beyond {given}"

    return check


def _items(value: Any, given: Any, _: Any) -> Iterator[str]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from violations(item, given, f"[{at}]")


def _required(value: Any, given: list[str], _: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f": {name} is missing" for name in given if name not in value)


def _properties(value: Any, given: dict[str, Any], _: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value.keys() & given.keys():
            yield from violations(value[name], given[name], f".{name}")


def _patterns(value: Any, given: dict[str, Any], _: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for pattern, schema in given.items():
            for name in filter(re.compile(pattern).search, value):
                yield from violations(value[name], schema, f".{name}")


def _others(value: Any, given: Any, schema: dict[str, Any]) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value.keys() - schema.get("properties", {}).keys():
            if not any(re.search(pattern, name) for pattern in schema.get("patternProperties", {})):
                yield from violations(value[name], given, f".{name}")


_WORDS: dict[str, Callable[[Any, Any, Any], Iterator[str]]] = {
    "type": _type,
    "enum": _enum,
    "anyOf": _any_of,
    "pattern": _pattern,
    "minimum": _limit("number", operator.ge),
    "maximum": _limit("number", operator.le),
    "exclusiveMinimum": _limit("number", operator.gt),
    "minLength": _limit("string", operator.ge, len),
    "minItems": _limit("array", operator.ge, len),
    "maxItems": _limit("array", operator.le, len),
    "items": _items,
    "required": _required,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _others,
}
