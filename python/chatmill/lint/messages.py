"""Checks of messages: roles and orders that a template rejects, drops or merges, and contents that it changes."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatmill.lint.finding import Finding, Level
from chatmill.lint.probes import (
    ANSWER,
    ANSWER_2,
    PLAIN,
    QUESTION,
    QUESTION_2,
    SYSTEM,
    Conversation,
    assistant,
    system,
    user,
)
from chatmill.lint.subject import Subject
from chatmill.text.quote import around, shorten

_PADDED = f"  \n{ANSWER} \n"


@dataclass(frozen=True)
class _Case:
    """A conversation that some templates reject or shorten: its name, its messages, and a text that must be printed."""

    name: str
    messages: Conversation
    text: str


_CASES = [
    _Case("a system message", [system(), *PLAIN[:2]], SYSTEM),
    _Case("a message of role developer", [{"role": "developer", "content": SYSTEM}, *PLAIN[:2]], SYSTEM),
    _Case("a system message in the middle of a conversation", [*PLAIN[:2], system(), *PLAIN[2:]], SYSTEM),
    _Case("the first of two user messages in a row", [user(), user(QUESTION_2), assistant()], QUESTION),
    _Case("the first of two assistant messages in a row", [user(), assistant(), assistant(SYSTEM)], ANSWER),
    _Case("an assistant message at the beginning", [assistant(), user(), assistant(SYSTEM)], ANSWER),
]


def check_renders(subject: Subject) -> Iterator[Finding]:
    """Check that a plain conversation renders with all its texts."""
    rendered = subject.render(PLAIN)
    if all(message["content"] in rendered.text for message in PLAIN):
        return
    in_parts = subject.render(_in_parts(PLAIN)).text
    if ANSWER in in_parts and ANSWER not in rendered.text:
        yield Finding(
            "needs-parts",
            "error",
            "the template supports only contents that are lists of parts; "
            + ("it does not print strings" if rendered.ok else "it fails on strings"),
            example=repr(shorten(rendered.text)) if rendered.ok else shorten(rendered.reason),
            remedy='write contents as `[{"type": "text", "text": …}]`, or use another template',
            line=rendered.line,
        )
    elif rendered.ok:
        lost = [
            (index, message["role"]) for index, message in enumerate(PLAIN) if message["content"] not in rendered.text
        ]
        yield Finding(
            "content-dropped",
            "error" if all(answer not in rendered.text for answer in (ANSWER, ANSWER_2)) else "warning",
            "the template does not print these messages of a plain conversation: "
            + ", ".join(f"message {index} ({role})" for index, role in lost),
            example=repr(shorten(rendered.text)),
            remedy="use a template for conversations; this one may be for single questions, or for rating answers",
        )
    else:
        # Some templates are for one question only, such as those of guard models.
        short = subject.render(PLAIN[:2])
        level: Level = "warning" if short.ok or subject.render([user()]).ok else "error"
        what = "a conversation of two questions and two answers" if short.ok else "a question and an answer"
        yield Finding(
            "refuses" if rendered.refused else "fails",
            level,
            f"the template {'rejects' if rendered.refused else 'fails on'} {what}",
            example=shorten(rendered.reason),
            remedy="supply the variables, tools or documents that the template requires, or use another template",
            line=rendered.line,
        )


def check_messages(subject: Subject) -> Iterator[Finding]:
    """Check roles and orders of messages."""
    if not _takes_strings(subject):
        return
    # One line of the template may reject many orders, so failures are grouped by line.
    failed: dict[tuple[bool, int | None], list[tuple[_Case, str]]] = {}
    dropped: dict[str, list[tuple[_Case, str]]] = {}
    for case in _CASES:
        rendered = subject.render(case.messages)
        if not rendered.ok:
            failed.setdefault((rendered.refused, rendered.line), []).append((case, shorten(rendered.reason)))
        elif case.text not in rendered.text:
            code = "system-dropped" if case is _CASES[0] else "message-dropped"
            dropped.setdefault(code, []).append((case, repr(shorten(rendered.text))))
    for code, cases in dropped.items():
        yield Finding(
            code,
            "warning",
            f"the template silently drops {_names(cases)}",
            example=cases[0][1],
            remedy="change such rows, or use another template",
        )
    for (refused, line), cases in failed.items():
        yield Finding(
            "message-refused" if refused else "message-fails",
            "note" if refused else "warning",
            f"the template {'rejects' if refused else 'fails on'} {_names(cases)}",
            example=cases[0][1],
            remedy="such rows fail: change them, or use another template",
            line=line,
        )


def check_merged(subject: Subject) -> Iterator[Finding]:
    """Check whether a system message becomes a part of the first user turn."""
    alone, rendered = subject.render([user()]).text, subject.render([system(), user()]).text
    header = alone[: alone.find(QUESTION)] if QUESTION in alone else ""
    if (
        SYSTEM not in rendered
        or not header.removeprefix(subject.template.special_tokens.get("bos_token") or "").strip()
    ):
        return
    before, _, after = rendered.partition(SYSTEM)
    between = after.partition(QUESTION)[0]
    if before.startswith(header) and header.strip() not in between:
        yield Finding(
            "system-merged",
            "note",
            "the template prints the system message inside the first user turn",
            example=around(rendered, f"{SYSTEM}{between}{QUESTION}"),
            remedy="ignore this if the model was trained in this form, but check that system messages at other places "
            "are printed",
        )


def check_parts(subject: Subject) -> Iterator[Finding]:
    """Check contents that are lists of parts, as in data for models with images."""
    if not _takes_strings(subject):
        return
    rendered = subject.render(_in_parts(PLAIN[:2]))
    remedy = "convert contents to strings: join the texts of the parts"
    forms = {"[{'type'": "a Python list", '[{"type"': "JSON"}
    printed = next((form for form in forms if form in rendered.text), None)
    if not rendered.ok:
        yield Finding(
            "parts-refused" if rendered.refused else "parts-fail",
            "note",
            "the template does not support contents that are lists of parts",
            example=shorten(rendered.reason),
            remedy=remedy,
            line=rendered.line,
        )
    elif printed:
        yield Finding(
            "parts-printed",
            "warning",
            f"the template prints a content that is a list of parts as {forms[printed]}",
            example=around(rendered.text, printed),
            remedy=remedy,
        )
    elif QUESTION not in rendered.text or ANSWER not in rendered.text:
        yield Finding(
            "parts-dropped",
            "warning",
            "the template silently drops a content that is a list of parts",
            example=shorten(repr(rendered.text)),
            remedy=remedy,
        )


def check_trimmed(subject: Subject) -> Iterator[Finding]:
    """Check white space at the edges of an answer."""
    text = subject.render([user(), assistant(_PADDED)]).text
    if ANSWER in text and _PADDED not in text:
        yield Finding(
            "content-trimmed",
            "note",
            "the template removes or changes white space at the edges of an answer",
            example=f"{_PADDED!r} becomes {around(text, ANSWER)}",
            remedy="ignore this unless the white space matters, such as the indentation of code",
        )


def _takes_strings(subject: Subject) -> bool:
    text = subject.render(PLAIN[:2]).text
    return QUESTION in text and ANSWER in text


def _in_parts(messages: Conversation) -> Conversation:
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]


def _names(cases: list[tuple[_Case, str]]) -> str:
    return ", ".join(case.name for case, _ in cases)
