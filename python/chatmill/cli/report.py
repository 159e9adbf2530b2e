"""The subcommand `chatmill report`."""

import json
import operator
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AtLeast,
    all_masked_option,
    allowed_option,
    control_tokens_option,
    fallback_option,
    format_option,
    input_format_option,
    kwargs_option,
    labels_option,
    limits_option,
    map_option,
    max_length_option,
    now_option,
    reserve_option,
    rows_tokenizer_option,
    split_option,
    template_option,
    tokenizer_json_option,
    traceback_option,
    truncation_option,
)
from chatmill.cli.values import columns_of, json_object, time_of
from chatmill.terminal.lines import say, say_error, say_note

if TYPE_CHECKING:
    from chatmill.reporting.shown import ShownReport

# The exit status if a condition of --fail-if holds.
_CONDITION_HOLDS = 3
_STDOUT = "-"
# The options that are not for rows alone.
_OWN = ("inputs", "html", "json_file", "fail_if", "samples", "no_samples", "schema", "quiet", "traceback")


def _print_schema(context: click.Context, _option: click.Parameter, given: bool) -> None:
    if given and not context.resilient_parsing:
        from chatmill.reporting.as_json import report_schema

        say(json.dumps(report_schema(), indent=2))
        context.exit()


def _check_condition(text: str) -> None:
    from chatmill._chatmill import DataError
    from chatmill.reporting.fail_if import Condition

    try:
        Condition.of(text)
    except DataError as error:
        raise click.BadParameter(str(error)) from None


def _check_conditions(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        _check_condition(text)
    return given


@app.command(short_help="Report what an output holds, or what rows would become.")
@click.argument(
    "inputs",
    nargs=-1,
    required=True,
    metavar="X...",
    help="Output folders of `prepare`, or rows, as for `prepare`. Rows need --tokenizer; chatmill counts them and "
    "writes no output. Several inputs are shown side by side. A folder of rows, or a quoted glob, is one input.",
)
@rows_tokenizer_option
@template_option
@fallback_option
@tokenizer_json_option
@format_option
@map_option
@input_format_option
@labels_option
@split_option
@max_length_option
@reserve_option
@truncation_option
@control_tokens_option
@allowed_option
@all_masked_option
@kwargs_option
@limits_option
@now_option
@click.option("--threads", type=AtLeast(1), metavar="N", help="Number of threads. Default: one per core.")
@click.option("--html", type=click.Path(), metavar="FILE", help="Also write the report as one page for a browser.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Also write the report as JSON; - prints it in place of the table. --schema prints its schema.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="CONDITION",
    callback=_check_conditions,
    help="Exit with status 3 if this condition holds, such as 'stop_untrained > 0' or 'truncated_tokens > 2%'; "
    "docs/report.md lists the figures. Can be given several times.",
)
@click.option("--samples", type=AtLeast(0), metavar="N", help="Show at most this many samples in --html and --json.")
@click.option(
    "--no-samples",
    is_flag=True,
    help="Leave out the texts of rows, and the reasons of rejections, which may quote them.",
)
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON schema of --json and exit.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only conditions that hold, and errors, on stderr.")
@traceback_option
@click.pass_context
def report(context: click.Context, /, **options: Any) -> None:
    """Report what an output holds: lengths, labels, truncation, what is wrong; or what rows would become.

    docs/report.md explains all numbers.
    """
    with clear_errors(traceback=options["traceback"]):
        from chatmill.reporting.job import report as run

        inputs, html, json_file = options["inputs"], options["html"], options["json_file"]
        row_options = _row_options(context, inputs)
        samples = _samples(
            options["samples"], options["no_samples"], shows_them=html is not None or json_file is not None
        )
        # Rows may take long, so a wrong path is found before.
        files = _files(html, json_file, inputs, options["input_format"])
        shown = run(*inputs, samples=samples, **row_options)
        print_report = partial(_print, shown, as_json=json_file == _STDOUT, quiet=options["quiet"])
        try:
            if html is not None:
                shown.to_html(html)
            if json_file not in (None, _STDOUT):
                shown.to_json(json_file)
        except Exception:
            # Counting took long, so the report is printed also if a file cannot be written.
            with suppress(BrokenPipeError):
                print_report()
            raise
        # After the files, which a closed pipe (`| head`) must not cost.
        print_report()
        for file in [] if options["quiet"] else files:
            say_note(f"written to {file}")
        found = shown.fail_if(*options["fail_if"])
        for it in found:
            say_error(f"--fail-if holds for {it}")
        if found:
            sys.exit(_CONDITION_HOLDS)


def _print(shown: "ShownReport", *, as_json: bool, quiet: bool) -> None:
    from chatmill.terminal.console import new_console

    if as_json:
        say(shown.json_text().rstrip())
    elif not quiet:
        console = new_console()
        console.print(shown) if console.is_terminal else say(shown)


def _samples(number: int | None, none: bool, *, shows_them: bool) -> bool | int:
    if none and number:
        raise click.UsageError("--samples and --no-samples contradict each other; give one of them")
    # 0 also leaves out the reasons of rejections, which the table shows.
    if number and not shows_them:
        raise click.UsageError("--samples is for --html and --json, and the table shows no samples; remove --samples")
    return not none if number is None else number


def _files(html: str | None, json_file: str | None, inputs: tuple[str, ...], kind: str | None) -> list[str]:
    """Return the files to write, checked."""
    from chatmill.reporting.target import checked_target

    files = [it for it in (html, json_file) if it is not None and it != _STDOUT]
    if len({checked_target(it, inputs, kind=kind).resolve() for it in files}) < len(files):
        raise click.UsageError("--html and --json name the same file; give two different files")
    return files


def _row_options(context: click.Context, inputs: tuple[str, ...]) -> dict[str, Any]:
    """Return the options for rows that were given, as `chatmill.report` names them."""
    from chatmill.reporting.job import is_output

    given = [name for name in context.params if name not in _OWN and _is_given(context, name)]
    if given and all(map(is_output, inputs)):
        flag = next(it.opts[0] for it in context.command.params if it.name == given[0])
        raise click.UsageError(f"{flag} is only for rows, and the inputs are finished outputs; remove {flag}")
    values = {name: context.params[name] for name in given}
    return {_NAMES.get(name, name): _READ[name](value) if name in _READ else value for name, value in values.items()}


# The options that have another name, or another type, in Python.
_NAMES = {
    "tokenizer_json": "rebuild",
    "map_columns": "columns",
    "allow_special_token": "allowed_special_tokens",
}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "tokenizer_json": operator.not_,
    "map_columns": columns_of,
    "chat_template_kwargs": json_object,
    "limits": lambda text: json_object(text, "--limits"),
    "now": time_of,
}


def _is_given(context: click.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
