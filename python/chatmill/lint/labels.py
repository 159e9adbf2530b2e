"""What would be trained: whether it can be told, and whether it is the answers with their stop tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ARGUMENT, PLAIN, WITH_REASONING, Conversation
from chatmill.lint.quote import excerpt, line_in_error, line_of, reason_in_error, shorten
from chatmill.lint.subject import Span, Subject, Turn

_Case = tuple[str, Conversation, Sequence[Any] | None]


def check_provable(subject: Subject) -> Iterator[Finding]:
    """Conversations that render, and for which chatmill would not make labels."""
    for name, messages, tools in _cases(subject):
        if not subject.render(messages, tools).ok:
            continue
        error = subject.trained(messages, tools)[1]
        if error:
            yield Finding(
                "labels-unproved",
                "error" if messages is PLAIN else "warning",
                f"chatmill cannot tell which part of {name} is the answer, and refuses such rows",
                example=shorten(reason_in_error(error), 400),
                remedy="put {% generation %} … {% endgeneration %} around the answer and its stop token",
                line=line_in_error(error),
            )
            return


def check_tags(subject: Subject) -> Iterator[Finding]:
    """What stands between `{% generation %}` tags, against what an answer is."""
    if not subject.template.has_generation:
        return
    seen = set()
    for name, messages, tools in _cases(subject):
        rendered = subject.render(messages, tools)
        spans, error = subject.trained(messages, tools)
        if error or not rendered.ok:
            continue
        found = [
            *_values(rendered.text, spans, messages, name),
            *_edges(rendered.text, spans, subject.turns(messages, tools), name),
        ]
        for finding in found:
            if finding.code not in seen:
                seen.add(finding.code)
                yield replace(finding, line=line_of(subject.template.source, "generation"))


def _cases(subject: Subject) -> Iterator[_Case]:
    yield "a plain conversation", PLAIN, None
    yield "a conversation with reasoning_content", WITH_REASONING, None
    if subject.prints_calls:
        yield "a conversation with tool calls", subject.tool_turns(), subject.tools


def _values(text: str, spans: list[Span], messages: Conversation, name: str) -> Iterator[Finding]:
    for message in messages:
        answers = message["role"] == "assistant"
        values = [message["content"], message.get("reasoning_content"), ARGUMENT if "tool_calls" in message else None]
        for value in filter(None, values):
            # An earlier message may say it too, in templates that repeat a question.
            at = text.rfind(value)
            trained = sum(max(0, min(at + len(value), end) - max(at, start)) for start, end in spans)
            if at < 0 or (trained == len(value) if answers else trained == 0):
                continue
            if answers:
                yield Finding(
                    "answer-untrained",
                    "warning",
                    f"{{% generation %}} leaves out a part of an answer, in {name}",
                    excerpt(text, at, at + len(value)),
                    "put the tags around all that the model writes: reasoning, content, tool calls and stop token",
                )
            else:
                yield Finding(
                    "question-trained",
                    "error",
                    f"{{% generation %}} encloses what the model does not write: a message of role {message['role']}, "
                    f"in {name}",
                    excerpt(text, at, at + len(value)),
                    "put the tags around the answers only",
                )


def _edges(text: str, spans: list[Span], turns: list[Turn], name: str) -> Iterator[Finding]:
    for turn in turns:
        if turn.role != "assistant":
            continue
        at, end = turn.parts.get("closer", (0, 0))
        end = at + len(text[at:end].rstrip())
        if end > at and not _covers(spans, end - 1):
            yield Finding(
                "stop-token-untrained",
                "error",
                f"{{% generation %}} leaves out the stop token {text[at:end].strip()!r}, in {name}: the model does not "
                "learn to stop",
                excerpt(text, at, end),
                "put {% endgeneration %} behind the stop token",
            )
        _, end = turn.parts.get("header", (0, 0))
        if end > 0 and text[:end].strip() and _covers(spans, end - 1):
            yield Finding(
                "header-trained",
                "warning",
                f"{{% generation %}} encloses the generation prompt, in {name}: the model is trained to write what it "
                "is given",
                excerpt(text, end),
                "put {% generation %} behind the header",
            )
        at, end = turn.parts.get("trailing", (0, 0))
        if end > at and _covers(spans, at):
            yield Finding(
                "trailing-trained",
                "note",
                f"{{% generation %}} encloses what stands behind the stop token, in {name}: {text[at:end]!r}. Nothing "
                "is generated there",
                excerpt(text, at, end),
                "put {% endgeneration %} right behind the stop token",
            )


def _covers(spans: list[Span], place: int) -> bool:
    return any(start <= place < end for start, end in spans)
