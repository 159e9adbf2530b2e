"""`schema_of`: makes the JSON schema of a tool from a Python function.

A schema equals the schema that transformers makes from the same function: the types come from the type hints, the
descriptions from a docstring in Google style.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from chatmill._chatmill import DataError
from chatmill.tools.docstring import read_docstring
from chatmill.tools.hints import SUPPORTED, NoSchemaError, schema_of_hint

_CHOICES = re.compile(r"\(choices:", re.IGNORECASE)


def schemas_of(tools: Sequence[Any]) -> list[Any]:
    """Replace functions and methods in a list of tools with their JSON schemas.

    Args:
        tools: Functions, methods, JSON schemas as mappings, and JSON schemas as text.

    Returns:
        The tools in their order, with a dict in place of each function.

    Raises:
        DataError: A tool has another type, or a function lacks a docstring, a description or a type hint.

    Example:
        >>> schemas_of([{"type": "function"}, '{"type": "function"}'])
        [{'type': 'function'}, '{"type": "function"}']
    """
    return [_schema(tool, index) for index, tool in enumerate(tools)]


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Make the JSON schema of a function from its type hints and its docstring.

    Args:
        function: A function with a type hint for each argument, and a docstring in Google style that describes each
            argument under `Args:`. A description may end with the allowed values, such as
            `(choices: ["tea", "coffee"])`. The first argument of a method, `self` or `cls`, is left out.

    Returns:
        A schema with the name, the description and the arguments; also the returned value, if its hint has a schema.

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
        raise _error(name, "it has no docstring", "write one that describes each argument under `Args:`")
    docstring = read_docstring(text.strip())
    hints, required = _read_signature(function, name)
    returned = _schema_of_return(hints)
    if returned is not None and docstring.returns is not None:
        returned["description"] = docstring.returns
    properties = {argument: _schema_of_argument(name, argument, hint) for argument, hint in hints.items()}
    for argument, schema in properties.items():
        if argument not in docstring.arguments:
            raise _error(
                name,
                f"its docstring does not describe the argument {argument!r}",
                f"add a line `{argument}: …` under a line `Args:`",
            )
        _describe(schema, docstring.arguments[argument], name, argument)
    parameters = {"type": "object", "properties": properties, **({"required": required} if required else {})}
    schema = {"name": name, "description": docstring.description, "parameters": parameters}
    return {"type": "function", "function": schema if returned is None else {**schema, "return": returned}}


def _schema(tool: Any, index: int) -> Any:
    if isinstance(tool, (Mapping, str)):
        return tool
    if inspect.isfunction(tool) or inspect.ismethod(tool):
        return schema_of(tool)
    kind = f"{type(tool).__module__}.{type(tool).__qualname__}".removeprefix("builtins.")
    raise DataError(
        f"tool {index} is {tool!r}, of type {kind}; give a JSON schema, or a Python function or method with type hints "
        "and a docstring"
    )


def _error(function: str, problem: str, remedy: str) -> DataError:
    by_hand = "or pass the JSON schema of the tool as a dict"
    return DataError(f"cannot make a JSON schema of the tool {function}: {problem}; {remedy}, {by_hand}")


def _read_signature(function: Callable[..., Any], name: str) -> tuple[dict[str, Any], list[str]]:
    """Return the hints by name, with `return` for the returned value; and the arguments without a default."""
    try:
        hints = get_type_hints(function)
        parameters = dict(inspect.signature(function).parameters)
    except Exception as cause:
        problem = f"its signature or its type hints cannot be read ({type(cause).__name__}: {cause})"
        raise _error(name, problem, "use hints that can be evaluated where the function is defined") from cause
    first = next(iter(parameters), None)
    if first in {"self", "cls"} and parameters[first].annotation is inspect.Parameter.empty:
        del parameters[first]
        hints.pop(first, None)
    for argument, parameter in parameters.items():
        if parameter.annotation is inspect.Parameter.empty:
            problem = f"its argument {argument!r} has no type hint"
            raise _error(name, problem, f"add one, such as `{argument}: str`")
    return hints, [key for key, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]


def _schema_of_return(hints: dict[str, Any]) -> dict[str, Any] | None:
    """Remove the hint of the returned value from `hints` and return its schema; None if it has no schema.

    The model never writes a returned value, so nothing is lost if the hint has no schema.
    """
    if "return" not in hints:
        return None
    try:
        return schema_of_hint(hints.pop("return"))
    except NoSchemaError:
        return None


def _schema_of_argument(function: str, argument: str, hint: Any) -> dict[str, Any]:
    try:
        return schema_of_hint(hint)
    except NoSchemaError as cause:
        problem = f"the type hint of its argument {argument!r} has no JSON schema ({cause})"
        raise _error(function, problem, f"use {SUPPORTED}") from cause


def _describe(schema: dict[str, Any], description: str, function: str, argument: str) -> None:
    """Add the description to the schema of an argument; allowed values at its end become `enum`."""
    found = _CHOICES.search(description)
    if found and description.endswith(")"):
        choices = description[found.end() : -1].lstrip()
        try:
            schema["enum"] = [choice.strip() if isinstance(choice, str) else choice for choice in json.loads(choices)]
        except (ValueError, TypeError) as cause:
            problem = f"the choices of its argument {argument!r} are not a JSON list ({choices})"
            raise _error(function, problem, 'write them as `(choices: ["tea", "coffee"])`') from cause
        description = description[: found.start()].strip()
    schema["description"] = description
