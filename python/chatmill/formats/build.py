"""`build`: turns the definition of a format, with a style and options, into the form that the core reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats import library
from chatmill.formats.answers import answer_styles, answers_of
from chatmill.formats.mapping import messages_of
from chatmill.text.nearest import suggestion

MESSAGES = "messages"
_KEYS = {
    "about", "answers", "base", "fields", "prompt", "styles", "text", "messages", "conversations", "steps", "tokens",
    "variables", "windows", "defaults", "example", "tools", "other_names",
}  # fmt: skip
_SEE_DOCS = "see docs/formats.md for the keys"


@dataclass(frozen=True)
class BuiltFormat:
    """A definition with all options applied.

    Attributes:
        name: The name of the format.
        core: The format in the form that the core reads.
        about: One line about its rows.
        example: A row of this format.
        defaults: Options of `Mill` and `prepare` that the format sets.
    """

    name: str
    core: Mapping[str, Any]
    about: str
    example: Mapping[str, Any] | None
    defaults: Mapping[str, Any]


def definition_of(name: str) -> dict[str, Any]:
    """Return the definition of a format of the library.

    Args:
        name: The name, without a style.

    Raises:
        DataError: There is no such format.

    Example:
        >>> definition_of("alpaca")["about"]
        'an instruction, an optional input, and the answer'
    """
    known = library.definitions()
    if name not in known:
        hint = suggestion(name, known, otherwise="use a name from `chatmill formats`, or a YAML file")
        raise DataError(f"there is no format {name!r}; {hint}")
    return known[name]


def styles_of(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the styles of a format; the first one is the default.

    Args:
        definition: The definition of the format.

    Example:
        >>> styles_of(definition_of("chat_template"))
        ()
    """
    if "answers" in definition:
        return answer_styles(definition["answers"])
    if "prompt" in definition:
        first = definition.get("styles", ["instruct"])
        return tuple(dict.fromkeys([*first, *library.styles(), MESSAGES]))
    first = definition.get("conversations")
    if first:
        # A definition may name its usual conversation text. All others fit too; the chat template comes first.
        return tuple(dict.fromkeys([MESSAGES if first is True else first, MESSAGES, *library.conversations()]))
    return ()


def build(name: str, definition: Mapping[str, Any], style: str | None, options: Mapping[str, Any]) -> BuiltFormat:
    """Build a format from a definition.

    Args:
        name: The name of the format.
        definition: The definition; users write it, so it may hold anything.
        style: The style, or None for the default.
        options: The options of the user.

    Raises:
        DataError: The definition, the style or an option is not valid.
    """
    try:
        if "base" in definition:
            definition = library.on_base(name, definition)
        return _build(name, definition, style, options)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"format {name}: the key {error} is missing; {_SEE_DOCS}") from error
    except (AttributeError, OSError, TypeError, ValueError, RecursionError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"format {name}: the definition cannot be read ({reason}); {_SEE_DOCS}") from error


def read_definition(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a YAML file that defines a format.

    Args:
        path: The file: a definition, a definition under the name of the format, or a key `format` with options.

    Returns:
        The name of the format and its definition.

    Raises:
        DataError: The file cannot be read, or does not hold an object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read the format file {path} ({error}); check that it is a YAML file in UTF-8"
        ) from None
    found = _read_yaml(text, name=str(path))
    if not isinstance(found, dict):
        raise DataError(
            f"the format file {path} holds {type(found).__name__}, not an object; write `fields`, and `messages`, a "
            "`prompt` or a `text`"
        )
    if len(found) == 1:
        ((name, inner),) = found.items()
        if isinstance(inner, dict) and name not in _KEYS:
            return str(name), inner
    return path.stem, found


def _build(name: str, definition: Mapping[str, Any], style: str | None, options: Mapping[str, Any]) -> BuiltFormat:
    for key in sorted(set(definition) - _KEYS):
        hint = suggestion(str(key), _KEYS, otherwise=f"use one of {', '.join(sorted(_KEYS))}")
        raise DataError(f"format {name}: there is no key {key!r}; {hint}")
    known = styles_of(definition)
    if style:
        library.check_style(name.rpartition(":")[0], style, known)
    chosen = style or next(iter(known), None)
    left = dict(options)
    renamed = dict(left.pop("fields", {}))
    definition = {**definition, "variables": {**definition.get("variables", {}), **left.pop("variables", {})}}
    empty = _allowed_empty(name, left.pop("allow_empty", ()))
    if "answers" in definition:
        core = _with_answers(name, definition, chosen, renamed, empty, left)
    else:
        core = _with_body(name, definition, chosen, renamed, empty, left)
    if left:
        raise DataError(f"format {name}: this format has no option {min(left)!r}; {_SEE_DOCS}")
    example = definition.get("example")
    if example is not None:
        example = {renamed.get(key, key): value for key, value in example.items()}
    return BuiltFormat(name, core, str(definition.get("about", "")), example, definition.get("defaults", {}))


