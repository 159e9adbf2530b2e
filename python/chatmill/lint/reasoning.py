"""Checks of reasoning: does the template print the reasoning of all answers?"""

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
from chatmill.lint.subject import Subject
from chatmill.text.quote import around, shorten

_ONE_EACH = (
    'make one sample per answer (`split="per_turn"`), in which the answer is the last one and keeps its reasoning'
)


def check_reasoning(subject: Subject) -> Iterator[Finding]:
    """Check messages with the key `reasoning_content`."""
    rendered = subject.render(WITH_REASONING)
    if not rendered.ok:
        yield Finding(
            "reasoning-refused" if rendered.refused else "reasoning-fails",
            "note" if rendered.refused else "warning",
            f"the template {'rejects' if rendered.refused else 'fails on'} messages with reasoning_content",
            example=shorten(rendered.reason),
            remedy="remove the reasoning, or use a template that prints it",
            line=rendered.line,
        )
        return
    if ANSWER_2 not in rendered.text:
        return
    first, last = REASONING in rendered.text, REASONING_2 in rendered.text
    if not last:
        is_read = "reasoning_content" in subject.keys_read(WITH_REASONING)
        yield Finding(
            "reasoning-ignored",
            "warning" if is_read else "note",
            f"the template {'reads but does not print' if is_read else 'ignores'} reasoning_content, so the reasoning "
            "in the rows is lost",
            example=around(rendered.text, WITH_REASONING[-1]["content"]),
            remedy=_switch(subject, WITH_REASONING)
            or "use a template that prints it, or put the reasoning into the content (`<think> … </think>`)",
        )
    elif not first:
        yield Finding(
            "reasoning-dropped",
            "warning",
            "the template drops reasoning_content of earlier answers, so only the reasoning of the last answer is "
            "trained",
            example=around(rendered.text, WITH_REASONING[1]["content"]),
            remedy=_switch(subject, WITH_REASONING) or _ONE_EACH,
        )


def check_think(subject: Subject) -> Iterator[Finding]:
    """Check messages with `<think>` in the content."""
    rendered = subject.render(WITH_THINK)
    if ANSWER_2 not in rendered.text:
        return
    first, last = REASONING in rendered.text, REASONING_2 in rendered.text
    if first and last:
        return
    yield Finding(
        "think-dropped",
        "warning",
        f"the template removes <think> … </think> from the content of {'earlier answers' if last else 'answers'}",
        example=around(rendered.text, str(WITH_REASONING[1]["content"])),
        remedy=_switch(subject, WITH_THINK)
        or (_ONE_EACH if last else "give the reasoning as reasoning_content, or use another template"),
    )


def _switch(subject: Subject, messages: Conversation) -> str:
    for switch in subject.switches():
        text = subject.render(messages, **switch).text
        if REASONING in text and REASONING_2 in text:
            assignments = " and ".join(f"{name}={value}" for name, value in switch.items())
            return f"set {assignments} in `chat_template_kwargs`, which prints all reasoning"
    return ""
