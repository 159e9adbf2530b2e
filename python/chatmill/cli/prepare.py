"""The subcommand `chatmill prepare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AllMaskedOption,
    AllowedOption,
    CompressionOption,
    ControlTokensOption,
    DebugOption,
    FallbackOption,
    FormatOption,
    InputFormatOption,
    InputsOrConfig,
    KwargsOption,
    LabelsOption,
    LayoutOption,
    LimitsOption,
    MapOption,
    MaxLengthOption,
    MaxRejectedOption,
    NowOption,
    OptionalTokenizerOption,
    PaddingOption,
    PadTokenOption,
    SplitOption,
    TemplateOption,
    TokenizerJsonOption,
    TracebackOption,
    TrainerOption,
    TruncationOption,
)
from chatmill.cli.values import check_debug, columns_of, json_object, share_or_number, time_of
from chatmill.pipeline.limit import MAX_REJECTED


@app.command()
def prepare(
    context: typer.Context,
    inputs: InputsOrConfig,
    tokenizer: OptionalTokenizerOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="The output folder; it must not exist or must be empty. Required, unless a YAML file names it.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    local: Annotated[
        list[str] | None,
        typer.Option(
            "--local",
            metavar="NAME=PATH",
            help="With a YAML file: read the dataset whose `path` is NAME from PATH, a file, folder or glob. Can be "
            "given several times.",
            show_default=False,
        ),
    ] = None,
    template: TemplateOption = None,
    template_fallback: FallbackOption = None,
    tokenizer_json: TokenizerJsonOption = False,
    format: FormatOption = "auto",
    map_columns: MapOption = None,
    input_format: InputFormatOption = None,
    labels: LabelsOption = "assistant",
    split: SplitOption = None,
    max_length: MaxLengthOption = None,
    truncation: TruncationOption = None,
    segment_length: Annotated[
        int | None,
        typer.Option(
            "--segment-length",
            min=1,
            help="Cut each prompt and each answer to this many tokens before they are joined, as axolotl does. Only "
            "for formats with a text of their own, such as alpaca.",
            show_default=False,
        ),
    ] = None,
    padding: PaddingOption = None,
    pad_token: PadTokenOption = None,
    special_tokens: ControlTokensOption = "allow",
    allow_special_token: AllowedOption = None,
    all_masked: AllMaskedOption = "reject",
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Number of threads. Default: one per core.", show_default=False),
    ] = None,
    keep_columns: Annotated[
        list[str] | None,
        typer.Option(
            "--keep-columns",
            metavar="NAME",
            help="A column of the inputs to copy to the output. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    attention_mask: Annotated[
        bool,
        typer.Option("--attention-mask", help="Also write the column attention_mask: 1 for tokens, 0 for padding."),
    ] = False,
    position_ids: Annotated[
        bool,
        typer.Option(
            "--position-ids",
            help="Also write the column position_ids: the tokens of a sample numbered from 0; 0 for padding.",
        ),
    ] = False,
    chat_template_kwargs: KwargsOption = None,
    limits: LimitsOption = None,
    now: NowOption = None,
    shuffle: Annotated[
        bool, typer.Option("--shuffle/--no-shuffle", help="Write the samples in a random order.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", help="The seed of the random order and of the choice of validation samples.")
    ] = 42,
    deduplicate: Annotated[
        bool,
        typer.Option(
            "--deduplicate/--no-deduplicate",
            help="Leave out samples whose ids and labels equal those of an earlier one.",
        ),
    ] = False,
    validation: Annotated[
        str,
        typer.Option(
            "--validation",
            metavar="N",
            help="Write this many samples to the subfolder validation instead: a share such as 0.05, or a number.",
        ),
    ] = "0",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace an existing output of chatmill at DIR once the new one is complete."),
    ] = False,
    debug: DebugOption = None,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="Show a progress bar on stderr. Default: only on a terminal.",
            show_default=False,
        ),
    ] = None,
    block_bytes: Annotated[
        int | None,
        typer.Option("--block-bytes", min=1, help="Bytes of input rows to process at a time.", show_default="8 MiB"),
    ] = None,
    max_line_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-line-bytes",
            min=1,
            help="Maximum size of a line or row in bytes. A larger one is rejected.",
            show_default="256 MiB",
        ),
    ] = None,
    shard_tokens: Annotated[
        int | None, typer.Option("--shard-tokens", min=1, help="Tokens per Parquet file.", show_default="64 Mi")
    ] = None,
    compression: CompressionOption = None,
    max_rejected: MaxRejectedOption = MAX_REJECTED,
    trainer: TrainerOption = None,
    to: LayoutOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if there is a warning; then nothing is written.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and errors, on stderr.")] = False,
    traceback: TracebackOption = False,
) -> None:
    """Turn files of rows into Parquet shards of token ids and labels."""
    with clear_errors(traceback=traceback):
        if debug is not None:
            check_debug(trainer, to)
        if len(inputs) == 1 and inputs[0].endswith((".yaml", ".yml")):
            from chatmill.cli.config import prepare_by_config
            from chatmill.terminal.console import new_console

            prepare_by_config(context, inputs[0], new_console(), debug=debug, quiet=quiet)
            return
        if tokenizer is None:
            raise typer.BadParameter("--tokenizer is missing; give a folder, a tokenizer.json or a Hub id")
        if output is None:
            raise typer.BadParameter("--output is missing; give the output folder")
        if local:
            raise typer.BadParameter("--local is only for a YAML file of datasets; remove it")
        from chatmill.cli.config import print_report
        from chatmill.inspect.debug import print_debug
        from chatmill.pipeline.job import prepare as run
        from chatmill.terminal.console import new_console

        options: dict[str, Any] = {
            "split": split,
            "truncation": truncation,
            "padding": padding,
            "special_tokens": special_tokens,
            "all_masked": all_masked,
            "compression": compression,
            "input_format": input_format,
            "trainer": trainer,
            "to": to,
        }
        sizes: dict[str, Any] = {
            "block_bytes": block_bytes,
            "max_line_bytes": max_line_bytes,
            "shard_tokens": shard_tokens,
        }
        report = run(
            list(inputs),
            tokenizer=tokenizer,
            output=output,
            template=template,
            template_fallback=template_fallback,
            rebuild=not tokenizer_json,
            pad_token=pad_token,
            format=format,
            columns=columns_of(map_columns),
            labels=labels,
            max_length=max_length,
            segment_length=segment_length,
            allowed_special_tokens=allow_special_token or (),
            threads=threads,
            keep_columns=keep_columns or (),
            attention_mask=attention_mask,
            position_ids=position_ids,
            chat_template_kwargs=json_object(chat_template_kwargs),
            limits=json_object(limits, "--limits"),
            now=time_of(now),
            shuffle=shuffle,
            seed=seed,
            deduplicate=deduplicate,
            validation=share_or_number(validation),
            overwrite=overwrite,
            progress=False if quiet else progress,
            max_rejected=max_rejected,
            strict=strict,
            **options,
            **{name: size for name, size in sizes.items() if size is not None},
        )
        if debug is not None:
            print_debug(output, tokenizer, debug)
        print_report(report, new_console(), quiet=quiet)