def _allowed_empty(name: str, given: Any) -> list[str]:
    if isinstance(given, str):
        raise DataError(f"format {name}: `allow_empty` is {given!r}, which is not a list of fields; write [{given}]")
    return list(given)


def _with_answers(
    name: str,
    definition: Mapping[str, Any],
    style: str | None,
    renamed: Mapping[str, str],
    empty: Sequence[str],
    left: dict[str, Any],
) -> dict[str, Any]:
    if empty:
        raise DataError(
            f"format {name}: `allow_empty` is not supported for a prompt with answers, because an empty answer cannot "
            "be preferred; remove it"
        )
    answers = answers_of(name, definition, style, renamed, left)
    given = definition.get("fields", {})
    own = {variable: column for variable, column in renamed.items() if variable in given}
    return {"name": name, "fields": _fields(name, definition, own, ()), "answers": answers}


def _with_body(
    name: str,
    definition: Mapping[str, Any],
    style: str | None,
    renamed: Mapping[str, str],
    empty: list[str],
    left: dict[str, Any],
) -> dict[str, Any]:
    messages = definition.get("messages")
    if isinstance(messages, Mapping):
        contents = {"content", messages.get("properties", {}).get("content")}
        if contents & set(empty):
            left["empty_answers"] = "allowed"
            empty = [used for used in empty if used not in contents]
    fields = _fields(name, definition, renamed, empty)
    return {"name": name, "fields": fields, **_body(name, definition, style, left)}


def _body(name: str, definition: Mapping[str, Any], style: str | None, left: dict[str, Any]) -> dict[str, Any]:
    """Return the messages, the text and the steps of a definition; remove their options from `left`."""
    body: dict[str, Any] = {}
    if "prompt" in definition:
        if style == MESSAGES:
            body["messages"] = library.messages_of(definition)
        else:
            body["text"] = library.prompt_text(definition, str(style))
    elif "text" in definition:
        body["text"] = library.own_text(definition)
    if "messages" in definition:
        body["messages"] = messages_of(name, definition["messages"], left, definition.get("fields", {}))
        if style is not None and style != MESSAGES:
            body["text"] = library.conversation_text(style)
    for key in ("tokens", "windows", "tools"):
        if definition.get(key):
            body[key] = definition[key]
    if "steps" in definition:
        body["steps"] = {**definition["steps"], **left.pop("steps", {})}
    return body


def _fields(
    name: str, definition: Mapping[str, Any], renamed: Mapping[str, str], empty: Sequence[str]
) -> list[dict[str, Any]]:
    given, others = definition.get("fields", {}), definition.get("other_names", {})
    for used in (*renamed, *empty):
        if used not in given:
            hint = suggestion(str(used), given, otherwise=f"its fields are {', '.join(given) or 'not listed'}")
            raise DataError(f"format {name} has no field {used!r}; {hint}")
    for used in others:
        if used not in given:
            hint = suggestion(str(used), given, otherwise=f"use one of {', '.join(given)}")
            raise DataError(f"format {name}: `other_names` has {used!r}, which is not a field; {hint}")
    fields = []
    for variable, holds in given.items():
        optional = isinstance(holds, str) and holds.startswith("optional ")
        entry: dict[str, Any] = {"name": variable, "column": renamed.get(variable, variable)}
        entry["type"] = _type(holds.removeprefix("optional ")) if isinstance(holds, str) else holds
        if variable in others and variable not in renamed:
            entry["others"] = list(others[variable])
        fields.append({**entry, "optional": optional, "empty": variable in empty})
    return fields


@cache
def _type(text: str) -> Any:
    """Parse a type. In `optional [number]` YAML reads the type as text."""
    try:
        return _read_yaml(text, name="the type")
    except DataError as error:
        raise ValueError(f"{text[:40]!r} is not a type: {error}") from None


def _read_yaml(text: str, *, name: str) -> Any:
    from chatmill.text.yaml_text import read_yaml

    return read_yaml(text, name=name)
