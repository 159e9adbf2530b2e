"""Messages: roles and orders that are refused, dropped or merged, and forms of content that are changed."""

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
from chatmill.lint.quote import around, shorten
from chatmill.lint.subject import Subject

_PADDED = f"  \n{ANSWER} \n"


@dataclass(frozen=True)
class _Case:
    """A conversation that some templates do not take: what it has, and a text of it that must be there."""

    name: str
    messages: Conversation
    text: str


_CASES = [
    _Case("a system message", [system(), *PLAIN[:2]], SYSTEM),
    _Case("a message of role developer", [{"role": "developer", "content": SYSTEM}, *PLAIN[:2]], SYSTEM),
    _Case("a system message amid the conversation", [*PLAIN[:2], system(), *PLAIN[2:]], SYSTEM),
    _Case("the first of two user messages in a row", [user(), user(QUESTION_2), assistant()], QUESTION),
    _Case("the first of two assistant messages in a row", [user(), assistant(), assistant(SYSTEM)], ANSWER),
    _Case("an assistant message at the beginning", [assistant(), user(), assistant(SYSTEM)], ANSWER),
]


def check_renders(subject: Subject) -> Iterator[Finding]:
    """A plain conversation must render, and its texts must be there."""
    rendered = subject.render(PLAIN)
    if all(message["content"] in rendered.text for message in PLAIN):
        return
    in_parts = subject.render(_in_parts(PLAIN)).text
    if ANSWER in in_parts and ANSWER not in rendered.text:
        yield Finding(
            "needs-parts",
            "error",
            "the template takes contents that are lists of parts only; it "
            + ("prints nothing of those that are strings" if rendered.ok else "fails where they are strings"),
            example=repr(shorten(rendered.text)) if rendered.ok else shorten(rendered.reason),
            remedy='give contents as `[{"type": "text", "text": …}]`, or take another template',
            line=rendered.line,
        )
    elif rendered.ok:
        lost = [
            (index, message["role"]) for index, message in enumerate(PLAIN) if message["content"] not in rendered.text
        ]
        yield Finding(
            "content-dropped",
            "error" if all(answer not in rendered.text for answer in (ANSWER, ANSWER_2)) else "warning",
            "of a plain conversation of four messages the template does not print "
            + ", ".join(f"message {index} ({role})" for index, role in lost),
            example=repr(shorten(rendered.text)),
            remedy="take a template for conversations; some are made for one question, or to judge one",
        )
    else:
        # Templates for one question only are made so, such as those of guard models.
        short = subject.render(PLAIN[:2])
        level: Level = "warning" if short.ok or subject.render([user()]).ok else "error"
        what = "a conversation of two questions and two answers" if short.ok else "a question and an answer"
        yield Finding(
            "refuses" if rendered.refused else "fails",
            level,
            f"the template {'refuses' if rendered.refused else 'fails on'} {what}",
            example=shorten(rendered.reason),
            remedy="give what it asks for (variables, tools, documents), or take another template",
            line=rendered.line,
        )


def check_messages(subject: Subject) -> Iterator[Finding]:
    """Roles and orders of messages."""
    if not _takes_strings(subject):
        return
    # Many orders may be refused at one place of the template.
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
            f"the template does not print {_names(cases)}, and does not say so",
            example=cases[0][1],
            remedy="change rows that have it, or take another template",
        )
    for (refused, line), cases in failed.items():
        yield Finding(
            "message-refused" if refused else "message-fails",
            "note" if refused else "warning",
            f"the template {'refuses' if refused else 'fails on'} {_names(cases)}",
            example=cases[0][1],
            remedy="rows that have it fail; change them, or take another template",
            line=line,
        )


def check_merged(subject: Subject) -> Iterator[Finding]:
    """A system message that has no turn of its own."""
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
            "the system message is written into the first user turn",
            example=around(rendered, f"{SYSTEM}{between}{QUESTION}"),
            remedy="nothing, if the model was trained so; a system message later in a conversation may be lost",
        )


def check_parts(subject: Subject) -> Iterator[Finding]:
    """Contents that are lists of parts, as data for models with images have them."""
    if not _takes_strings(subject):
        return
    rendered = subject.render(_in_parts(PLAIN[:2]))
    remedy = "give contents as strings: the texts of the parts, joined"
    forms = {"[{'type'": "a Python list", '[{"type"': "JSON"}
    printed = next((form for form in forms if form in rendered.text), None)
    if not rendered.ok:
        yield Finding(
            "parts-refused" if rendered.refused else "parts-fail",
            "note",
            "the template takes no content that is a list of parts",
            example=shorten(rendered.reason),
            remedy=remedy,
            line=rendered.line,
        )
    elif printed:
        yield Finding(
            "parts-printed",
            "warning",
            f"a content that is a list of parts is printed as {forms[printed]}",
            example=around(rendered.text, printed),
            remedy=remedy,
        )
    elif QUESTION not in rendered.text or ANSWER not in rendered.text:
        yield Finding(
            "parts-dropped",
            "warning",
            "a content that is a list of parts is not printed, and nothing says so",
            example=shorten(repr(rendered.text)),
            remedy=remedy,
        )


def check_trimmed(subject: Subject) -> Iterator[Finding]:
    """White space at the edges of an answer."""
    text = subject.render([user(), assistant(_PADDED)]).text
    if ANSWER in text and _PADDED not in text:
        yield Finding(
            "content-trimmed",
            "note",
            "white space at the edges of an answer is taken off or changed",
            example=f"{_PADDED!r} becomes {around(text, ANSWER)}",
            remedy="nothing, unless it matters, as the indent of code does",
        )


def _takes_strings(subject: Subject) -> bool:
    text = subject.render(PLAIN[:2]).text
    return QUESTION in text and ANSWER in text


def _in_parts(messages: Conversation) -> Conversation:
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]


def _names(cases: list[tuple[_Case, str]]) -> str:
    return ", ".join(case.name for case, _ in cases)
