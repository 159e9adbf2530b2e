"""Checks of tools: are they printed, which forms of arguments work, and do calls without content work?"""

from collections.abc import Iterator

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ARGUMENT, ARGUMENTS, RESULT, TOOL, tool_turns, user
from chatmill.lint.subject import Rendered, Subject
from chatmill.text.quote import around, excerpt, shorten

_KEY = next(iter(ARGUMENTS))
_ESCAPED = f'{{\\"{_KEY}\\"'
_PYTHON = f"{{'{_KEY}': "


def check_tools(subject: Subject) -> Iterator[Finding]:
    """Check whether the template prints the tools of a row."""
    without, shown = subject.render([user()]), subject.render([user()], subject.tools)
    if not shown.ok:
        yield _refusal("tools", "a conversation with tools", shown)
    elif without.ok and without.text == shown.text and not subject.needs_tools:
        yield Finding(
            "tools-ignored",
            "warning",
            "the template silently drops the tools of a conversation, so the model is trained to call functions that "
            "the prompt does not list",
            example=f"the same text with and without tools: {excerpt(shown.text, len(shown.text))}",
            remedy="use a template that prints tools, or remove rows with tools",
        )


def check_calls(subject: Subject) -> Iterator[Finding]:
    """Check whether calls and results are printed, and the forms of arguments."""
    as_dict, as_text = (subject.render(tool_turns(as_text=form), subject.tools) for form in (False, True))
    if not as_dict.ok and not as_text.ok:
        if subject.render([user()], subject.tools).ok:
            yield _refusal("tool-calls", "a conversation with tool calls", as_dict)
        return
    works = as_text if subject.arguments_as_text else as_dict
    if not subject.prints_calls:
        yield Finding(
            "tool-calls-ignored",
            "warning",
            "the template silently drops the tool calls of the assistant",
            example=around(works.text, RESULT),
            remedy="use a template that prints `tool_calls`, or remove rows with calls",
        )
        return
    if RESULT not in works.text:
        yield Finding(
            "tool-result-dropped",
            "warning",
            "the template silently drops the result of a tool call (a message of role tool)",
            example=around(works.text, ARGUMENT),
            remedy="use a template that prints messages of role tool",
        )
    yield from _forms(as_dict, as_text)
    two = subject.render(subject.tool_turns(two_calls=True), subject.tools)
    if not two.ok:
        yield _refusal("parallel-calls", "a message with two tool calls", two)


def check_null_content(subject: Subject) -> Iterator[Finding]:
    """Check a message with tool calls whose content is null or missing."""
    if not subject.prints_calls:
        return
    rendered = subject.render(subject.tool_turns(content=None), subject.tools)
    empty = subject.render(subject.tool_turns(), subject.tools).text
    if not rendered.ok:
        yield Finding(
            "null-content-fails",
            "warning",
            "the template fails on a message with tool calls whose content is null or missing",
            example=rendered.reason,
            remedy='set the content of such messages to ""',
            line=rendered.line,
        )
        return
    word = next((word for word in ("None", "Undefined", "null") if rendered.text.count(word) > empty.count(word)), None)
    if word:
        yield Finding(
            "null-content-printed",
            "warning",
            f"the template prints {word} for a message with tool calls whose content is null or missing",
            example=around(rendered.text, word),
            remedy='set the content of such messages to "", or test it in the template (`{% if message.content %}`)',
        )


def _forms(as_dict: Rendered, as_text: Rendered) -> Iterator[Finding]:
    forms = (("dict", "a dict", as_dict, "JSON text"), ("string", "JSON text", as_text, "a dict"))
    for name, form, rendered, other in forms:
        if not rendered.ok:
            yield Finding(
                f"tool-arguments-{name}-fails",
                "warning",
                f"the template fails if the arguments of a tool call are {form}; {other} works",
                example=rendered.reason,
                remedy=f"convert the arguments to {other}",
                line=rendered.line,
            )
        elif ARGUMENT not in rendered.text:
            yield Finding(
                f"tool-arguments-{name}-dropped",
                "warning",
                f"the template drops the arguments of a tool call if they are {form}; {other} works",
                example=around(rendered.text, TOOL),
                remedy=f"convert the arguments to {other}",
            )
    if as_text.ok and _ESCAPED in as_text.text and _ESCAPED not in as_dict.text:
        yield Finding(
            "tool-arguments-double-escaped",
            "warning",
            "the template escapes the arguments of a tool call again if they are JSON text, as in OpenAI's format",
            example=around(as_text.text, _ESCAPED),
            remedy="convert the arguments to a dict with `json.loads`",
        )
    if as_dict.ok and _PYTHON in as_dict.text:
        yield Finding(
            "tool-arguments-python",
            "warning",
            "the template prints the arguments of a tool call as a Python dict, which is not JSON",
            example=around(as_dict.text, _PYTHON),
            remedy="convert the arguments to JSON text" if as_text.ok else "use `| tojson` in the template",
        )


def _refusal(code: str, conversation: str, rendered: Rendered) -> Finding:
    refused = rendered.refused
    return Finding(
        f"{code}-{'refused' if refused else 'fail'}",
        "note" if refused else "warning",
        f"the template {'rejects' if refused else 'fails on'} {conversation}",
        example=shorten(rendered.reason),
        remedy="such rows fail; use another template for them" + ("" if refused else ", or correct this template"),
        line=rendered.line,
    )
