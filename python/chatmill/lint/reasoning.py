"""Reasoning: whether what the assistant thought before earlier answers is printed."""

from collections.abc import Iterator

from chatmill.lint.finding import Finding
from chatmill.lint.probes import (
    ANSWER_2,
    REASONING,
    REASONING_2,
    WITH_REASONING,
    WITH_THINK,
    Conversation,
)
from chatmill.lint.quote import around, shorten
from chatmill.lint.subject import Subject

_ONE_EACH = "make one row of each answer, which is then the last one; its reasoning is printed"


def check_reasoning(subject: Subject) -> Iterator[Finding]:
    """`reasoning_content` beside the answer."""
    rendered = subject.render(WITH_REASONING)
    if not rendered.ok:
        yield Finding(
            "reasoning-refused" if rendered.refused else "reasoning-fails",
            "note" if rendered.refused else "warning",
            "the template does not take messages with reasoning_content",
            example=shorten(rendered.reason),
            remedy="leave the reasoning out, or take a template that prints it",
            line=rendered.line,
        )
        return
    if ANSWER_2 not in rendered.text:
        return
    first, last = REASONING in rendered.text, REASONING_2 in rendered.text
    if not last:
        asked = "reasoning_content" in subject.keys_read(WITH_REASONING)
        yield Finding(
            "reasoning-ignored",
            "warning" if asked else "note",
            f"reasoning_content is {'read but ' if asked else ''}never printed: the reasoning of rows is lost",
            example=around(rendered.text, WITH_REASONING[-1]["content"]),
            remedy=_switch(subject, WITH_REASONING)
            or "take a template that prints it, or put it into the content (`<think> … </think>`)",
        )
    elif not first:
        yield Finding(
            "reasoning-dropped",
            "warning",
            "reasoning_content of earlier answers is not printed: of a conversation with several, only the last "
            "trains its reasoning",
            example=around(rendered.text, WITH_REASONING[1]["content"]),
            remedy=_switch(subject, WITH_REASONING) or _ONE_EACH,
        )


def check_think(subject: Subject) -> Iterator[Finding]:
    """`<think>` in the content."""
    rendered = subject.render(WITH_THINK)
    if ANSWER_2 not in rendered.text:
        return
    first, last = REASONING in rendered.text, REASONING_2 in rendered.text
    if first and last:
        return
    yield Finding(
        "think-dropped",
        "warning",
        f"<think> … </think> in the content of {'earlier answers' if last else 'answers'} is taken out",
        example=around(rendered.text, str(WITH_REASONING[1]["content"])),
        remedy=_switch(subject, WITH_THINK)
        or (_ONE_EACH if last else "give the reasoning as reasoning_content, or take another template"),
    )


def _switch(subject: Subject, messages: Conversation) -> str:
    for switch in subject.switches():
        text = subject.render(messages, **switch).text
        if REASONING in text and REASONING_2 in text:
            said = " and ".join(f"{name}={value}" for name, value in switch.items())
            return f"set {said} (`chat_template_kwargs`): then all of it is printed"
    return ""
