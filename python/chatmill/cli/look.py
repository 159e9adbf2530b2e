"""The subcommands `chatmill show` and `chatmill diff`: rows as the model sees them."""

from typing import Annotated, Any

import typer

from chatmill._chatmill import Mill
from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AgainstOption,
    AllowedOption,
    ControlTokensOption,
    FallbackOption,
    FormatOption,
    InputFormatOption,
    Inputs,
    KwargsOption,
    LabelsListOption,
    LabelsOption,
    LimitsOption,
    MapOption,
    MaxLengthOption,
    TemplateOption,
    TemplatesOption,
    TokenizerJsonOption,
    TokenizerOption,
    TokenizersOption,
    TracebackOption,
)
from chatmill.cli.values import columns_of, json_object
from chatmill.terminal.lines import say_warning

_LONGEST_NAME = 40


@app.command(short_help="Show one row as the model sees it, its trained part in green.")
def show(
    inputs: Inputs,
    tokenizer: TokenizerOption,
    template: TemplateOption = None,
    template_fallback: FallbackOption = None,
    tokenizer_json: TokenizerJsonOption = False,
    format: FormatOption = "auto",
    map_columns: MapOption = None,
    input_format: InputFormatOption = None,
    row: Annotated[int, typer.Option("--row", min=0, help="Index of the row, from 0.")] = 0,
    labels: LabelsOption = "assistant",
    regions: Annotated[
        bool, typer.Option("--regions/--no-regions", help="Print the name of each region, such as header or content.")
    ] = False,
    max_length: MaxLengthOption = None,
    special_tokens: ControlTokensOption = "allow",
    allow_special_token: AllowedOption = None,
    chat_template_kwargs: KwargsOption = None,
    limits: LimitsOption = None,
    traceback: TracebackOption = False,
) -> None:
    """Show one row as the model sees it, with its trained part in green."""
    with clear_errors(traceback=traceback):
        from chatmill.cli.inputs import found_inputs
        from chatmill.inspect.rows import encode_row
        from chatmill.inspect.show import has_color, show_encoding
        from chatmill.sources.resolve import resolve_rows
        from chatmill.terminal.console import new_console

        files = found_inputs(inputs, input_format)
        found = resolve_rows(
            files,
            tokenizer,
            template,
            format=format,
            columns=columns_of(map_columns),
            template_fallback=template_fallback,
            rebuild=not tokenizer_json,
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
            allowed_special_tokens=allow_special_token or (),
            chat_template_kwargs=json_object(chat_template_kwargs),
            limits=json_object(limits, "--limits"),
            **options,
        )
        console = new_console()
        encoding = encode_row(mill, files, row)
        for sample in encoding.samples if encoding.answer is not None else [encoding]:
            if sample.answer is not None:
                console.print(f"{sample.answer}:", style="bold", markup=False, highlight=False)
            # A soft wrap keeps the lines of the text as they are, so they can be copied or piped.
            console.print(show_encoding(sample, color=has_color(console), regions=regions), soft_wrap=True)


@app.command(short_help="Show rows where two labels, templates or tokenizers differ.")
def diff(
    inputs: Inputs,
    tokenizer: TokenizersOption,
    template: TemplatesOption = None,
    template_fallback: FallbackOption = None,
    tokenizer_json: TokenizerJsonOption = False,
    labels: LabelsListOption = None,
    against: AgainstOption = None,
    format: FormatOption = "auto",
    map_columns: MapOption = None,
    input_format: InputFormatOption = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Maximum number of rows to compare.", show_default="all")
    ] = None,
    show_rows: Annotated[int, typer.Option("--show", min=0, help="Maximum number of differing rows to print.")] = 10,
    max_length: MaxLengthOption = None,
    chat_template_kwargs: KwargsOption = None,
    traceback: TracebackOption = False,
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
            if len(given or ()) > most:
                limit = "once, because --against is the other side" if against else "once or twice"
                raise typer.BadParameter(f"{name} is given {len(given or ())} times; give it {limit}")
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
            raise typer.Exit(1)


def _sides(*given: list[str] | None) -> tuple[str, str]:
    """Return the names of the two sides: the values that were given twice."""
    pairs = [values for values in given if values is not None and len(values) == 2]
    if not pairs:
        raise typer.BadParameter(
            "there is nothing to compare; give --labels, --template or --tokenizer twice, or --against"
        )
    left, right = (", ".join(values[side] for values in pairs) for side in (0, 1))
    return (left, right) if max(len(left), len(right)) <= _LONGEST_NAME else ("left", "right")
