"""Tools that are Python functions, as the JSON schemas that chat templates print.

A schema is, to the order of its keys, what transformers makes of the same function: type hints give the types, a
docstring in Google style the words. So the docstring is read by the rules of transformers, odd as some of them are.
"""

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from chatmill._chatmill import DataError

# What JSON can write as one value, and so what may stand in an `enum`. A bool is no int here.
_SCALARS: dict[Any, str] = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    type(None): "null",
}
_BARE: dict[Any, str] = {**_SCALARS, list: "array", tuple: "array", dict: "object"}
# By name: whoever has no such hint need not have these packages, and importing them takes seconds.
_MEDIA = {("PIL.Image", "Image"): "image", ("torch", "Tensor"): "audio"}

_ARGUMENT = re.compile(r"([ \t]*)(\w+):")
_CHOICES = re.compile(r"\(choices:", re.IGNORECASE)
_BY_HAND = "or pass the tool's JSON schema, a dict, instead of the function"


class _NoSchemaError(Exception):
    """A type hint that has no JSON schema; the text says why and what to write instead."""


def schemas_of(tools: Sequence[Any]) -> list[Any]:
    """The schemas of tools: those of functions and methods are made, the others are there already.

    Args:
        tools: Functions, methods, JSON schemas as mappings, and JSON schemas as text.

    Returns:
        The tools in their order, with a dict for each function.

    Raises:
        DataError: A tool is something else, or a function has not what a schema needs.

    Example:
        >>> schemas_of([{"type": "function"}, '{"type": "function"}'])
        [{'type': 'function'}, '{"type": "function"}']
    """
    return [_schema(tool, index) for index, tool in enumerate(tools)]


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The JSON schema of a function, from its type hints and its docstring.

    Args:
        function: It needs a docstring in Google style that describes each argument under `Args:`, and a type hint for
            each. Words such as `(choices: ["tea", "coffee"])` at the end of a description give the allowed values. The
            first argument of a method, `self` or `cls`, is left out.

    Returns:
        The name, the description, the arguments and, if its hint has a schema, the returned value.

    Raises:
        DataError: A docstring, a description or a hint is missing, or a hint has no JSON schema.

    Example:
        >>> def multiply(x: float, y: float = 2.0):
        ...     '''Multiply two numbers.
        ...
        ...     Args:
        ...         x: The first one.
        ...         y: The second one.
        ...     '''
        >>> schema_of(multiply)["function"]["parameters"]["properties"]["x"]
        {'type': 'number', 'description': 'The first one.'}
    """
    name = getattr(function, "__name__", "operation")
    text = inspect.getdoc(function)
    if not text:
        raise _error(name, "it has no docstring", "write one that says what it does, with each argument under `Args:`")
    description, arguments, returns = _read_docstring(text.strip())
    hints, required = _read_signature(function, name)
    returned = _schema_of_return(hints)
    if returned is not None and returns is not None:
        returned["description"] = returns
    properties = {argument: _schema_of_argument(name, argument, hint) for argument, hint in hints.items()}
    for argument, schema in properties.items():
        if argument not in arguments:
            raise _error(
                name,
                f"its docstring does not describe the argument {argument!r}",
                f"write a line `{argument}: …` under `Args:`, which stands on a line of its own",
            )
        _describe(schema, arguments[argument], name, argument)
    parameters = {"type": "object", "properties": properties, **({"required": required} if required else {})}
    schema = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": schema if returned is None else {**schema, "return": returned}}


def _schema(tool: Any, index: int) -> Any:
    if isinstance(tool, (Mapping, str)):
        return tool
    if inspect.isfunction(tool) or inspect.ismethod(tool):
        return schema_of(tool)
    kind = f"{type(tool).__module__}.{type(tool).__qualname__}".removeprefix("builtins.")
    raise DataError(
        f"tool {index} is {tool!r}, of type {kind}: a tool is a JSON schema, or a Python function or method with type "
        "hints and a docstring"
    )


def _error(function: str, what: str, remedy: str) -> DataError:
    return DataError(f"no JSON schema can be made of the tool {function}: {what}; {remedy}, {_BY_HAND}")


def _read_signature(function: Callable[..., Any], name: str) -> tuple[dict[str, Any], list[str]]:
    """The hints by name, that of the returned value among them, and the arguments that have no default."""
    try:
        hints = get_type_hints(function)
        parameters = dict(inspect.signature(function).parameters)
    except Exception as cause:
        what = f"its signature or its type hints cannot be read ({type(cause).__name__}: {cause})"
        raise _error(name, what, "give hints that can be evaluated where the function is defined") from cause
    first = next(iter(parameters), None)
    if first in {"self", "cls"} and parameters[first].annotation is inspect.Parameter.empty:
        del parameters[first]
        hints.pop(first, None)
    for argument, parameter in parameters.items():
        if parameter.annotation is inspect.Parameter.empty:
            what = f"its argument {argument!r} has no type hint"
            raise _error(name, what, f"write one, such as `{argument}: str`")
    return hints, [key for key, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]


def _schema_of_return(hints: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of what is returned, whose hint is taken out; None without a hint, or without a schema for it.

    No model has to write a returned value, so nothing is lost where its hint has no schema.
    """
    if "return" not in hints:
        return None
    try:
        return _schema_of_hint(hints.pop("return"))
    except _NoSchemaError:
        return None


