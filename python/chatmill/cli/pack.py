"""`chatmill pack`: puts the rows of a finished output together into packs."""

from typing import Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AtLeast,
    choice_of,
    compression_option,
    overwrite_option,
    pack_layout_option,
    pack_trainer_option,
    shard_tokens_option,
    traceback_option,
)
from chatmill.options.choices import PackMark, PackStrategy, PackTruncation, Remainder
from chatmill.terminal.lines import say


@app.command()
@click.argument("tokens", type=click.Path(), help="The output folder of `chatmill prepare`.")
@click.option("--max-length", type=AtLeast(1), required=True, metavar="N", help="Tokens per pack.")
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    required=True,
    metavar="DIR",
    help="The new output folder, or a URL such as s3://bucket/packs; with --index-only, the new Parquet file.",
)
@choice_of("--strategy", PackStrategy, "How rows are distributed over packs; see docs/packing.md.", default="bfd")
@click.option("--index-only", is_flag=True, help="Write only the plan: which rows are in which pack.")
@pack_trainer_option
@choice_of(
    "--mark",
    PackMark,
    "A column that tells where the rows of a pack are, without --for. Can be given several times. Default: "
    "seq_lengths.",
    name="marks",
    multiple=True,
)
@click.option("--seed", type=AtLeast(0), metavar="N", help="Put the packs into a random order, with this seed.")
@choice_of(
    "--truncation",
    PackTruncation,
    "What to do with rows that are longer than a pack: keep the start or the end, drop the row, end the run with an "
    "error (raise), or split the row.",
    default="keep_start",
    refused_later=["turns"],
)
@click.option("--max-rows", type=AtLeast(1), metavar="N", help="Maximum number of rows per pack. Default: no limit.")
@click.option(
    "--align",
    type=AtLeast(1),
    default=1,
    metavar="N",
    help="Pad each row to a multiple of this number of tokens; above 1 it needs --pad-id.",
)
@click.option(
    "--group-size",
    type=AtLeast(1),
    metavar="N",
    help="Pack each group of this many rows apart from the others. Default: all rows together.",
)
@click.option(
    "--multiple-of",
    type=AtLeast(1),
    default=1,
    metavar="N",
    help="Make the number of packs a multiple of this number.",
)
@choice_of(
    "--remainder",
    Remainder,
    "How --multiple-of works: append packs of padding (pad, which needs --pad-id), or drop the last packs.",
    default="pad",
)
@click.option(
    "--pad-id",
    type=AtLeast(0),
    metavar="N",
    help="The id of the pad token, for --align, --multiple-of, --pad-to-max-length and --for llama-factory.",
)
@click.option(
    "--pad-to-max-length", is_flag=True, help="Fill each pack with padding up to --max-length; needs --pad-id."
)
@shard_tokens_option
@compression_option
@pack_layout_option
@click.option(
    "--compare", is_flag=True, help="Also print what padding, and the packing of TRL and axolotl, would cost."
)
@overwrite_option
@click.option("--quiet", "-q", is_flag=True, help="Print only errors, on stderr.")
@traceback_option
def pack(
    tokens: str,
    max_length: int,
    output: str,
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
    """Join the rows of a finished output into packs of one length.

    No text is tokenized again. docs/packing.md describes strategies and columns.
    """
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
