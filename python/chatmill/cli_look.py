"""`chatmill show` and `chatmill diff`: rows as the model will see them."""

from typing import Annotated

import typer

from chatmill import Mill
from chatmill.cli_app import app, clear_errors, json_object
from chatmill.cli_options import (
    AgainstOption,
    AllowedOption,
    FallbackOption,
    FormatOption,
    Inputs,
    KwargsOption,
    LabelsListOption,
    LabelsOption,
    MaxLengthOption,
    SpecialTokens,
    SpecialTokensOption,
    TemplateOption,
    TemplatesOption,
    TokenizerOption,
    TokenizersOption,
    TracebackOption,
)


@app.command()
def show(
    inputs: Inputs,
    tokenizer: TokenizerOption,
    template: TemplateOption = None,
    template_fallback: FallbackOption = None,
    format: FormatOption = "auto",
    row: Annotated[int, typer.Option("--row", min=0, help="Which row, from 0.")] = 0,
    labels: LabelsOption = "assistant",
    regions: Annotated[bool, typer.Option("--regions/--no-regions", help="Name the region of each stretch.")] = False,
    max_length: MaxLengthOption = None,
    special_tokens: SpecialTokensOption = SpecialTokens.allow,
    allow_special_token: AllowedOption = None,
    chat_template_kwargs: KwargsOption = None,
    traceback: TracebackOption = False,
) -> None:
    """Show one row as the model will see it, with its trained part in green."""
    with clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.formats.recognise import format_of
        from chatmill.resolve import resolve_for
        from chatmill.show import encode_row, show_encoding

        chosen = format_of(format, list(inputs)).format
        mill = Mill(
            *resolve_for(chosen, tokenizer, template, template_fallback=template_fallback),
            format=chosen,
            labels=labels,
            max_length=max_length,
            special_tokens=special_tokens.value,
            allowed_special_tokens=allow_special_token or (),
            chat_template_kwargs=json_object(chat_template_kwargs),
        )
        console = Console()
        encoding = encode_row(mill, list(inputs), row)
        # Chat text is no markup, and a soft wrap leaves it as it is where it is copied or piped.
        color = console.color_system is not None and not console.no_color
        shown = show_encoding(encoding, color=color, regions=regions)
        console.print(shown, soft_wrap=True)


@app.command()
def diff(
    inputs: Inputs,
    tokenizer: TokenizersOption,
    template: TemplatesOption = None,
    template_fallback: FallbackOption = None,
    labels: LabelsListOption = None,
    against: AgainstOption = None,
    format: FormatOption = "auto",
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="How many rows to look at.", show_default="all")
    ] = None,
    show_rows: Annotated[int, typer.Option("--show", min=0, help="How many rows that differ to show.")] = 10,
    max_length: MaxLengthOption = None,
    chat_template_kwargs: KwargsOption = None,
    traceback: TracebackOption = False,
) -> None:
    """Show the rows and spans where two labels, templates or tokenizers differ; exit status 1 if any do.

    With --against the rows are compared with an output of `prepare`, by the options that its manifest records.
    """
    with clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.diff import DiffReport, diff_rows, show_difference, show_summary
        from chatmill.diff_output import NAMES, OutputReport, diff_output, show_output_summary
        from chatmill.formats.recognise import format_of
        from chatmill.resolve import resolve_for

        chosen = None if against else format_of(format, list(inputs)).format

        def mill_of(side: int) -> Mill:
            return Mill(
                *resolve_for(
                    chosen,
                    tokenizer[side % len(tokenizer)],
                    template[side % len(template)] if template else None,
                    template_fallback=template_fallback,
                ),
                format=chosen,
                labels=labels[side % len(labels)] if labels else "assistant",
                max_length=max_length,
                chat_template_kwargs=json_object(chat_template_kwargs),
            )

        most = 1 if against else 2
        for name, given in (("--tokenizer", tokenizer), ("--template", template), ("--labels", labels)):
            if len(given or ()) > most:
                what = "once, as --against is the other side" if against else "once or twice"
                raise typer.BadParameter(f"{name} may be given {what}")
        names = NAMES if against else _sides(tokenizer, template, labels)
        console = Console()
        color = console.color_system is not None and not console.no_color
        report: DiffReport
        if against:
            options = {
                "labels": labels[0] if labels else None,
                "max_length": max_length,
                "chat_template_kwargs": json_object(chat_template_kwargs),
            }
            report = diff_output(
                list(inputs),
                against,
                tokenizer=tokenizer[0],
                template=template[0] if template else None,
                template_fallback=template_fallback,
                rows=rows,
                **{name: value for name, value in options.items() if value is not None},
            )
        else:
            report = diff_rows(mill_of(0), mill_of(1), list(inputs), rows=rows)
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
    """What to call the two sides of a comparison: what is given twice."""
    pairs = [values for values in given if values is not None and len(values) == 2]
    if not pairs:
        raise typer.BadParameter(
            "give --labels, --template or --tokenizer twice, or --against: what is to be compared?"
        )
    left, right = (", ".join(values[side] for values in pairs) for side in (0, 1))
    return (left, right) if max(len(left), len(right)) <= 40 else ("left", "right")