def _schema_of_argument(function: str, argument: str, hint: Any) -> dict[str, Any]:
    try:
        return _schema_of_hint(hint)
    except _NoSchemaError as cause:
        what = f"the type hint of its argument {argument!r} has no JSON schema ({cause})"
        known = "bool, int, float, str, list, dict, tuple, Literal, Enum, and Optional and unions of these"
        raise _error(function, what, f"use {known}") from cause


def _schema_of_hint(hint: Any) -> dict[str, Any]:
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
        return {"type": "array", **({"items": _schema_of_hint(inner[0])} if inner else {})}
    if origin is dict:
        # The keys of a JSON object are strings whatever the hint says of them.
        return {"type": "object", **({"additionalProperties": _schema_of_hint(inner[1])} if len(inner) == 2 else {})}
    raise _NoSchemaError(f"{hint!r} is not one of the known generic types")


def _schema_of_bare(hint: Any) -> dict[str, Any]:
    if hint is Any:
        return {}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _schema_of_values([member.value for member in hint], hint)
    try:
        name = _BARE.get(hint)
    except TypeError:  # not hashable, so no type at all
        name = None
    name = name or _MEDIA.get((getattr(hint, "__module__", ""), getattr(hint, "__qualname__", "")))
    if name is None:
        raise _NoSchemaError(f"{hint!r} may be a class of your own")
    return {"type": name}


def _schema_of_values(values: list[Any], hint: Any) -> dict[str, Any]:
    if not values:
        raise _NoSchemaError(f"{hint!r} has no members")
    if unknown := [value for value in values if type(value) not in _SCALARS]:
        raise _NoSchemaError(f"{hint!r} has the value {unknown[0]!r}, which is none of int, float, str, bool and None")
    names = list(dict.fromkeys(_SCALARS[type(value)] for value in values))
    return {"type": names[0] if len(names) == 1 else names, "enum": values}


def _schema_of_union(members: tuple[Any, ...]) -> dict[str, Any]:
    schemas = [_schema_of_hint(member) for member in members if member is not type(None)]
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
        raise _NoSchemaError(f"{hint!r} is a tuple of one: use its type alone, or a list")
    if ... in members:
        raise _NoSchemaError(f"{hint!r} is a tuple of any length: use a list")
    return {"type": "array", **({"prefixItems": [_schema_of_hint(it) for it in members]} if members else {})}


def _describe(schema: dict[str, Any], description: str, function: str, argument: str) -> None:
    """Put the words of the docstring into the schema of an argument, and the choices at their end as its `enum`."""
    found = _CHOICES.search(description)
    if found and description.endswith(")"):
        choices = description[found.end() : -1].lstrip()
        try:
            schema["enum"] = [choice.strip() if isinstance(choice, str) else choice for choice in json.loads(choices)]
        except (ValueError, TypeError) as cause:
            what = f"the choices of its argument {argument!r} are not a JSON list ({choices})"
            raise _error(function, what, 'write them as `(choices: ["tea", "coffee"])`') from cause
        description = description[: found.start()].strip()
    schema["description"] = description


def _read_docstring(text: str) -> tuple[str, dict[str, str], str | None]:
    """The description, the words for each argument, and those for the returned value."""
    # Those words end the description wherever they stand, amid a line too.
    description = _before(text, "Args:|Returns:|Raises:").strip()
    arguments = _section(text, "Args", "Returns:|Raises:")
    returns = _section(text, "Returns", "Raises:")
    return description, _read_arguments(arguments or ""), None if returns is None else returns.strip()


def _section(text: str, title: str, end: str) -> str | None:
    heading = re.search(rf"\n\s*{title}:\n", text)
    return None if heading is None else _before(text[heading.end() :], end).rstrip()


def _before(text: str, end: str) -> str:
    return re.split(end, text, maxsplit=1)[0]


def _read_arguments(section: str) -> dict[str, str]:
    """The words for each argument: from its name to the next name that is not indented deeper, as one line."""
    words: dict[str, list[str]] = {}
    name, deeper = "", ("", "")
    for line in section.split("\n"):
        if not line.strip():
            continue
        start = _ARGUMENT.match(line)
        # A name with nothing behind it takes the next line as its words, even if that looks like a name.
        if start and (not name or (any(words[name]) and not line.startswith(deeper))):
            indent, name = start.groups()
            deeper = (f"{indent} ", f"{indent}\t")
            words[name] = [line[start.end() :].strip()]
        elif name:
            words[name].append(line.strip())
    return {name: " ".join(filter(None, lines)) for name, lines in words.items()}
