"""`row_values`: the texts of a row that its template should print, each with its place in the row."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chatmill.formats import Format
from chatmill.text.parsing import parse_json

Kind = Literal["content", "parts", "not text", "reasoning", "arguments", "field"]

_MESSAGE_FIELDS = ("messages", "conversations")
_REASONING = ("reasoning_content", "reasoning", "thinking")
_THINK_END = "</think>"


@dataclass(frozen=True)
class RowValue:
    """One text of a row.

    Attributes:
        kind: What the text is: the content of a message, the content as a list of parts, or as a number or an object;
            reasoning; the arguments of a call, as JSON text; or a field of the row.
        text: The text.
        place: The place in the row, such as `message 1 (assistant), content`.
        message: Index of the message, from 0; None for a field.
        role: The role of the message, as in the row; empty for a field.
        written: How a template must not print the whole content: a list or an object as Python writes it, and a list of
            parts as JSON. Objects as JSON are usual for the results of tools.
    """

    kind: Kind
    text: str
    place: str
    message: int | None = None
    role: str = ""
    written: Sequence[str] = ()

    def is_in(self, text: str) -> bool:
        """Return whether a text has this value, up to white space, or escaped as in JSON.

        Args:
            text: The text, in which each run of white space is one space.
        """
        wanted = squeezed(self.text)
        if self.kind == "not text":
            return wanted.lower() in text.lower()
        return wanted in text or json.dumps(self.text, ensure_ascii=False)[1:-1].strip() in text

    def is_changed_in(self, text: str) -> bool:
        """Return whether a text has this value with the brackets and quotes of Python or JSON.

        Args:
            text: The text.
        """
        return any(written in text for written in self.written)


def squeezed(text: str) -> str:
    r"""Return a text in which each run of white space is one space.

    Args:
        text: The text.

    Example:
        >>> squeezed(" a \n b")
        'a b'
    """
    return " ".join(text.split())


def row_values(row: Mapping[str, Any], form: Format | None) -> Iterator[RowValue]:
    """Yield the texts of a row that are not blank.

    Args:
        row: The row.
        form: Its format, or None for messages.

    Yields:
        The texts of messages and fields.
    """
    for held in _held_messages(form):
        messages = next(filter(None, (_list(row.get(name)) for name in held.fields)), [])
        for index, message in enumerate(messages):
            if isinstance(message, Mapping):
                yield from held.values(message, index)
    for field in () if form is None else form.core.get("fields", ()):
        names = [field.get("column", field["name"]), *field.get("others", ())]
        value = next((row[name] for name in names if row.get(name) is not None), None)
        if isinstance(value, str) and value.strip():
            yield RowValue("field", value, f"field {names[0]}")


@dataclass(frozen=True)
class _HeldMessages:
    """The fields that hold messages, and how to read a message."""

    fields: Sequence[str]
    properties: Mapping[str, str]
    calls: Sequence[str]
    drops_system: bool = False

    @classmethod
    def of(cls, fields: Sequence[str], mapping: Mapping[str, Any]) -> "_HeldMessages":
        properties, calls = dict(mapping.get("properties", ())), mapping.get("calls", ())
        return cls(fields, properties, calls, bool(mapping.get("drop_system")))

    def values(self, message: Mapping[str, Any], index: int) -> Iterator[RowValue]:
        """Yield the texts of a message."""
        role = str(message.get(self.properties.get("role", "role"), message.get("from", "")))
        # The content of a call is not printed as it is.
        if role in self.calls or (self.drops_system and role == "system"):
            return
        content = message.get(self.properties.get("content", "content"), message.get("value"))
        place = f"message {index} ({role})"
        for kind, where, text in (*_of_content(content), *_of_reasoning(message), *_of_calls(message)):
            if text.strip():
                yield RowValue(kind, text, f"{place}, {where}", index, role, _written(content, kind))


def _held_messages(form: Format | None) -> Iterator[_HeldMessages]:
    if form is None:
        yield _HeldMessages(_MESSAGE_FIELDS, {}, ("function_call",))
        return
    messages, answers = form.core.get("messages"), form.core.get("answers")
    if isinstance(messages, Mapping):
        yield _HeldMessages.of(messages.get("fields", _MESSAGE_FIELDS), messages)
        if messages.get("completion"):
            yield _HeldMessages.of([messages["completion"]], messages)
    if answers is not None and "parts" not in answers:
        for column in (answers["prompt"], *(it for _, it in answers["names"])):
            yield _HeldMessages.of([column], answers["mapping"])


_Text: TypeAlias = tuple[Kind, str, str]


def _of_content(content: Any) -> Iterator[_Text]:
    if isinstance(content, str):
        # Many templates move reasoning out of the content of earlier turns.
        reasoning, end, answer = content.rpartition(_THINK_END)
        if end:
            yield "reasoning", "reasoning in the content", reasoning.partition("<think>")[2] or reasoning
        yield "content", "content", answer
    elif isinstance(content, list):
        for part in content:
            text = part.get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str):
                yield "parts", "content (a list of parts)", text
    elif content is not None:
        # Any template that prints an object prints its first value.
        leaf = _first_leaf(content)
        if leaf is not None:
            yield "not text", f"content ({_type_name(content)})", str(leaf)


def _written(content: Any, kind: Kind) -> Sequence[str]:
    if kind == "parts":
        return repr(content), json.dumps(content, ensure_ascii=False)
    return (repr(content),) if kind == "not text" and isinstance(content, Mapping) else ()


def _first_leaf(value: Any) -> str | float | None:
    """Return the first value in an object or list that is neither of these, nor null, nor blank."""
    if isinstance(value, Mapping | list):
        inner = value.values() if isinstance(value, Mapping) else value
        return next((leaf for leaf in map(_first_leaf, inner) if leaf is not None), None)
    return None if value is None or str(value).strip() == "" else value


def _type_name(value: Any) -> str:
    return "an object" if isinstance(value, Mapping) else "true or false" if isinstance(value, bool) else "a number"


def _of_reasoning(message: Mapping[str, Any]) -> Iterator[_Text]:
    for name in _REASONING:
        if isinstance(message.get(name), str):
            yield "reasoning", name, message[name]


def _of_calls(message: Mapping[str, Any]) -> Iterator[_Text]:
    for call in _list(message.get("tool_calls")):
        function = call.get("function", call) if isinstance(call, Mapping) else {}
        arguments = function.get("arguments") if isinstance(function, Mapping) else None
        if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
            yield "arguments", "tool_calls", arguments


def _list(value: Any) -> list[Any]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = parse_json(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []
