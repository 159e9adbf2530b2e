"""`chatmill convert`: writes a finished output in another layout."""

from typing import Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AtLeast,
    choice_of,
    compression_option,
    overwrite_option,
    shard_tokens_option,
    traceback_option,
)
from chatmill.options.choices import LayoutName
from chatmill.terminal.lines import say


@app.command()
@click.argument(
    "tokens",
    type=click.Path(),
    help="The output folder of `chatmill prepare`, `chatmill pack` or `chatmill convert`.",
)
@choice_of("--to", LayoutName, "The new layout; see docs/layouts.md.", required=True)
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    required=True,
    metavar="DIR",
    help="The new output folder, or a URL such as s3://bucket/tokens.",
)
@shard_tokens_option
@compression_option
@click.option(
    "--vocabulary-size",
    type=AtLeast(1),
    metavar="N",
    help="The largest id of the tokenizer (also of added tokens) plus one: megatron, datatrove and olmo write ids in "
    "two bytes if all fit. Default: the size that the output records; ids take four bytes if it records none.",
)
@overwrite_option
@click.option("--quiet", "-q", is_flag=True, help="Print only errors, on stderr.")
@traceback_option
def convert(
    tokens: str,
    to: str,
    output: str,
    shard_tokens: int | None,
    compression: str | None,
    vocabulary_size: int | None,
    overwrite: bool,
    quiet: bool,
    traceback: bool,
) -> None:
    """Write a finished output in the files of another library.

    No text is tokenized again. docs/layouts.md describes the layouts.
    """
    with clear_errors(traceback=traceback):
        from chatmill.layouts.convert import convert as run

        chosen: dict[str, Any] = {"to": to, "compression": compression}
        if shard_tokens is not None:
            chosen["shard_tokens"] = shard_tokens
        report = run(tokens, output=output, vocabulary_size=vocabulary_size, overwrite=overwrite, **chosen)
        if not quiet:
            say(str(report))
