"""The subcommands `chatmill show` and `chatmill diff`: rows as the model sees them."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from chatmill._chatmill import Mill
from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AtLeast,
    against_option,
    allowed_option,
    control_tokens_option,
    fallback_option,
    format_option,
    input_format_option,
    inputs_argument,
    kwargs_option,
    labels_list_option,
    labels_option,
    limits_option,
    map_option,
    max_length_option,
    reserve_option,
    template_option,
    templates_option,
    tokenizer_json_option,
    tokenizer_option,
    tokenizers_option,
    traceback_option,
)
from chatmill.cli.values import columns_of, json_object
from chatmill.terminal.lines import say_warning

_LONGEST_NAME = 40


@app.command(short_help="Show one row as the model sees it, its trained part in green.")
@inputs_argument
@tokenizer_option
@template_option
@fallback_option
@tokenizer_json_option
@format_option
@map_option
@input_format_option
@click.option("--row", type=AtLeast(0), default=0, metavar="N", help="Index of the row, from 0.")
@labels_option
@click.option("--regions/--no-regions", help="Print the name of each region, such as header or content.")
@max_length_option
@reserve_option
@control_tokens_option
@allowed_option
@kwargs_option
@limits_option
@traceback_option
def show(
    inputs: tuple[str, ...],
    tokenizer: str,
    template: str | None,
    template_fallback: str | None,
    tokenizer_json: bool,
    format: str,
    map_columns: tuple[str, ...],
    input_format: str | None,
    row: int,
    labels: str,
    regions: bool,
    max_length: int | None,
    reserve: int,
    special_tokens: str,
    allow_special_token: tuple[str, ...],
    chat_template_kwargs: str | None,
    limits: str | None,
    traceback: bool,
) -> None:
    """Show one row as the model sees it, with its trained part in green."""
    with clear_errors(traceback=traceback):
        from chatmill.sources.ahead import TokenizerAhead

        # The thread loads during the other imports, which take about as long.
        ahead = TokenizerAhead(tokenizer, rebuild=not tokenizer_json)
        from chatmill.cli.inputs import found_inputs
        from chatmill.inspect.rows import encode_row
        from chatmill.inspect.show import has_color, show_encoding
        from chatmill.sources.resolve import resolve_rows
        from chatmill.terminal.console import new_console

        files = found_inputs(inputs, input_format)
        found = resolve_rows(
            files,
            ahead,
            template,
            format=format,
            columns=columns_of(map_columns),
            template_fallback=template_fallback,
        )
        for warning in found.warnings:
            say_warning(warning)
        options: dict[str, Any] = {"special_tokens": special_tokens}
        mill = Mill(
            found.tokenizer,
            found.template,
            format=found.format,
            labels=labels,
            max_length=max_length,
            reserve=reserve,
            allowed_special_tokens=allow_special_token,
            chat_template_kwargs=json_object(chat_template_kwargs),
            limits=json_object(limits, "--limits"),
            **options,
        )
        console = new_console()
        ahead.wait_for_engine()
        encoding = encode_row(mill, files, row)
        for sample in encoding.samples if encoding.answer is not None else [encoding]:
            if sample.answer is not None:
                console.print(f"{sample.answer}:", style="bold", markup=False, highlight=False)
            # A soft wrap keeps the lines of the text as they are, so they can be copied or piped.
            console.print(show_encoding(sample, color=has_color(console), regions=regions), soft_wrap=True)


@app.command(short_help="Show rows where two labels, templates or tokenizers differ.")
@inputs_argument
@tokenizers_option
@templates_option
@fallback_option
@tokenizer_json_option
@labels_list_option
@against_option
@format_option
@map_option
@input_format_option
@click.option("--rows", type=AtLeast(1), metavar="N", help="Maximum number of rows to compare. Default: all.")
@click.option(
    "--show",
    "show_rows",
    type=AtLeast(0),
    default=10,
    metavar="N",
    help="Maximum number of differing rows to print.",
)
@max_length_option
@kwargs_option
@traceback_option
def diff(
    inputs: tuple[str, ...],
    tokenizer: tuple[str, ...],
    template: tuple[str, ...],
    template_fallback: str | None,
    tokenizer_json: bool,
    labels: tuple[str, ...],
    against: str | None,
    format: str,
    map_columns: tuple[str, ...],
    input_format: str | None,
    rows: int | None,
    show_rows: int,
    max_length: int | None,
    chat_template_kwargs: str | None,
    traceback: bool,
) -> None:
    """Show the rows where two labels, templates or tokenizers differ; exit with status 1 if any row differs.

    With --against, compare the rows with an output of `prepare`; its manifest supplies the options that are not given.
    """
    with clear_errors(traceback=traceback):
        from chatmill.cli.inputs import found_inputs
        from chatmill.inspect.diff import (
            OUTPUT_NAMES,
            DiffReport,
            OutputReport,
            diff_output,
            diff_rows,
            show_difference,
            show_output_summary,
            show_summary,
        )
        from chatmill.inspect.show import has_color
        from chatmill.sources.resolve import resolve_rows
        from chatmill.terminal.console import new_console

        files = found_inputs(inputs, input_format)

        def mill_of(side: int) -> Mill:
            found = resolve_rows(
                files,
                tokenizer[side % len(tokenizer)],
                template[side % len(template)] if template else None,
                format=format,
                columns=columns_of(map_columns),
                template_fallback=template_fallback,
                rebuild=not tokenizer_json,
            )
            return Mill(
                found.tokenizer,
                found.template,
                format=found.format,
                labels=labels[side % len(labels)] if labels else "assistant",
                max_length=max_length,
                chat_template_kwargs=json_object(chat_template_kwargs),
            )

        most = 1 if against else 2
        for name, given in (("--tokenizer", tokenizer), ("--template", template), ("--labels", labels)):
            if len(given) > most:
                limit = "once, because --against is the other side" if against else "once or twice"
                raise click.UsageError(f"{name} is given {len(given)} times; give it {limit}")
        names = OUTPUT_NAMES if against else _sides(tokenizer, template, labels)
        console = new_console()
        color = has_color(console)
        report: DiffReport
        if against:
            options = {
                "labels": labels[0] if labels else None,
                "max_length": max_length,
                "chat_template_kwargs": json_object(chat_template_kwargs),
            }
            report = diff_output(
                files,
                against,
                tokenizer=tokenizer[0],
                template=template[0] if template else None,
                template_fallback=template_fallback,
                rebuild=False if tokenizer_json else None,
                rows=rows,
                **{name: value for name, value in options.items() if value is not None},
            )
        else:
            report = diff_rows(mill_of(0), mill_of(1), files, rows=rows)
        for shown, difference in enumerate(report):
            if shown < show_rows:
                console.print(show_difference(difference, color=color, names=names), soft_wrap=True)
        if isinstance(report, OutputReport):
            summary = show_output_summary(report, color=color)
        else:
            summary = show_summary(report, color=color, names=names)
        console.print(summary, soft_wrap=True)
        if report.differing:
            sys.exit(1)


def _sides(*given: Sequence[str]) -> tuple[str, str]:
    """Return the names of the two sides: the values that were given twice."""
    pairs = [values for values in given if len(values) == 2]
    if not pairs:
        raise click.UsageError(
            "there is nothing to compare; give --labels, --template or --tokenizer twice, or --against"
        )
    left, right = (", ".join(values[side] for values in pairs) for side in (0, 1))
    return (left, right) if max(len(left), len(right)) <= _LONGEST_NAME else ("left", "right")
