"""Checks of labels: can they be verified, and do they train exactly the answers with their stop tokens?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ARGUMENT, PLAIN, WITH_REASONING, Conversation
from chatmill.lint.subject import CharRange, Subject, Turn, line_of_error
from chatmill.text.failures import reason_of
from chatmill.text.quote import excerpt, line_of, shorten

_Case = tuple[str, Conversation, Sequence[Any] | None]


def check_provable(subject: Subject) -> Iterator[Finding]:
    """Find conversations that the template renders, but for which chatmill cannot make labels."""
    for name, messages, tools in _cases(subject):
        if not subject.render(messages, tools).ok:
            continue
        error = subject.trained(messages, tools)[1]
        if error is not None:
            yield Finding(
                "labels-unproved",
                "error" if messages is PLAIN else "warning",
                f"chatmill cannot verify which part of {name} is the answer, so it rejects such rows",
                example=shorten(reason_of(error), 400),
                remedy="put {% generation %} … {% endgeneration %} around the answer and its stop token",
                line=line_of_error(error),
            )
            return


def check_tags(subject: Subject) -> Iterator[Finding]:
    """Compare the text between `{% generation %}` tags with the answers."""
    if not subject.template.has_generation:
        return
    seen = set()
    for name, messages, tools in _cases(subject):
        rendered = subject.render(messages, tools)
        trained, error = subject.trained(messages, tools)
        if error is not None or not rendered.ok:
            continue
        found = [
            *_values(rendered.text, trained, messages, name),
            *_edges(rendered.text, trained, subject.turns(messages, tools), name),
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


def _values(text: str, trained: list[CharRange], messages: Conversation, name: str) -> Iterator[Finding]:
    for message in messages:
        is_answer = message["role"] == "assistant"
        values = [message["content"], message.get("reasoning_content"), ARGUMENT if "tool_calls" in message else None]
        for value in filter(None, values):
            # A template that repeats the question prints the value more than once; the last place counts.
            at = text.rfind(value)
            covered = sum(max(0, min(at + len(value), end) - max(at, start)) for start, end in trained)
            if at < 0 or (covered == len(value) if is_answer else covered == 0):
                continue
            if is_answer:
                yield Finding(
                    "answer-untrained",
                    "warning",
                    f"{{% generation %}} does not enclose the whole answer in {name}",
                    excerpt(text, at, at + len(value)),
                    "put the tags around all text of the model: reasoning, content, tool calls and stop token",
                )
            else:
                yield Finding(
                    "question-trained",
                    "error",
                    f"{{% generation %}} encloses a message of role {message['role']} in {name}, but the model does "
                    "not write such messages",
                    excerpt(text, at, at + len(value)),
                    "put the tags around the answers only",
                )


def _edges(text: str, trained: list[CharRange], turns: list[Turn], name: str) -> Iterator[Finding]:
    for turn in turns:
        if turn.role != "assistant":
            continue
        at, end = turn.parts.get("closer", (0, 0))
        end = at + len(text[at:end].rstrip())
        if end > at and not _covers(trained, end - 1):
            yield Finding(
                "stop-token-untrained",
                "error",
                f"{{% generation %}} does not enclose the stop token {text[at:end].strip()!r} in {name}, so the model "
                "does not learn to stop",
                excerpt(text, at, end),
                "put {% endgeneration %} after the stop token",
            )
        _, end = turn.parts.get("header", (0, 0))
        if end > 0 and text[:end].strip() and _covers(trained, end - 1):
            yield Finding(
                "header-trained",
                "warning",
                f"{{% generation %}} encloses the generation prompt in {name}, so the model is trained to write text "
                "that the prompt supplies at inference",
                excerpt(text, end),
                "put {% generation %} after the header",
            )
        at, end = turn.parts.get("trailing", (0, 0))
        if end > at and _covers(trained, at):
            yield Finding(
                "trailing-trained",
                "note",
                f"{{% generation %}} encloses {text[at:end]!r} after the stop token in {name}, but the model never "
                "generates this text",
                excerpt(text, at, end),
                "put {% endgeneration %} directly after the stop token",
            )


def _covers(trained: list[CharRange], place: int) -> bool:
    return any(start <= place < end for start, end in trained)
