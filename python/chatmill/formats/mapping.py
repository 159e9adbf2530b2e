"""The messages of a format: the fields that hold them, or the messages that are built from other fields."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats import library
from chatmill.formats.prompts import prompt_text
from chatmill.options.choices import EmptyAnswers, UnknownRoles, choices
from chatmill.text.nearest import suggestion

_KEYS = (
    "fields", "completion", "properties", "roles", "unknown_roles", "calls", "system", "drop_system", "tools",
    "empty_answers",
)  # fmt: skip
NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
# Options with axolotl's names, each with the key of `messages` that it sets.
_FIELD_OPTIONS = {"field_messages": "fields", "field_system": "system", "field_tools": "tools"}


def messages_of(name: str, given: Any, options: dict[str, Any], fields: Mapping[str, Any] = NO_FIELDS) -> Any:
    """Return the messages of a format, in the form that the core reads.

    Args:
        name: The name of the format.
        given: The key `messages` of its definition: a list of messages to build, or the fields that hold the messages
            and the keys of a message.
        options: The options of the user; this function removes those that it uses.
        fields: The fields of the format.

    Raises:
        DataError: There is no such key, or its value is not valid.
    """
    if isinstance(given, list):
        return [built_message(it, name, fields) for it in given]
    for option, key in _FIELD_OPTIONS.items():
        if option in options:
            options[key] = options.pop(option)
    chosen = {**given, **{key: options.pop(key) for key in sorted(set(_KEYS) & set(options))}}
    for key in sorted(set(chosen) - set(_KEYS)):
        hint = suggestion(str(key), _KEYS, otherwise=f"use one of {', '.join(sorted(_KEYS))}")
        raise DataError(f"format {name}: `messages` has no key {key!r}; {hint}")
    unknown_roles = _checked(name, "unknown_roles", chosen.pop("unknown_roles", "keep"), choices(UnknownRoles))
    _checked(name, "empty_answers", chosen.get("empty_answers", "refused"), choices(EmptyAnswers))
    roles = chosen.get("roles", {})
    if not isinstance(roles, dict) or not all(isinstance(names, list) for names in roles.values()):
        raise DataError(
            f"format {name}: `roles` is {roles!r}, but must have a list of names for each role, such as "
            "{user: [human]}"
        )
    for key in ("properties", "roles"):
        if key in chosen:
            chosen[key] = [[target, sources] for target, sources in chosen[key].items()]
    holding = chosen.get("fields")
    if isinstance(holding, str):
        chosen["fields"] = [holding]
    return {**chosen, "keep_unknown_roles": unknown_roles == "keep"}


def built_message(given: dict[str, Any], name: str = "", fields: Mapping[str, Any] = NO_FIELDS) -> dict[str, Any]:
    """Put the definitions of the macros that a message uses in front of its content, and fill a prompt as its content.

    Args:
        given: A message that is built from fields, or the messages for each item of a list (`each`).
        name: The name of the format.
        fields: The fields of the format.

    Raises:
        DataError: A prompt is not valid.
    """
    if "each" in given:
        return {**given, "messages": [built_message(it, name, fields) for it in given["messages"]]}
    content = given["content"]
    if isinstance(content, Mapping):
        try:
            return {**given, "content": prompt_text(content, fields)}
        except DataError as error:
            raise DataError(f"format {name}: {error}") from None
    return {**given, "content": library.with_macros(content)}


def _checked(name: str, key: str, value: Any, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise DataError(f"format {name}: `{key}` is {value!r}; use one of {', '.join(known)}")
    return value
