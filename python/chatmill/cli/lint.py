"""The subcommand `chatmill lint`."""

from typing import Annotated

import typer

from chatmill.cli.app import app, clear_errors
from chatmill.cli.names import split_templates
from chatmill.cli.options import (
    FormatOption,
    InputFormatOption,
    KwargsOption,
    MapOption,
    NowOption,
    TokenizerJsonOption,
    TracebackOption,
)
from chatmill.cli.values import columns_of, json_object, time_of
from chatmill.terminal.lines import say
from chatmill.text.visible import visible_json


@app.command(short_help="Check chat templates for errors and for problems in training.")
def lint(
    templates: Annotated[
        list[str],
        typer.Argument(
            metavar="TEMPLATE...",
            help="Names from `chatmill templates`, .jinja files, Jinja source, folders or Hub ids.",
            show_default=False,
        ),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Also check the templates on the rows of this file, folder or glob, or - for standard input. Can be "
            "given several times; names of data files after it count too.",
            show_default=False,
        ),
    ] = None,
    format: FormatOption = "auto",
    map_columns: MapOption = None,
    input_format: InputFormatOption = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Maximum number of rows to read from --data.")] = 1000,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="TOKENIZER",
            help="Folder, tokenizer.json or Hub id of the tokenizer. Supplies the special tokens, and shows whether "
            "the stop token is a single token.",
            show_default=False,
        ),
    ] = None,
    tokenizer_json: TokenizerJsonOption = False,
    chat_template_kwargs: KwargsOption = None,
    now: NowOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as a JSON list.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also exit with status 1 if there are only warnings.")
    ] = False,
    traceback: TracebackOption = False,
) -> None:
    """Check chat templates for errors and for problems in training; exit with status 1 if a template has an error."""
    with clear_errors(traceback=traceback):
        from chatmill.cli.inputs import found_inputs
        from chatmill.lint.load import DataRows, lint_any
        from chatmill.lint.report import show_findings, to_json
        from chatmill.terminal.console import new_console

        named, more = split_templates(templates) if data else (templates, [])
        if not named:
            raise typer.BadParameter("there is no template to check; give one before --data")
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
            raise typer.Exit(1)
