"""`lint_any`: checks templates that are given by name, path, Hub id or source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, Mill, TemplateError, Tokenizer
from chatmill.formats import Format
from chatmill.formats.detect import format_of
from chatmill.inputs import find_inputs, read_blocks
from chatmill.inputs.mill import mill_block
from chatmill.lint.finding import Finding, Level
from chatmill.lint.rows import read_rows
from chatmill.lint.run import by_level, lint_source, lint_template
from chatmill.lint.run_checks import RunChecks
from chatmill.lint.subject import byte_tokenizer
from chatmill.sources.llama_factory import library_name
from chatmill.sources.load import load_template
from chatmill.sources.resolve import missing_template


@dataclass(frozen=True)
class DataRows:
    """Rows of files.

    Attributes:
        files: As the inputs of `prepare`, or files from `find_inputs`.
        most: The maximum number of rows to read.
        format: Any value that `Format.of` accepts, `"auto"`, or None for messages.
        columns: The column in the rows for each column that the format reads, where the names differ.
    """

    files: Sequence[Any]
    most: int
    format: Any = "auto"
    columns: Mapping[str, str] | None = None


def check_formatted(
    template: ChatTemplate,
    form: Format,
    rows: DataRows,
    tokenizer: Tokenizer | None,
    now: datetime | None,
    variables: Mapping[str, Any],
) -> Iterator[Finding]:
    """Check a template on rows of a format, which are read as `prepare` reads them.

    Args:
        template: The template.
        form: The format of the rows.
        rows: The rows.
        tokenizer: The tokenizer of the template, or None.
        now: The time that the template prints.
        variables: Template variables.

    Raises:
        DataError: The format has a text of its own, so it needs no chat template.
    """
    if not form.needs_template:
        style = f"; use `--format {form.base}:messages`" if form.has_messages_style else ""
        raise DataError(f"rows of the format {form.name} need no chat template, so there is nothing to check{style}")
    mill = Mill(
        tokenizer or byte_tokenizer(), template, format=form, on_error="null", now=now,
        chat_template_kwargs=dict(variables) or None,
    )  # fmt: skip
    checks = RunChecks(mill, most_sampled=rows.most, knows_tokens=tokenizer is not None)
    read, failures = 0, dict[str, tuple[str, int]]()
    for block in read_blocks(find_inputs(rows.files), columns=form.columns, block_bytes=1 << 20):
        used = block.within(range(block.first_row, block.first_row + rows.most - read))
        if used is None:
            break
        read += used.batch.num_rows
        tokens = mill_block(mill, used)
        for failure in tokens.failures:
            place, count = failures.get(failure.text, (used.place(failure.row), 0))
            failures[failure.text] = (place, count + 1)
        checks.add(used, tokens)
    for reason, (place, count) in failures.items():
        level: Level = "error" if count == read else "warning"
        yield Finding("rows-fail", level, f"{count:,} of {read:,} rows fail", f"{place}: {reason}", "correct the rows")
    for warning in checks.warnings():
        yield Finding(warning.code.replace("_", "-"), "warning", warning.text, warning.place, warning.remedy)


def _compiled(template: str, special_tokens: Mapping[str, str]) -> ChatTemplate:
    library = library_name(template)
    if library is not None:
        return ChatTemplate.named(library, **special_tokens)
    loaded = ChatTemplate.from_pretrained(template)
    missing = {name: token for name, token in special_tokens.items() if name not in loaded.special_tokens}
    return loaded.with_special_tokens(**missing)


def lint_any(
    templates: Sequence[str],
    *,
    rows: DataRows | None = None,
    tokenizer: str | None = None,
    rebuild: bool = True,
    now: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, list[Finding]]:
    """Check templates that are given by name, path, Hub id or source.

    Args:
        templates: Names of `ChatTemplate.names()`, or any values that `ChatTemplate.from_pretrained` accepts.
        rows: Rows of files to check the templates on; None for none.
        tokenizer: The tokenizer of the templates: a folder, the path of a `tokenizer.json`, or a Hub id.
        rebuild: As for `Tokenizer.from_pretrained`.
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
    loaded = None if tokenizer is None else Tokenizer.from_pretrained(tokenizer, rebuild=rebuild)
    special_tokens = {} if loaded is None else loaded.special_tokens
    options: dict[str, Any] = {
        **(variables or {}),
        "tokenizer": loaded,
        "now": now,
    }
    form = None if rows is None else format_of(rows.format, rows.files, columns=rows.columns).format
    if rows is not None and form is None:
        options["data"] = list(read_rows(rows.files, rows.most))
    findings: dict[str, list[Finding]] = {}
    for template in templates:
        library = library_name(template)
        if library is not None:
            # The special tokens of a named template are only defaults, so the tokenizer's tokens replace them.
            name, found = template, lint_template(ChatTemplate.named(library, **special_tokens), **options)
        else:
            try:
                source = load_template(template)
            except TemplateError as error:
                raise missing_template(template, error) from error
            name, tokens = source.name, {**special_tokens, **source.special_tokens}
            found = lint_source(source.source, name, tool_use=source.tool_use, special_tokens=tokens, **options)
        if rows is not None and form is not None and not any(finding.code == "syntax" for finding in found):
            compiled = _compiled(template, special_tokens)
            found = by_level([*found, *check_formatted(compiled, form, rows, loaded, now, variables or {})])
        # Two files may have the same name.
        findings[name if name not in findings else template] = found
    return findings
