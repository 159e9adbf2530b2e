"""Templates by whatever a user calls them, and the findings of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chatmill._chatmill import ChatTemplate, TemplateError, Tokenizer
from chatmill.lint.finding import Finding
from chatmill.lint.rows import read_rows
from chatmill.lint.run import lint_source, lint_template
from chatmill.resolve import no_template
from chatmill.sources import load_template


def lint_any(
    templates: Sequence[str],
    *,
    rows: tuple[str, int] | None = None,
    tokenizer: str | None = None,
    now: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, list[Finding]]:
    """The findings of templates, by their names.

    Args:
        templates: Names of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` takes.
        rows: A file of rows that they shall be used for, and how many of them to read.
        tokenizer: What they are used with: a folder, the path of a `tokenizer.json`, or a Hub id.
        now: The time that they are given.
        variables: Template variables that they are given.

    Raises:
        ChatmillError: There is no such template, tokenizer or data. A template that does not compile is a finding.

    Example:
        >>> list(lint_any(["chatml", "{{ messages"]))
        ['chatml', 'chat_template']
    """
    loaded = None if tokenizer is None else Tokenizer.from_pretrained(tokenizer)
    special_tokens = {} if loaded is None else loaded.special_tokens
    options: dict[str, Any] = {
        **(variables or {}),
        "data": None if rows is None else list(read_rows(*rows)),
        "tokenizer": loaded,
        "now": now,
    }
    findings: dict[str, list[Finding]] = {}
    for template in templates:
        if template in ChatTemplate.names():
            # The tokens of a named template are only its defaults: the tokenizer's own come first.
            name, found = template, lint_template(ChatTemplate.named(template, **special_tokens), **options)
        else:
            try:
                source = load_template(template)
            except TemplateError as error:
                raise no_template(template, error) from error
            name, tokens = source.name, {**special_tokens, **source.special_tokens}
            found = lint_source(source.source, name, tool_use=source.tool_use, special_tokens=tokens, **options)
        # Two files may have one name.
        findings[name if name not in findings else template] = found
    return findings
