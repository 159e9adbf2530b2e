"""`chatmill lint`, and what chatmill comes with: templates, formats, the schema of configs."""

import json
from typing import Annotated

import typer

from chatmill import ChatTemplate
from chatmill.cli_app import app, clear_errors, json_object, time_of
from chatmill.cli_options import (
    KwargsOption,
    TracebackOption,
)


@app.command()
def lint(
    templates: Annotated[
        list[str],
        typer.Argument(
            metavar="T...",
            help="Names of `chatmill templates`, .jinja files, Jinja source, folders or Hub ids.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE", help="Rows that it shall be used for.", show_default=False),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows of the data to look at.")] = 1000,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="X",
            help="Folder, tokenizer.json or Hub id: tells special tokens, and whether a stop token is one token.",
            show_default=False,
        ),
    ] = None,
    chat_template_kwargs: KwargsOption = None,
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="ISO_DATETIME", help="The time that templates print.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too, not on errors only.")] = False,
    traceback: TracebackOption = False,
) -> None:
    """Tell what may be wrong with chat templates, or surprising in training."""
    with clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.lint.load import lint_any
        from chatmill.lint.report import show_findings, to_json

        found = lint_any(
            templates,
            rows=None if data is None else (data, rows),
            tokenizer=tokenizer,
            now=time_of(now),
            variables=json_object(chat_template_kwargs),
        )
        if as_json:
            typer.echo(to_json(found))
        else:
            console = Console()
            for name, findings in found.items():
                text = show_findings(name, findings)
                console.print(text, soft_wrap=True) if console.is_terminal else typer.echo(text)
        bad = {"error", "warning"} if strict else {"error"}
        if any(finding.level in bad for findings in found.values() for finding in findings):
            raise typer.Exit(1)


@app.command()
def templates() -> None:
    """List the templates that come with chatmill."""
    for name in ChatTemplate.names():
        typer.echo(name)


@app.command()
def schema() -> None:
    """Print the JSON schema of the YAML files that `prepare` reads, for editors."""
    from chatmill.config import config_schema

    typer.echo(json.dumps(config_schema(), indent=2))


@app.command()
def formats(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show this one, with its text.", show_default=False)
    ] = None,
    traceback: TracebackOption = False,
) -> None:
    """List the formats of rows that come with chatmill, each with an example row; or show one."""
    with clear_errors(traceback=traceback):
        from chatmill.formats.listing import list_formats, show_format

        typer.echo(list_formats() if name is None else show_format(name))
