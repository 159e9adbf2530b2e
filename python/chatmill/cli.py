"""The command `chatmill`: a thin face of `chatmill.prepare` and `chatmill.show`."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from chatmill import ChatmillError, ChatTemplate, Mill, __version__
from chatmill.cli_options import (
    AgainstOption,
    AllMasked,
    AllowedOption,
    DebugOption,
    FallbackOption,
    FormatOption,
    Inputs,
    KwargsOption,
    LabelsListOption,
    LabelsOption,
    MaxLengthOption,
    Padding,
    SpecialTokens,
    SpecialTokensOption,
    Split,
    TemplateOption,
    TemplatesOption,
    TokenizerOption,
    TokenizersOption,
    TracebackOption,
    Truncation,
)

app = typer.Typer(
    name="chatmill",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn chat data into training tokens: render the template, tokenize, label.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatmill {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


@app.command()
def prepare(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Paths, globs or URLs of JSONL (also .gz .zst .xz .bz2), Parquet or Arrow IPC files; or one YAML file "
            "that names datasets as axolotl does.",
            show_default=False,
        ),
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            help="Folder, tokenizer.json or Hub id. Default: that of the YAML file.",
            metavar="X",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", help="The folder to make. Default: that of the YAML file.", metavar="DIR", show_default=False
        ),
    ] = None,
    local: Annotated[
        list[str] | None,
        typer.Option(
            "--local",
            metavar="NAME=PATH",
            help="Where the rows of a dataset of the YAML file lie; may be given several times.",
            show_default=False,
        ),
    ] = None,
    template: TemplateOption = None,
    template_fallback: FallbackOption = None,
    format: FormatOption = "auto",
    labels: LabelsOption = "assistant",
    split: Annotated[
        Split | None, typer.Option("--split", help="Make a sample of each trained turn.", show_default=False)
    ] = None,
    max_length: MaxLengthOption = None,
    truncation: Annotated[
        Truncation | None,
        typer.Option(
            "--truncation",
            help="Of longer rows keep the start, the end or whole turns, drop them, end the run, or split them.",
            show_default="keep_start; split for texts without a prompt",
        ),
    ] = None,
    segment_length: Annotated[
        int | None,
        typer.Option(
            "--segment-length",
            min=1,
            help="Cut each prompt and each answer of a format to this many tokens, as axolotl does.",
            show_default=False,
        ),
    ] = None,
    padding: Annotated[
        Padding | None, typer.Option("--padding", help="Fill rows up with pad tokens.", show_default=False)
    ] = None,
    special_tokens: SpecialTokensOption = SpecialTokens.allow,
    allow_special_token: AllowedOption = None,
    all_masked: Annotated[
        AllMasked, typer.Option("--all-masked", help="Rows without a trained token: reject or keep them.")
    ] = AllMasked.reject,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Default: one a core.", show_default=False)
    ] = None,
    keep_columns: Annotated[
        list[str] | None,
        typer.Option(
            "--keep-columns",
            metavar="NAME",
            help="A column of the inputs to carry over; may be given several times.",
            show_default=False,
        ),
    ] = None,
    attention_mask: Annotated[bool, typer.Option("--attention-mask", help="Write a column of ones as well.")] = False,
    chat_template_kwargs: KwargsOption = None,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            metavar="ISO_DATETIME",
            help="The time that templates print, such as 2025-07-01T12:00. Default: when the run begins.",
            show_default=False,
        ),
    ] = None,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Write the samples in a random order.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the random order, and of the choice for validation.")] = 42,
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate", help="Leave out samples whose ids and labels were there before.")
    ] = False,
    validation: Annotated[
        str, typer.Option("--validation", metavar="N", help="Samples to keep back: a share below 1, or a number.")
    ] = "0",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output of chatmill at DIR, at the end.")
    ] = False,
    debug: DebugOption = None,
    progress: Annotated[
        bool | None,
        typer.Option("--progress/--no-progress", help="Default: if stderr is a terminal.", show_default=False),
    ] = None,
    block_bytes: Annotated[
        int | None,
        typer.Option("--block-bytes", min=1, help="Bytes of rows worked on at a time.", show_default="8 MiB"),
    ] = None,
    shard_tokens: Annotated[
        int | None, typer.Option("--shard-tokens", min=1, help="Tokens of a shard.", show_default="64 Mi")
    ] = None,
    traceback: TracebackOption = False,
) -> None:
    """Turn files of rows into Parquet shards of token ids and labels."""
    with _clear_errors(traceback=traceback):
        from rich.console import Console

        sizes = {"block_bytes": block_bytes, "shard_tokens": shard_tokens}
        given = {name: size for name, size in sizes.items() if size is not None}
        if len(inputs) == 1 and inputs[0].endswith((".yaml", ".yml")):
            from chatmill.cli_config import prepare_by_config

            prepare_by_config(context, inputs[0], Console(), debug=debug)
            return
        if tokenizer is None or output is None:
            raise typer.BadParameter("--tokenizer and --output are needed, unless a YAML file says them")
        if local:
            raise typer.BadParameter("--local goes with a YAML file of datasets")
        from chatmill.cli_config import print_report
        from chatmill.debug import print_debug
        from chatmill.job import prepare as run

        report = run(
            list(inputs),
            tokenizer=tokenizer,
            output=output,
            template=template,
            template_fallback=template_fallback,
            format=format,
            labels=labels,
            split=None if split is None else split.value,
            max_length=max_length,
            truncation=None if truncation is None else truncation.value,
            segment_length=segment_length,
            padding=None if padding is None else padding.value,
            special_tokens=special_tokens.value,
            allowed_special_tokens=allow_special_token or (),
            all_masked=all_masked.value,
            threads=threads,
            keep_columns=keep_columns or (),
            attention_mask=attention_mask,
            chat_template_kwargs=_json_object(chat_template_kwargs),
            now=_time(now),
            shuffle=shuffle,
            seed=seed,
            deduplicate=deduplicate,
            validation=_share_or_number(validation),
            overwrite=overwrite,
            progress=progress,
            **given,
        )
        if debug is not None:
            print_debug(output, tokenizer, debug)
        print_report(report, Console())


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
    with _clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.formats.recognise import format_of
        from chatmill.resolve import resolve_for
        from chatmill.show import encode_row, show_encoding

        chosen = format_of(format, list(inputs))
        mill = Mill(
            *resolve_for(chosen, tokenizer, template, template_fallback=template_fallback),
            format=chosen,
            labels=labels,
            max_length=max_length,
            special_tokens=special_tokens.value,
            allowed_special_tokens=allow_special_token or (),
            chat_template_kwargs=_json_object(chat_template_kwargs),
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
    with _clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.diff import DiffReport, diff_rows, show_difference, show_summary
        from chatmill.diff_output import NAMES, OutputReport, diff_output, show_output_summary
        from chatmill.resolve import resolve

        def mill_of(side: int) -> Mill:
            return Mill(
                *resolve(
                    tokenizer[side % len(tokenizer)],
                    template[side % len(template)] if template else None,
                    template_fallback=template_fallback,
                ),
                labels=labels[side % len(labels)] if labels else "assistant",
                max_length=max_length,
                chat_template_kwargs=_json_object(chat_template_kwargs),
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
                "chat_template_kwargs": _json_object(chat_template_kwargs),
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
    with _clear_errors(traceback=traceback):
        from rich.console import Console

        from chatmill.lint.load import lint_any
        from chatmill.lint.report import show_findings, to_json

        found = lint_any(
            templates,
            rows=None if data is None else (data, rows),
            tokenizer=tokenizer,
            now=_time(now),
            variables=_json_object(chat_template_kwargs),
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
    with _clear_errors(traceback=traceback):
        from chatmill.formats.listing import list_formats, show_format

        typer.echo(list_formats() if name is None else show_format(name))


def main() -> None:
    """Run the command; the entry point of `chatmill`."""
    # Whoever ends a job (a scheduler) gets the same order as Ctrl-C: nothing half-written stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()


def _sides(*given: list[str] | None) -> tuple[str, str]:
    """What to call the two sides of a comparison: what is given twice."""
    pairs = [values for values in given if values is not None and len(values) == 2]
    if not pairs:
        raise typer.BadParameter(
            "give --labels, --template or --tokenizer twice, or --against: what is to be compared?"
        )
    left, right = (", ".join(values[side] for values in pairs) for side in (0, 1))
    return (left, right) if max(len(left), len(right)) <= 40 else ("left", "right")


def _json_object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as cause:
        raise typer.BadParameter(f"--chat-template-kwargs is not JSON: {cause}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("--chat-template-kwargs must be a JSON object, such as '{\"enable_thinking\": false}'")
    return value


def _share_or_number(text: str) -> float | int:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise typer.BadParameter(
            f"--validation is {text!r}: give a share such as 0.05, or a number of samples"
        ) from None


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--now is {text!r}: give a time such as 2025-07-01T12:00") from None


@contextmanager
def _clear_errors(*, traceback: bool) -> Iterator[None]:
    """One clear message instead of a traceback: exit status 1, and 130 for Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        _fail("interrupted; nothing was written", status=130)
    except (ChatmillError, OSError) as error:
        if traceback:
            raise
        _fail(str(error), status=1)


def _fail(message: str, *, status: int) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
    sys.exit(status)
