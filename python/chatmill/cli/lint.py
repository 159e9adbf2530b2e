"""The subcommand `chatmill lint`."""

import sys

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.names import split_templates
from chatmill.cli.options import (
    AtLeast,
    format_option,
    input_format_option,
    kwargs_option,
    lint_now_option,
    map_option,
    tokenizer_json_option,
    traceback_option,
)
from chatmill.cli.values import columns_of, json_object, time_of
from chatmill.terminal.lines import say
from chatmill.text.visible import visible_json


@app.command(short_help="Check chat templates for errors and for problems in training.")
@click.argument(
    "templates",
    nargs=-1,
    required=True,
    metavar="TEMPLATE...",
    help="Names from `chatmill templates`, .jinja files, Jinja source, folders or Hub ids.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="Also check the templates on the rows of this file, folder or glob, or - for standard input. Can be "
    "given several times; names of data files after it count too.",
)
@format_option
@map_option
@input_format_option
@click.option("--rows", type=AtLeast(1), default=1000, metavar="N", help="Maximum number of rows to read from --data.")
@click.option(
    "--tokenizer",
    metavar="TOKENIZER",
    help="Folder, tokenizer.json or Hub id of the tokenizer. Supplies the special tokens, and shows whether the stop "
    "token is a single token.",
)
@tokenizer_json_option
@kwargs_option
@lint_now_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@click.option("--strict", is_flag=True, help="Also exit with status 1 if there are only warnings.")
@traceback_option
def lint(
    templates: tuple[str, ...],
    data: tuple[str, ...],
    format: str,
    map_columns: tuple[str, ...],
    input_format: str | None,
    rows: int,
    tokenizer: str | None,
    tokenizer_json: bool,
    chat_template_kwargs: str | None,
    now: str | None,
    as_json: bool,
    strict: bool,
    traceback: bool,
) -> None:
    """Check chat templates for errors and for problems in training; exit with status 1 if a template has an error."""
    with clear_errors(traceback=traceback):
        from chatmill.cli.inputs import found_inputs
        from chatmill.lint.load import DataRows, lint_any
        from chatmill.lint.report import show_findings, to_json
        from chatmill.terminal.console import new_console

        named, more = split_templates(templates) if data else (templates, [])
        if not named:
            raise click.UsageError("there is no template to check; give one before --data")
        files = found_inputs([*data, *more], input_format) if data else []
        found = lint_any(
            named,
            rows=DataRows(files, rows, format, columns_of(map_columns)) if data else None,
            tokenizer=tokenizer,
            rebuild=not tokenizer_json,
            now=time_of(now),
            variables=json_object(chat_template_kwargs),
        )
        if as_json:
            say(visible_json(to_json(found)))
        else:
            console = new_console()
            for name, findings in found.items():
                text = show_findings(name, findings)
                console.print(text, soft_wrap=True) if console.is_terminal else say(text)
        bad = {"error", "warning"} if strict else {"error"}
        if any(finding.level in bad for findings in found.values() for finding in findings):
            sys.exit(1)
