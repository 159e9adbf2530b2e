"""`check_prefix`: checks that the text of the first messages stays the same when more messages follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatmill.lint.finding import Finding
from chatmill.lint.probes import (
    ANSWER_2,
    PLAIN,
    QUESTION_2,
    REASONING,
    WITH_REASONING,
    WITH_SYSTEM,
    WITH_THINK,
    Conversation,
    assistant,
    user,
)
from chatmill.lint.subject import Subject
from chatmill.text.quote import excerpt, first_difference, mark_start

_BECAUSE = (
    "If whole conversations are trained, the model sees earlier turns in a form that it never generates; at "
    "inference, the prompt cache cannot be reused"
)


@dataclass(frozen=True)
class _Break:
    """The place where the text of the first `count` messages differs from the text of all messages."""

    count: int
    message: int
    part: str
    whole: str
    at: int


def check_prefix(subject: Subject) -> Iterator[Finding]:
    """Find the first message whose text changes when messages follow, in several kinds of conversation."""
    conversations: dict[str, tuple[Conversation, list[Any] | None]] = {
        "without a system message": (PLAIN, None),
        "with a system message": (WITH_SYSTEM, None),
        "with reasoning_content": (WITH_REASONING, None),
        "with <think> in the content": (WITH_THINK, None),
    }
    if subject.arguments_as_text is not None:
        then = [user(QUESTION_2), assistant(ANSWER_2)]
        conversations["with tools"] = ([*subject.tool_turns(), *then], subject.tools)
        thought = subject.tool_turns(reasoning_content=REASONING)
        conversations["with tools and reasoning_content"] = ([*thought, *then], subject.tools)
    found = {}
    for name, (messages, tools) in conversations.items():
        broken = _first_break(subject, messages, tools)
        if broken:
            found[name] = broken
    if not found:
        return
    first, broken = next(iter(found.items()))
    messages, tools = conversations[first]
    role = messages[broken.message]["role"]
    others = f" (also {', '.join(list(found)[1:])})" if len(found) > 1 else ""
    yield Finding(
        "not-prefix-stable",
        "warning",
        f"the text of earlier messages changes when the conversation continues, in a conversation {first}{others}: "
        f"message {broken.message} ({role}) {_how(messages, broken)}. {_BECAUSE}",
        example=f"after {broken.count} of {len(messages)} messages {excerpt(broken.part, broken.at)}, "
        f"in the whole conversation {excerpt(broken.whole, broken.at)}",
        remedy=_remedy(subject, [conversations[name] for name in found]),
    )


def _first_break(subject: Subject, messages: Conversation, tools: list[Any] | None, **switch: Any) -> _Break | None:
    whole = subject.render(messages, tools, **switch)
    if not whole.ok:
        return None
    for count in range(1, len(messages)):
        part = subject.render(messages[:count], tools, **switch)
        # Some first messages are not a valid conversation, such as a system message alone or a call without its result.
        if part.ok and not whole.text.startswith(part.text):
            at = mark_start(part.text, first_difference(part.text, whole.text))
            message = _message_at(subject, messages[:count], tools, part.text, at)
            return _Break(count, message, part.text, whole.text, at)
    return None


def _message_at(subject: Subject, messages: Conversation, tools: list[Any] | None, text: str, at: int) -> int:
    """Return the message at a place in a text; if regions are unknown, the last message that begins before it."""
    for region in subject.regions(messages, tools):
        if region.start <= at < region.end and region.message is not None:
            return region.message
    begins = [text.find(message["content"]) for message in messages]
    return max((index for index, begin in enumerate(begins) if 0 <= begin <= at), default=0)


def _how(messages: Conversation, broken: _Break) -> str:
    """Describe the change of the text."""
    lost, now = broken.part[broken.at :], broken.whole[broken.at :]
    contents = [str(message["content"]) for message in messages[: broken.count]]
    last = max(broken.part.rfind(content) + len(content) for content in contents)
    if broken.at >= last:
        return "ends differently while it is the last message"
    if REASONING in lost and REASONING not in now:
        return "loses its reasoning when messages follow"
    if "<think>" in lost and lost.find("<think>") < 12:
        return "loses its empty reasoning block when messages follow"
    if any(broken.part.find(content) != broken.whole.find(content) for content in contents):
        return "moves, or other text is inserted before it"
    return "is printed differently"


def _remedy(subject: Subject, broken: list[tuple[Conversation, list[Any] | None]]) -> str:
    for switch in subject.switches():
        if not any(_first_break(subject, messages, tools, **switch) for messages, tools in broken):
            return f"set {_assignments(switch)} in `chat_template_kwargs`, which keeps the text stable"
    return (
        'make one sample per answer, with the messages before it (`split="per_turn"`), or use a variant of the '
        "template for training"
    )


def _assignments(switch: dict[str, Any]) -> str:
    return " and ".join(f"{name}={value}" for name, value in switch.items())
