"""`schema_of_hint`: makes JSON schemas from type hints, by the rules of transformers."""

import types
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

# The types of single JSON values; only these are allowed in an `enum`. A bool does not count as an int.
_SCALARS: dict[Any, str] = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    type(None): "null",
}
_BARE: dict[Any, str] = {**_SCALARS, list: "array", tuple: "array", dict: "object"}
# Classes are looked up by name, because these packages are optional, and importing them takes seconds.
_MEDIA = {("PIL.Image", "Image"): "image", ("torch", "Tensor"): "audio"}

#: The hints that have a schema, for error messages.
SUPPORTED = "bool, int, float, str, list, dict, tuple, Literal, Enum, and Optional and unions of these"


class NoSchemaError(Exception):
    """A type hint has no JSON schema. The text gives the reason."""


def schema_of_hint(hint: Any) -> dict[str, Any]:
    """Make the JSON schema of a type hint.

    Args:
        hint: The evaluated hint, not its text.

    Raises:
        NoSchemaError: The hint has no JSON schema.

    Example:
        >>> schema_of_hint(list[int]), schema_of_hint(str | None)
        ({'type': 'array', 'items': {'type': 'integer'}}, {'type': 'string', 'nullable': True})
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None:
        return _schema_of_bare(hint)
    if origin is Union or origin is types.UnionType:
        return _schema_of_union(inner)
    if origin is Literal:
        return _schema_of_values(list(inner), hint)
    if origin is tuple:
        return _schema_of_tuple(inner, hint)
    if origin is list:
        return {"type": "array", **({"items": schema_of_hint(inner[0])} if inner else {})}
    if origin is dict:
        # The keys of a JSON object are always strings, so the hint of the keys is ignored.
        return {"type": "object", **({"additionalProperties": schema_of_hint(inner[1])} if len(inner) == 2 else {})}
    raise NoSchemaError(f"{hint!r} is an unsupported generic type")


def _schema_of_bare(hint: Any) -> dict[str, Any]:
    if hint is Any:
        return {}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _schema_of_values([member.value for member in hint], hint)
    try:
        name = _BARE.get(hint)
    except TypeError:  # not hashable, so not a type
        name = None
    name = name or _MEDIA.get((getattr(hint, "__module__", ""), getattr(hint, "__qualname__", "")))
    if name is None:
        raise NoSchemaError(f"{hint!r} is an unsupported class")
    return {"type": name}


def _schema_of_values(values: list[Any], hint: Any) -> dict[str, Any]:
    if not values:
        raise NoSchemaError(f"{hint!r} has no members")
    if unsupported := [value for value in values if type(value) not in _SCALARS]:
        raise NoSchemaError(f"{hint!r} has the value {unsupported[0]!r}, which is not an int, float, str, bool or None")
    names = list(dict.fromkeys(_SCALARS[type(value)] for value in values))
    return {"type": names[0] if len(names) == 1 else names, "enum": values}


def _schema_of_union(members: tuple[Any, ...]) -> dict[str, Any]:
    schemas = [schema_of_hint(member) for member in members if member is not type(None)]
    if len(schemas) == 1:
        (union,) = schemas
    elif all(schema.keys() == {"type"} for schema in schemas):
        names = sorted({schema["type"] for schema in schemas})
        union = {"type": names[0] if len(names) == 1 else names}
    else:
        union = {"anyOf": schemas}
    return {**union, "nullable": True} if len(schemas) < len(members) else union


def _schema_of_tuple(members: tuple[Any, ...], hint: Any) -> dict[str, Any]:
    if len(members) == 1:
        raise NoSchemaError(f"{hint!r} is a tuple of one value; use the type of the value, or a list")
    if ... in members:
        raise NoSchemaError(f"{hint!r} is a tuple of any length; use a list")
    return {"type": "array", **({"prefixItems": [schema_of_hint(it) for it in members]} if members else {})}
