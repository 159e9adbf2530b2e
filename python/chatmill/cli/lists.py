"""`chatmill templates`, `chatmill formats` and `chatmill schema`: lists of templates, formats and config keys."""

import json

import click

from chatmill._chatmill import ChatTemplate
from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import traceback_option
from chatmill.sources.llama_factory import library_name
from chatmill.terminal.lines import say


@app.command(short_help="List the named templates, or print the source of one.")
@click.argument("name", required=False, help="Print the Jinja source of this template.")
@traceback_option
def templates(name: str | None, traceback: bool) -> None:
    """List the names of the templates that come with chatmill, or print the Jinja source of one of them."""
    with clear_errors(traceback=traceback):
        if name is not None:
            say(ChatTemplate.named(library_name(name) or name).source)
            return
        for known in ChatTemplate.names():
            say(known)


@app.command(short_help="Print the JSON schema of YAML files, for editors.")
def schema() -> None:
    """Print the JSON schema of the YAML files that `prepare` reads, for editors."""
    from chatmill.config import config_schema

    say(json.dumps(config_schema(), indent=2))


@app.command(short_help="List the row formats, or show one format in full.")
@click.argument("name", required=False, help="Show only this format, with its fields, styles and text.")
@traceback_option
def formats(name: str | None, traceback: bool) -> None:
    """List the row formats that come with chatmill, each with an example row; or show one format in full."""
    with clear_errors(traceback=traceback):
        from chatmill.formats.listing import list_formats, show_format

        say(list_formats() if name is None else show_format(name))
