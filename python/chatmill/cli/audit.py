"""`chatmill audit`: what a trainer would have trained on the rows of an output."""

import json
import sys
from pathlib import Path

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import AtLeast, traceback_option
from chatmill.terminal.lines import say


@app.command(short_help="Compare the trained tokens of an output with those of a trainer.")
@click.argument("output", type=click.Path(), metavar="OUTPUT", help="The output folder of `chatmill prepare`.")
@click.argument(
    "inputs",
    nargs=-1,
    metavar="[INPUT...]",
    help="The inputs of the output, in the same order. Default: the inputs in its manifest.",
)
@click.option(
    "--trainer",
    required=True,
    metavar="TRAINER",
    help="trl, axolotl, unsloth, hf, open-instruct, llama-factory or completion; or YAML text or a file with its "
    "options, such as '{preset: axolotl, train_on_eos: last}'.",
)
@click.option(
    "--tokenizer", metavar="TOKENIZER", help="The tokenizer of the output. Default: the tokenizer in its manifest."
)
@click.option("--rows", type=AtLeast(1), metavar="N", help="Maximum number of rows to compare. Default: all.")
@click.option(
    "--show",
    type=AtLeast(0),
    default=10,
    metavar="N",
    help="Maximum number of differing rows to print with their spans.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False), metavar="FILE", help="Also write the page of the output with the audit."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@traceback_option
def audit(
    output: str,
    inputs: tuple[str, ...],
    trainer: str,
    tokenizer: str | None,
    rows: int | None,
    show: int,
    html: str | None,
    as_json: bool,
    traceback: bool,
) -> None:
    """Show what a trainer would have trained on the rows of an output, and where that differs from the output.

    The manifest of the output names inputs, options, template and tokenizer. The exit status is 0 if no row differs,
    and 1 if rows differ.
    """
    with clear_errors(traceback=traceback):
        from chatmill.inspect.show import has_color
        from chatmill.reporting.audit import audit as run
        from chatmill.reporting.audit_terminal import show_audit
        from chatmill.reporting.target import checked_target
        from chatmill.statistics.samples import SAMPLES
        from chatmill.terminal.console import new_console

        report = None
        if html is not None:
            from chatmill.reporting.of_output import report_of_output

            # Rows may take long, so a wrong path or a damaged output is found before. Who shares an output may remove
            # the file with its texts.
            checked_target(html, inputs)
            report = report_of_output(output, samples=Path(output, SAMPLES).exists())
            target = checked_target(html, [it.path for it in report.sources])
        found = run(output, trainer=trainer, inputs=list(inputs) or None, tokenizer=tokenizer, rows=rows, show=show)
        if report is not None:
            from chatmill.outputs.durable import write_durably
            from chatmill.reporting.page import page

            write_durably(target, page([report], audit=found).encode("utf-8", "backslashreplace"))
        if as_json:
            # Only ASCII, so that no text of a row can change the terminal.
            say(json.dumps(found.to_dict(), indent=2))
        else:
            console = new_console()
            console.print(show_audit(found, color=has_color(console)), soft_wrap=True, highlight=False)
        if not found.is_equal:
            sys.exit(1)
