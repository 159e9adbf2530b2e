"""`Subject`: a template with what it is given on every render. Each small conversation is rendered only once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, Mill, Region, Tokenizer
from chatmill.lint.probes import ARGUMENT, DOCUMENTS, PLAIN, TOOL, TOOLS, Conversation, call, tool_turns, user
from chatmill.lint.quote import line_in_error, reason_in_error

# What a clock shows while a template is tried, so that two renders can be compared.
NOON = datetime(2026, 7, 4, 12, 0, 0)  # noqa: DTZ001  # templates see no zone
Span = tuple[int, int]
_MASKED = -100
# Ways of saying that reasoning shall stay in earlier turns; templates have different ones.
_KEEP_REASONING = {
    "preserve_thinking": True,
    "clear_thinking": False,
    "truncate_history_thinking": False,
    "keep_past_thinking": True,
    "enable_thinking": True,
}


@dataclass(frozen=True)
class Rendered:
    """What came of a render.

    Attributes:
        text: The text; empty where it failed.
        error: Why it failed, or None.
    """

    text: str
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a text."""
        return self.error is None

    @property
    def refused(self) -> bool:
        """Whether the template itself refused with `raise_exception`."""
        # The core adds the expression to failures only: what templates say themselves stands alone.
        return self.error is not None and not (" (in `" in self.error and " of the chat template " in self.error)

    @property
    def reason(self) -> str:
        """Why it failed, without the place."""
        return reason_in_error(self.error or "")

    @property
    def line(self) -> int | None:
        """The template line at which it failed, where it is known."""
        return line_in_error(self.error or "")


@dataclass(frozen=True)
class Turn:
    """One message in a rendered text.

    Attributes:
        index: Its place in the conversation.
        role: Its role.
        parts: For each kind of region where it stands; see `chatmill.Region`.
    """

    index: int
    role: str
    parts: Mapping[str, Span]


class Subject:
    """A template with the variables, tools and time it is given.

    Args:
        template: The template.
        tools: What conversations with tools get; a tool of lint's own by default.
        tokenizer: The tokenizer it is used with, if any.
        now: What the clock shows; by default a fixed time.
        variables: Further template variables.
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
        self._given: dict[str, Any] = {}
        self._given = self._least()

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
            prompt: Whether to ask for the generation prompt.
            more: Variables besides those of the subject.
        """
        key = repr((messages, tools, documents, prompt, more))
        if key not in self._rendered:
            self._rendered[key] = self._render(messages, tools, documents, prompt, more)
        return self._rendered[key]

    def at(self, now: datetime) -> "Subject":
        """The same at another time.

        Args:
            now: What the clock shows.
        """
        return Subject(self.template, tools=self.tools, tokenizer=self.tokenizer, now=now, variables=self._variables)

    @property
    def needs_tools(self) -> bool:
        """Whether the template takes conversations with tools only; then all have them."""
        return "tools" in self._given

    def render_once(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> Rendered:
        """The same for a conversation that does not come again, such as a row of data."""
        return self._render(messages, tools, documents, False, more)

    def regions(self, messages: Conversation, tools: Sequence[Any] | None = None, **more: Any) -> list[Region]:
        """What put each part of the text there; empty where this cannot be proved."""
        try:
            return self.template.regions(messages, now=self._now, **self._kwargs(tools, None, more))
        except ChatmillError:
            return []

    def turns(self, messages: Conversation, tools: Sequence[Any] | None = None) -> list[Turn]:
        """Where the parts of each message stand; empty where this cannot be proved."""
        regions = self.regions(messages, tools)
        if not regions:
            return []
        parts: list[dict[str, Span]] = [{} for _ in messages]
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
    ) -> tuple[bool, str | None]:
        """Whether anything is trained, and why this cannot be told."""
        try:
            encoding = self._mill.encode(messages, **self._kwargs(tools, documents, more))
        except ChatmillError as error:
            return False, str(error)
        return any(label != _MASKED for label in encoding.labels), None

    def trained(self, messages: Conversation, tools: Sequence[Any] | None = None) -> tuple[list[Span], str | None]:
        """The stretches of the text that are trained, or why there are none."""
        try:
            encoding = self._mill.encode(messages, **self._kwargs(tools, None, {}))
        except ChatmillError as error:
            return [], str(error)
        spans: list[Span] = []
        for token in encoding.tokens:
            if token.label == _MASKED:
                continue
            if spans and token.start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(token.end, spans[-1][1]))
            else:
                spans.append((token.start, token.end))
        return spans, None

    def keys_read(
        self,
        messages: Conversation,
        tools: Sequence[Any] | None = None,
        *,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> dict[str, bool]:
        """The keys of messages that the template asks for; none where it fails."""
        try:
            return self.template.keys_read(messages, now=self._now, **self._kwargs(tools, documents, more))
        except ChatmillError:
            return {}

    @cached_property
    def arguments_as_text(self) -> bool | None:
        """Whether tool calls must have JSON text for arguments; None where calls cannot be rendered at all."""
        rendered = {as_text: self.render(tool_turns(as_text=as_text), self.tools) for as_text in (False, True)}
        work = [as_text for as_text, it in rendered.items() if it.ok]
        return next((as_text for as_text in work if ARGUMENT in rendered[as_text].text), work[0] if work else None)

    @cached_property
    def prints_calls(self) -> bool:
        """Whether tool calls stand in the text."""
        text = self.render(self.tool_turns(), self.tools).text
        return ARGUMENT in text and TOOL in text

    def tool_turns(self, *, two_calls: bool = False, **first: Any) -> list[Any]:
        """A conversation with a tool call, in the form that this template takes.

        Args:
            two_calls: Whether the calling message has two calls; the conversation ends with it then.
            first: Further keys of the calling message.
        """
        as_text = bool(self.arguments_as_text)
        turns: list[Any] = tool_turns(as_text=as_text)
        turns[1] = {**turns[1], **first}
        if two_calls:
            return [turns[0], {**turns[1], "tool_calls": [call(1, as_text=as_text), call(2, as_text=as_text)]}]
        return turns

    def switches(self) -> Iterator[dict[str, Any]]:
        """Settings of this template that may keep reasoning in earlier turns: each alone, then all together."""
        names = set(self.template.variables) - set(self._variables)
        known = {name: value for name, value in _KEEP_REASONING.items() if name in names}
        yield from ({name: value} for name, value in known.items())
        if len(known) > 1:
            yield known

    def _least(self) -> dict[str, Any]:
        """What the template must have besides messages; some are for conversations with tools or documents only."""
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
            return Rendered("", str(error))

    def _kwargs(
        self, tools: Sequence[Any] | None, documents: Sequence[Any] | None, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        given = {"tools": tools, "documents": documents}
        return {
            **self._variables,
            **more,
            **{name: self._given.get(name) if value is None else value for name, value in given.items()},
        }

    @cached_property
    def _mill(self) -> Mill:
        return Mill(_byte_tokenizer(), self.template, threads=1, now=self._now)


@lru_cache
def _byte_tokenizer() -> Tokenizer:
    """A tokenizer whose tokens are bytes, so that labels tell to the character what is trained."""
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
