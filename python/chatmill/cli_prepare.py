"""`chatmill prepare`."""

from pathlib import Path
from typing import Annotated

import typer

from chatmill.cli_app import app, clear_errors, json_object, time_of
from chatmill.cli_options import (
    AllMasked,
    AllowedOption,
    DebugOption,
    FallbackOption,
    FormatOption,
    KwargsOption,
    LabelsOption,
    MaxLengthOption,
    Padding,
    SpecialTokens,
    SpecialTokensOption,
    Split,
    TemplateOption,
    TracebackOption,
    Truncation,
)


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
    with clear_errors(traceback=traceback):
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
            chat_template_kwargs=json_object(chat_template_kwargs),
            now=time_of(now),
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


def _share_or_number(text: str) -> float | int:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise typer.BadParameter(
            f"--validation is {text!r}: give a share such as 0.05, or a number of samples"
        ) from None
