"""Tools: whether they are shown, how arguments are written, and what comes of a call without content."""

from collections.abc import Iterator

from chatmill.lint.finding import Finding
from chatmill.lint.probes import ARGUMENT, ARGUMENTS, RESULT, TOOL, tool_turns, user
from chatmill.lint.quote import around, excerpt, shorten
from chatmill.lint.subject import Rendered, Subject

_KEY = next(iter(ARGUMENTS))
_ESCAPED = f'{{\\"{_KEY}\\"'
_PYTHON = f"{{'{_KEY}': "


def check_tools(subject: Subject) -> Iterator[Finding]:
    """Whether tools that a row declares are shown to the model."""
    without, shown = subject.render([user()]), subject.render([user()], subject.tools)
    if not shown.ok:
        yield _refusal("tools", "a conversation with tools", shown)
    elif without.ok and without.text == shown.text and not subject.needs_tools:
        yield Finding(
            "tools-ignored",
            "warning",
            "the tools of a conversation are not shown, and nothing says so: the model would be trained on calls of "
            "functions that it has not been told of",
            example=f"the same with and without tools: {excerpt(shown.text, len(shown.text))}",
            remedy="take a template that shows tools, or leave rows with tools out",
        )


def check_calls(subject: Subject) -> Iterator[Finding]:
    """Whether calls and results are printed, and the forms in which arguments may come."""
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
            "the tool calls of the assistant are not printed, and nothing says so",
            example=around(works.text, RESULT),
            remedy="take a template that prints `tool_calls`, or leave rows with calls out",
        )
        return
    if RESULT not in works.text:
        yield Finding(
            "tool-result-dropped",
            "warning",
            "the result of a tool call (a message of role tool) is not printed, and nothing says so",
            example=around(works.text, ARGUMENT),
            remedy="take a template that prints messages of role tool",
        )
    yield from _forms(as_dict, as_text)
    two = subject.render(subject.tool_turns(two_calls=True), subject.tools)
    if not two.ok:
        yield _refusal("parallel-calls", "a message with two tool calls", two)


def check_null_content(subject: Subject) -> Iterator[Finding]:
    """A message of calls only: its content is null, or is not there."""
    if not subject.prints_calls:
        return
    rendered = subject.render(subject.tool_turns(content=None), subject.tools)
    empty = subject.render(subject.tool_turns(), subject.tools).text
    if not rendered.ok:
        yield Finding(
            "null-content-fails",
            "warning",
            "a message with tool calls whose content is null or missing makes the template fail",
            example=rendered.reason,
            remedy='give such messages the content ""',
            line=rendered.line,
        )
        return
    word = next((word for word in ("None", "Undefined", "null") if rendered.text.count(word) > empty.count(word)), None)
    if word:
        yield Finding(
            "null-content-printed",
            "warning",
            f"a message with tool calls whose content is null or missing is printed with the word {word}",
            example=around(rendered.text, word),
            remedy='give such messages the content "", or let the template test it (`{% if message.content %}`)',
        )


def _forms(as_dict: Rendered, as_text: Rendered) -> Iterator[Finding]:
    forms = (("dict", "a dict", as_dict, "JSON text"), ("string", "JSON text", as_text, "a dict"))
    for name, said, rendered, other in forms:
        if not rendered.ok:
            yield Finding(
                f"tool-arguments-{name}-fails",
                "warning",
                f"the template fails where the arguments of a tool call are {said}; {other} works",
                example=rendered.reason,
                remedy=f"give the arguments as {other}",
                line=rendered.line,
            )
        elif ARGUMENT not in rendered.text:
            yield Finding(
                f"tool-arguments-{name}-dropped",
                "warning",
                f"the arguments of a tool call are not printed where they are {said}; {other} works",
                example=around(rendered.text, TOOL),
                remedy=f"give the arguments as {other}",
            )
    if as_text.ok and _ESCAPED in as_text.text and _ESCAPED not in as_dict.text:
        yield Finding(
            "tool-arguments-double-escaped",
            "warning",
            "arguments of a tool call that are JSON text already, as OpenAI's are, are escaped once more",
            example=around(as_text.text, _ESCAPED),
            remedy="give the arguments as a dict (`json.loads` them)",
        )
    if as_dict.ok and _PYTHON in as_dict.text:
        yield Finding(
            "tool-arguments-python",
            "warning",
            "arguments of a tool call that are a dict are printed as Python prints them, which is not JSON",
            example=around(as_dict.text, _PYTHON),
            remedy="give the arguments as JSON text" if as_text.ok else "let the template write `| tojson`",
        )


def _refusal(what: str, said: str, rendered: Rendered) -> Finding:
    refused = rendered.refused
    return Finding(
        f"{what}-{'refused' if refused else 'fail'}",
        "note" if refused else "warning",
        f"the template {'refuses' if refused else 'fails on'} {said}",
        example=shorten(rendered.reason),
        remedy="rows with such messages fail; take another template for them"
        + ("" if refused else ", or correct this one"),
        line=rendered.line,
    )
