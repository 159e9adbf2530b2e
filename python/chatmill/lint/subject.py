"""`Subject`: a template under test, with its variables, tools and time. Each small conversation is rendered once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, Mill, Region, Tokenizer
from chatmill.labels import MASKED
from chatmill.lint.probes import ARGUMENT, DOCUMENTS, PLAIN, TOOL, TOOLS, Conversation, call, tool_turns, user
from chatmill.text.failures import reason_of

# The time of the clock in all renders, so that two texts can be compared.
NOON = datetime(2026, 7, 4, 12, 0, 0)  # noqa: DTZ001  # templates have no time zone

#: A range of characters: the first character, and one past the last character.
CharRange = tuple[int, int]

# Variables that may keep reasoning in earlier turns. Templates use different ones.
_KEEP_REASONING = {
    "preserve_thinking": True,
    "clear_thinking": False,
    "truncate_history_thinking": False,
    "keep_past_thinking": True,
    "enable_thinking": True,
}


@dataclass(frozen=True)
class Rendered:
    """The result of a render.

    Attributes:
        text: The text; empty if the render failed.
        error: The error, or None.
    """

    text: str
    error: ChatmillError | None = None

    @property
    def ok(self) -> bool:
        """Whether the render succeeded."""
        return self.error is None

    @property
    def refused(self) -> bool:
        """Whether the template itself rejected the conversation with `raise_exception`."""
        return getattr(self.error, "code", None) == "template_raised"

    @property
    def reason(self) -> str:
        """The reason of the failure, without its place; empty if the render succeeded."""
        return "" if self.error is None else reason_of(self.error)

    @property
    def line(self) -> int | None:
        """The template line of the failure, or None."""
        return line_of_error(self.error)


@dataclass(frozen=True)
class Turn:
    """One message in a rendered text.

    Attributes:
        index: Index of the message in the conversation, from 0.
        role: The role of the message.
        parts: The characters of each kind of region; see `chatmill.Region`.
    """

    index: int
    role: str
    parts: Mapping[str, CharRange]


class Subject:
    """A template with the variables, tools and time of its renders.

    Args:
        template: The template.
        tools: Tools for the conversations, as JSON schemas; by default one example tool.
        tokenizer: The tokenizer of the template, or None.
        now: The time of the clock, if it is fixed.
        variables: Template variables that every render gets.
    """

    def __init__(
        self,
        template: ChatTemplate,
        *,
        tools: Sequence[Any] | None = None,
        tokenizer: Tokenizer | None = None,
        now: datetime | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.template = template
        self.tools = list(tools) if tools else TOOLS
        self.tokenizer = tokenizer
        self.clock_is_given = now is not None
        self._now = now or NOON
        self._variables = dict(variables or {})
        self._rendered: dict[str, Rendered] = {}
        self._required: dict[str, Any] = {}
        self._required = self._find_required()

    def render(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        prompt: bool = False,
        **more: Any,
    ) -> Rendered:
        """Render a conversation.

        Args:
            messages: The conversation.
            tools: Its tools.
            documents: Its documents.
            prompt: Whether to add the generation prompt.
            more: Additional template variables.
        """
        key = repr((messages, tools, documents, prompt, more))
        if key not in self._rendered:
            self._rendered[key] = self._render(messages, tools, documents, prompt, more)
        return self._rendered[key]

    def at(self, now: datetime) -> "Subject":
        """Return the same subject at another time.

        Args:
            now: The time of the clock.
        """
        return Subject(self.template, tools=self.tools, tokenizer=self.tokenizer, now=now, variables=self._variables)

    @property
    def needs_tools(self) -> bool:
        """Whether the template requires tools. If it does, every conversation is rendered with tools."""
        return "tools" in self._required

    def render_once(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> Rendered:
        """Render a conversation that occurs once, such as a row of data, without storing its text.

        Args:
            messages: The conversation.
            tools: Its tools.
            documents: Its documents.
            more: Additional template variables.
        """
        return self._render(messages, tools, documents, False, more)

    def regions(self, messages: Conversation, tools: Sequence[Any] | None = None, **more: Any) -> list[Region]:
        """Return the regions of the text of a conversation; an empty list if they cannot be verified.

        Args:
            messages: The conversation.
            tools: Its tools.
            more: Additional template variables.
        """
        try:
            return self.template.regions(messages, now=self._now, **self._kwargs(tools, None, more))
        except ChatmillError:
            return []

    def turns(self, messages: Conversation, tools: Sequence[Any] | None = None) -> list[Turn]:
        """Return the messages with the places of their parts; an empty list if they cannot be verified.

        Args:
            messages: The conversation.
            tools: Its tools.
        """
        regions = self.regions(messages, tools)
        if not regions:
            return []
        parts: list[dict[str, CharRange]] = [{} for _ in messages]
        for region in regions:
            if region.message is not None:
                start, end = parts[region.message].get(region.kind, (region.start, region.end))
                parts[region.message][region.kind] = (min(start, region.start), max(end, region.end))
        return [Turn(index, messages[index]["role"], of_turn) for index, of_turn in enumerate(parts)]

    def trains(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> tuple[bool, ChatmillError | None]:
        """Return whether a conversation has a trained token.

        Args:
            messages: The conversation.
            tools: Its tools.
            documents: Its documents.
            more: Additional template variables.

        Returns:
            Whether there is a trained token; and the error, if the conversation has no labels.
        """
        try:
            encoding = self._mill.encode(messages, **self._kwargs(tools, documents, more))
        except ChatmillError as error:
            return False, error
        return any(label != MASKED for label in encoding.labels), None

    def trained(
        self, messages: Conversation, tools: Sequence[Any] | None = None
    ) -> tuple[list[CharRange], ChatmillError | None]:
        """Return the trained parts of the text of a conversation.

        Args:
            messages: The conversation.
            tools: Its tools.

        Returns:
            The trained parts; and the error, if the conversation has no labels.
        """
        try:
            encoding = self._mill.encode(messages, **self._kwargs(tools, None, {}))
        except ChatmillError as error:
            return [], error
        ranges: list[CharRange] = []
        for token in encoding.tokens:
            if token.label == MASKED:
                continue
            if ranges and token.start <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(token.end, ranges[-1][1]))
            else:
                ranges.append((token.start, token.end))
        return ranges, None

    def keys_read(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> dict[str, bool]:
        """Return the message keys that the template reads; the value tells whether a message has the key.

        Args:
            messages: The conversation.
            tools: Its tools.
            documents: Its documents.
            more: Additional template variables.

        Returns:
            The keys; an empty dict if the render fails.
        """
        try:
            return self.template.keys_read(messages, now=self._now, **self._kwargs(tools, documents, more))
        except ChatmillError:
            return {}

    @cached_property
    def arguments_as_text(self) -> bool | None:
        """Whether the arguments of tool calls must be JSON text; None if calls cannot be rendered at all."""
        rendered = {as_text: self.render(tool_turns(as_text=as_text), self.tools) for as_text in (False, True)}
        work = [as_text for as_text, it in rendered.items() if it.ok]
        return next((as_text for as_text in work if ARGUMENT in rendered[as_text].text), work[0] if work else None)

    @cached_property
    def prints_calls(self) -> bool:
        """Whether the template prints tool calls."""
        text = self.render(self.tool_turns(), self.tools).text
        return ARGUMENT in text and TOOL in text

    def tool_turns(self, *, two_calls: bool = False, **first: Any) -> list[Any]:
        """Return a conversation with a tool call, in the form that this template accepts.

        Args:
            two_calls: Whether the calling message has two calls. If it does, it is the last message.
            first: Additional keys of the calling message.
        """
        as_text = bool(self.arguments_as_text)
        turns: list[Any] = tool_turns(as_text=as_text)
        turns[1] = {**turns[1], **first}
        if two_calls:
            return [turns[0], {**turns[1], "tool_calls": [call(1, as_text=as_text), call(2, as_text=as_text)]}]
        return turns

    def switches(self) -> Iterator[dict[str, Any]]:
        """Yield settings that may keep reasoning in earlier turns: each variable alone, then all together."""
        names = set(self.template.variables) - set(self._variables)
        known = {name: value for name, value in _KEEP_REASONING.items() if name in names}
        yield from ({name: value} for name, value in known.items())
        if len(known) > 1:
            yield known

    def _find_required(self) -> dict[str, Any]:
        """Return the input that the template requires besides messages: some templates require tools or documents."""
        for given in ({}, {"tools": self.tools}, {"documents": DOCUMENTS}):
            for messages in (PLAIN, PLAIN[:2], [user()]):
                if self._render(messages, given.get("tools"), given.get("documents"), False, {}).ok:
                    return given
        return {}

    def _render(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None,
        documents: Sequence[Any] | None,
        prompt: bool,
        more: Mapping[str, Any],
    ) -> Rendered:
        kwargs = self._kwargs(tools, documents, more)
        try:
            return Rendered(self.template.render(messages, add_generation_prompt=prompt, now=self._now, **kwargs))
        except ChatmillError as error:
            return Rendered("", error)

    def _kwargs(
        self, tools: Sequence[Any] | None, documents: Sequence[Any] | None, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        given = {"tools": tools, "documents": documents}
        return {
            **self._variables,
            **more,
            **{name: self._required.get(name) if value is None else value for name, value in given.items()},
        }

    @cached_property
    def _mill(self) -> Mill:
        return Mill(byte_tokenizer(), self.template, threads=1, now=self._now)


def line_of_error(error: ChatmillError | None) -> int | None:
    """Return the template line of an error, from 1, or None.

    Args:
        error: Any error, or None.
    """
    return getattr(error, "template_line", None)


@lru_cache
def byte_tokenizer() -> Tokenizer:
    """Return a tokenizer whose tokens are bytes, so that labels are exact to the character."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = chain(((chr(byte), byte) for byte in printable), ((chr(256 + i), b) for i, b in enumerate(others)))
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    definition = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": dict(characters), "merges": []},
    }
    return Tokenizer(json.dumps(definition), name="bytes", engine="reference")
