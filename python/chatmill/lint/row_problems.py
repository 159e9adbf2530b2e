"""`RowProblems`: what is wrong with one row, seen from its values and its text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from chatmill._chatmill import ChatTemplate, Mill
from chatmill.lint.values import RowValue, squeezed
from chatmill.text.parsing import parse_json

#: A code of a warning, and what it is about; then the place in the row, which may be empty.
Problem: TypeAlias = tuple[tuple[str, str], str]

_TOKENS = re.compile(r"<\|[^<>|\s]{1,60}\|>|<｜[^<>｜\s]{1,60}｜>|<(?:start|end)_of_turn>")
_USUAL_ROLES = ("assistant", "user", "gpt", "human")
_ESCAPED = '{\\"'
_REPLACED = "\ufffd"


class RowProblems:
    """Finds what is wrong with rows of a mill.

    Args:
        mill: The mill.
        template: Its template; None if its rows need none.
        knows_tokens: Whether the tokens of the mill are those of the model.
    """

    def __init__(self, mill: Mill, template: ChatTemplate | None, *, knows_tokens: bool) -> None:
        self._template, self._tokenizer, self._knows_tokens = template, mill.tokenizer, knows_tokens
        self._variables = set() if template is None else variables_of(template)
        self.control_tokens = frozenset(control_tokens_of(mill)) if knows_tokens else frozenset()
        self._encodes_tokens = mill.options["special_tokens"] == "allow"
        self._allowed = frozenset(mill.options["allowed_special_tokens"] or ())

    def of(self, row: Mapping[str, Any], values: Sequence[RowValue], text: str) -> Iterator[Problem]:
        """Yield the problems of a row.

        Args:
            row: The row.
            values: Its texts.
            text: The text of its samples.
        """
        yield from _dropped(values, text)
        yield from self._of_variables(row)
        yield from _replaced(values)
        if self._knows_tokens:
            yield from self._of_template_tokens(values, text)
            yield from self._of_tokens_in(values)
        if self._template is not None:
            yield from _tools(row, values, text)

    def _of_template_tokens(self, values: Sequence[RowValue], text: str) -> Iterator[Problem]:
        """Find tokens that the template writes, and that the vocabulary lacks."""
        if self._template is None:
            return
        for token in sorted(set(_TOKENS.findall(text))):
            if self._tokenizer.token_to_id(token) is None and not any(token in value.text for value in values):
                yield ("template_tokens", token), ""

    def _of_tokens_in(self, values: Sequence[RowValue]) -> Iterator[Problem]:
        """Find control tokens in values: of this tokenizer, and of others."""
        for value in values:
            if value.kind == "arguments":
                continue
            written = set(_TOKENS.findall(value.text))
            written.update(token for token in self.control_tokens if token in value.text)
            for token in sorted(written - self._allowed):
                if self._tokenizer.token_to_id(token) is None:
                    yield ("foreign_tokens", token), value.place
                elif self._encodes_tokens:
                    yield ("control_token", token), value.place

    def _of_variables(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        given = _parsed(row.get("chat_template_kwargs"))
        if self._template is not None and isinstance(given, dict):
            for name in sorted(set(given) - self._variables):
                yield ("unread_variable", name), "chat_template_kwargs"


def variables_of(template: ChatTemplate) -> set[str]:
    """Return the variables that a template reads.

    Args:
        template: The template.
    """
    names = set(template.variables)
    return names if template.tool_use is None else names | set(ChatTemplate(template.tool_use).variables)


def control_tokens_of(mill: Mill) -> set[str]:
    """Return the texts of the control tokens that the tokenizer of a mill names.

    Args:
        mill: The mill.
    """
    named = mill.tokenizer.special_tokens
    return {*mill.tokenizer.stop_tokens, *(text for name, text in named.items() if name != "unk_token")}


def _dropped(values: Sequence[RowValue], text: str) -> Iterator[Problem]:
    """Find values that are not in the text of their row."""
    plain = squeezed(text)
    printed_roles = {value.role for value in values if value.kind in ("content", "parts") and value.is_in(plain)}
    for value in values:
        if value.kind == "arguments":
            if value.text not in text and _ESCAPED in text:
                yield ("arguments_escaped", ""), value.place
        elif value.is_changed_in(text):
            yield ("content_dropped", f"{value.kind} printed"), value.place
        elif not value.is_in(plain):
            if value.kind == "content" and value.role not in (*printed_roles, *_USUAL_ROLES):
                yield ("roles_dropped", value.role), value.place
            else:
                code = "reasoning_dropped" if value.kind == "reasoning" else "content_dropped"
                yield (code, value.kind), value.place


def _replaced(values: Sequence[RowValue]) -> Iterator[Problem]:
    for value in values:
        if _REPLACED in value.text:
            yield ("replacement_character", ""), value.place


def _tools(row: Mapping[str, Any], values: Sequence[RowValue], text: str) -> Iterator[Problem]:
    """Find tools, and calls of them, that are not in the text."""
    messages = _parsed(row.get("messages"))
    called: list[str] = []
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, Mapping):
            # OpenAI's legacy form has one call.
            legacy = [message.get("function_call")]
            names = [it["name"] for it in (*_functions(message.get("tool_calls")), *_functions(legacy))]
            called += names
            if names and not any(name in text for name in names):
                field = "tool_calls" if message.get("tool_calls") else "function_call"
                yield ("tools_dropped", "calls"), f"message {index} ({message.get('role')}), {field}"
    tools = _functions(row.get("tools"))
    if tools and not any(_prints(text, tool, called, values) for tool in tools):
        yield ("tools_dropped", "tools"), "tools"


def _prints(text: str, tool: Mapping[str, Any], called: Sequence[str], values: Sequence[RowValue]) -> bool:
    """Return whether a text has a tool: its description, or its name besides those of calls and in messages."""
    about = tool.get("description")
    if isinstance(about, str) and about.strip() and RowValue("field", about, "").is_in(squeezed(text)):
        return True
    name = tool["name"]
    return text.count(name) > called.count(name) + sum(value.text.count(name) for value in values)


def _functions(tools: Any) -> list[Mapping[str, Any]]:
    """Return the functions with names of declared tools, or of calls."""
    parsed = _parsed(tools)
    functions = [
        it.get("function", it) for it in (parsed if isinstance(parsed, list) else ()) if isinstance(it, Mapping)
    ]
    return [it for it in functions if isinstance(it, Mapping) and isinstance(it.get("name"), str) and it["name"]]


def _parsed(value: Any) -> Any:
    """Return a value that may be given as JSON text; None if it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return None
