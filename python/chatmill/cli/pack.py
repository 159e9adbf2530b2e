"""`chatmill pack`: puts the rows of a finished output together into packs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import CompressionOption, LayoutOption, TracebackOption, TrainerOption, choice_of
from chatmill.options.choices import PackMark, PackStrategy, Remainder, Truncation
from chatmill.terminal.lines import say


@app.command()
def pack(
    tokens: Annotated[Path, typer.Argument(help="The output folder of `chatmill prepare`.", show_default=False)],
    max_length: Annotated[int, typer.Option("--max-length", min=1, help="Tokens per pack.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The new output folder; with --index-only, the new Parquet file.", show_default=False
        ),
    ],
    strategy: Annotated[
        str, choice_of("--strategy", PackStrategy, "How rows are distributed over packs; see docs/packing.md.")
    ] = "bfd",
    index_only: Annotated[bool, typer.Option("--index-only", help="Write only the plan, and copy no token.")] = False,
    trainer: TrainerOption = None,
    marks: Annotated[
        list[str] | None,
        choice_of("--mark", PackMark, "A column that tells where rows are (default seq_lengths). Repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The seed of the order of packs.")] = None,
    truncation: Annotated[
        str, choice_of("--truncation", Truncation, "What to do with rows that are longer than a pack.")
    ] = "keep_start",
    max_rows: Annotated[int | None, typer.Option("--max-rows", min=1, help="The most rows of a pack.")] = None,
    align: Annotated[
        int, typer.Option("--align", min=1, help="Pad each row to a multiple of this number of tokens.")
    ] = 1,
    group_size: Annotated[
        int | None, typer.Option("--group-size", min=1, help="Pack groups of this many rows, each group alone.")
    ] = None,
    multiple_of: Annotated[
        int, typer.Option("--multiple-of", min=1, help="Make the number of packs a multiple of this number.")
    ] = 1,
    remainder: Annotated[
        str,
        choice_of("--remainder", Remainder, "How --multiple-of works: append packs of padding, or drop packs."),
    ] = "pad",
    pad_id: Annotated[int | None, typer.Option("--pad-id", min=0, help="The token id of padding.")] = None,
    pad_to_max_length: Annotated[
        bool, typer.Option("--pad-to-max-length", help="Fill each pack with padding up to --max-length.")
    ] = False,
    shard_tokens: Annotated[
        int | None, typer.Option("--shard-tokens", min=1, help="Tokens per file.", show_default="64 Mi")
    ] = None,
    compression: CompressionOption = None,
    to: LayoutOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier output of chatmill in --output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, on stderr.")] = False,
    traceback: TracebackOption = False,
) -> None:
    """Put the rows of a finished output together into packs of a fixed length, without tokenizing again."""
    with clear_errors(traceback=traceback):
        from chatmill.packing.job import pack as run

        chosen: dict[str, Any] = {
            "strategy": strategy,
            "trainer": trainer,
            "marks": marks,
            "truncation": truncation,
            "remainder": remainder,
            "compression": compression,
            "to": to,
        }
        if shard_tokens is not None:
            chosen["shard_tokens"] = shard_tokens
        report = run(
            tokens,
            max_length,
            output,
            index_only=index_only,
            seed=seed,
            max_rows=max_rows,
            align=align,
            group_size=group_size,
            multiple_of=multiple_of,
            pad_id=pad_id,
            pad_to_max_length=pad_to_max_length,
            overwrite=overwrite,
            **chosen,
        )
        if not quiet:
            say(str(report))
