"""`lint_any`: checks templates that are given by name, path, Hub id or source."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chatmill._chatmill import ChatTemplate, TemplateError, Tokenizer
from chatmill.lint.finding import Finding
from chatmill.lint.rows import read_rows
from chatmill.lint.run import lint_source, lint_template
from chatmill.sources.load import load_template
from chatmill.sources.resolve import missing_template


def lint_any(
    templates: Sequence[str],
    *,
    rows: tuple[str, int] | None = None,
    tokenizer: str | None = None,
    now: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, list[Finding]]:
    """Check templates that are given by name, path, Hub id or source.

    Args:
        templates: Names of `ChatTemplate.names()`, or any values that `ChatTemplate.from_pretrained` accepts.
        rows: A file of conversations to check the templates on, and the maximum number of rows to read; None for none.
        tokenizer: The tokenizer of the templates: a folder, the path of a `tokenizer.json`, or a Hub id.
        now: The time that templates print.
        variables: Template variables.

    Returns:
        The findings of each template by its name.

    Raises:
        ChatmillError: A template, the tokenizer or the data cannot be loaded. A template that does not compile is a
            finding.

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
            # The special tokens of a named template are only defaults, so the tokenizer's tokens replace them.
            name, found = template, lint_template(ChatTemplate.named(template, **special_tokens), **options)
        else:
            try:
                source = load_template(template)
            except TemplateError as error:
                raise missing_template(template, error) from error
            name, tokens = source.name, {**special_tokens, **source.special_tokens}
            found = lint_source(source.source, name, tool_use=source.tool_use, special_tokens=tokens, **options)
        # Two files may have the same name.
        findings[name if name not in findings else template] = found
    return findings
