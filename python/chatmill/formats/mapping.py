"""Messages of a definition: where rows have them, or what they are made from."""

from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats import library

_MAPPING = {
    "fields", "properties", "roles", "unknown_roles", "calls", "system", "drop_system", "tools",
    "empty_answers",
}  # fmt: skip
# Options that say which fields hold what, as axolotl names them.
_FIELDS = {"field_messages": "fields", "field_system": "system", "field_tools": "tools"}


def messages_of(name: str, given: Any, options: dict[str, Any]) -> Any:
    """The messages of a format, as the core reads them.

    Args:
        name: What the format is called.
        given: What its definition says: a list of messages that are made, or which fields hold them under which names.
        options: The user's options; those that are known here are taken out.

    Raises:
        DataError: There is no such key, or a value that it cannot have.
    """
    if isinstance(given, list):
        return [made_message(it) for it in given]
    for option, key in _FIELDS.items():
        if option in options:
            options[key] = options.pop(option)
    chosen = {**given, **{key: options.pop(key) for key in sorted(_MAPPING & set(options))}}
    unknown = sorted(set(chosen) - _MAPPING)
    if unknown:
        raise DataError(f"format {name}: unknown key {unknown[0]} of messages; there are {', '.join(sorted(_MAPPING))}")
    refuse = chosen.pop("unknown_roles", "keep")
    if refuse not in ("keep", "refuse"):
        raise DataError(f"format {name}: unknown_roles must be keep or refuse, not {refuse!r}")
    empty = chosen.get("empty_answers", "refused")
    if empty not in ("refused", "among_others", "allowed"):
        raise DataError(f"format {name}: empty_answers must be refused, among_others or allowed, not {empty!r}")
    for key in ("properties", "roles"):
        if key in chosen:
            chosen[key] = [[target, sources] for target, sources in chosen[key].items()]
    fields = chosen.get("fields")
    if isinstance(fields, str):
        chosen["fields"] = [fields]
    return {**chosen, "keep_unknown_roles": refuse == "keep"}


def made_message(given: dict[str, Any]) -> dict[str, Any]:
    """A message that is made from fields, or those for each item of a list, behind the macros that they use."""
    if "each" in given:
        return {**given, "messages": [made_message(it) for it in given["messages"]]}
    return {**given, "content": library.with_macros(given["content"])}
