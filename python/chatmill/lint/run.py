"""`lint_template` and `lint_source`: run all checks of a template."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chatmill._chatmill import ChatTemplate, TemplateError, Tokenizer
from chatmill.lint import labels, messages, outside, prefix, prompt, reasoning, stop, tools
from chatmill.lint.data import check_data
from chatmill.lint.finding import LEVELS, Finding
from chatmill.lint.subject import Subject, line_of_error
from chatmill.text.failures import reason_of

_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    messages.check_renders,
    stop.check_stop,
    labels.check_provable,
    labels.check_tags,
    outside.check_tags,
    prefix.check_prefix,
    prompt.check_presence,
    prompt.check_prompt,
    reasoning.check_reasoning,
    reasoning.check_think,
    tools.check_tools,
    tools.check_calls,
    tools.check_null_content,
    messages.check_messages,
    messages.check_merged,
    messages.check_parts,
    messages.check_trimmed,
    outside.check_default_system,
    outside.check_clock,
    outside.check_bos,
    outside.check_variables,
)


def lint_template(
    template: ChatTemplate,
    *,
    data: Iterable[Any] | None = None,
    tools: Sequence[Any] | None = None,
    tokenizer: Tokenizer | None = None,
    now: datetime | None = None,
    **variables: Any,
) -> list[Finding]:
    r"""Check a template for errors and for problems in training.

    Args:
        template: The template.
        data: Rows to check the template on: mappings with `messages`, or lists of messages.
        tools: Tools for the checks, as JSON schemas; by default one example tool.
        tokenizer: The tokenizer of the template. It supplies the special tokens, and shows whether the stop token is a
            single token.
        now: The time that the template prints. If it is None, a template that reads the clock gives a finding.
        variables: Template variables for all renders.

    Returns:
        The findings: errors, then warnings, then notes. Errors of the template are findings, not exceptions.

    Raises:
        DataError: The data are not conversations.

    Example:
        >>> template = ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
        >>> [finding.code for finding in lint_template(template) if finding.code.startswith("stop")]
        ['stop-token-missing']
    """
    known = template.special_tokens
    added = {} if tokenizer is None else tokenizer.special_tokens
    template = template.with_special_tokens(**{name: token for name, token in added.items() if name not in known})
    findings = list(outside.check_missing_tokens(template))
    stand_ins = outside.missing_tokens(template)
    subject = Subject(
        template.with_special_tokens(**stand_ins) if stand_ins else template,
        tools=tools,
        tokenizer=tokenizer,
        now=now,
        variables=variables,
    )
    for check in _CHECKS:
        findings += check(subject)
    if data is not None:
        findings += check_data(subject, data)
    return by_level(findings)


def by_level(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order: errors, then warnings, then notes.

    Args:
        findings: The findings.
    """
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def lint_source(
    source: str,
    name: str = "chat_template",
    *,
    tool_use: str | None = None,
    special_tokens: Mapping[str, str] | None = None,
    **options: Any,
) -> list[Finding]:
    r"""Check the source of a template; a source that does not compile gives a finding.

    Args:
        source: The Jinja source.
        name: The name of the template.
        tool_use: The source for conversations with tools, if it is a different one.
        special_tokens: Special tokens by name, such as `{"bos_token": "<s>"}`.
        options: As for `lint_template`.

    Returns:
        The findings; one error if the source does not compile.

    Example:
        >>> print(lint_source("{% for m in messages %}\n{{ m.content }").pop().line)
        2
    """
    try:
        template = ChatTemplate(source, name=name, tool_use=tool_use, **(special_tokens or {}))
    except TemplateError as error:
        text, _, quoted = reason_of(error).partition("\n")
        remedy = "correct the template at this line"
        return [Finding("syntax", "error", text, quoted, remedy, line_of_error(error))]
    return lint_template(template, **options)
