"""`chatmill pack`: puts the rows of a finished output together into packs."""

from pathlib import Path
from typing import Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import AtLeast, choice_of, compression_option, layout_option, traceback_option, trainer_option
from chatmill.options.choices import PackMark, PackStrategy, Remainder, Truncation
from chatmill.terminal.lines import say


@app.command()
@click.argument("tokens", type=click.Path(path_type=Path), help="The output folder of `chatmill prepare`.")
@click.option("--max-length", type=AtLeast(1), required=True, metavar="N", help="Tokens per pack.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The new output folder; with --index-only, the new Parquet file.",
)
@choice_of("--strategy", PackStrategy, "How rows are distributed over packs; see docs/packing.md.", default="bfd")
@click.option("--index-only", is_flag=True, help="Write only the plan, and copy no token.")
@trainer_option
@choice_of(
    "--mark",
    PackMark,
    "A column that tells where rows are (default seq_lengths). Repeatable.",
    name="marks",
    multiple=True,
)
@click.option("--seed", type=AtLeast(0), metavar="N", help="The seed of the order of packs.")
@choice_of("--truncation", Truncation, "What to do with rows that are longer than a pack.", default="keep_start")
@click.option("--max-rows", type=AtLeast(1), metavar="N", help="The most rows of a pack.")
@click.option(
    "--align", type=AtLeast(1), default=1, metavar="N", help="Pad each row to a multiple of this number of tokens."
)
@click.option("--group-size", type=AtLeast(1), metavar="N", help="Pack groups of this many rows, each group alone.")
@click.option(
    "--multiple-of",
    type=AtLeast(1),
    default=1,
    metavar="N",
    help="Make the number of packs a multiple of this number.",
)
@choice_of("--remainder", Remainder, "How --multiple-of works: append packs of padding, or drop packs.", default="pad")
@click.option("--pad-id", type=AtLeast(0), metavar="N", help="The token id of padding.")
@click.option("--pad-to-max-length", is_flag=True, help="Fill each pack with padding up to --max-length.")
@click.option("--shard-tokens", type=AtLeast(1), metavar="N", help="Tokens per file.", show_default="64 Mi")
@compression_option
@layout_option
@click.option("--compare", is_flag=True, help="Also print the figures of padding, and of what trainers pack.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier output of chatmill in --output.")
@click.option("--quiet", "-q", is_flag=True, help="Print only errors, on stderr.")
@traceback_option
def pack(
    tokens: Path,
    max_length: int,
    output: Path,
    strategy: str,
    index_only: bool,
    trainer: str | None,
    marks: tuple[str, ...],
    seed: int | None,
    truncation: str,
    max_rows: int | None,
    align: int,
    group_size: int | None,
    multiple_of: int,
    remainder: str,
    pad_id: int | None,
    pad_to_max_length: bool,
    shard_tokens: int | None,
    compression: str | None,
    to: str | None,
    compare: bool,
    overwrite: bool,
    quiet: bool,
    traceback: bool,
) -> None:
    """Put the rows of a finished output together into packs of a fixed length, without tokenizing again."""
    with clear_errors(traceback=traceback):
        from chatmill.packing.job import pack as run

        chosen: dict[str, Any] = {
            "strategy": strategy,
            "trainer": trainer,
            "marks": marks or None,
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
            compare=compare,
            **chosen,
        )
        if not quiet:
            say(str(report))
