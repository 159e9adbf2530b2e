"""`chatmill convert`: writes a finished output in another layout."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import CompressionOption, TracebackOption, choice_of
from chatmill.options.choices import LayoutName
from chatmill.terminal.lines import say


@app.command()
def convert(
    tokens: Annotated[
        Path,
        typer.Argument(
            help="The output folder of `chatmill prepare`, `chatmill pack` or `chatmill convert`.", show_default=False
        ),
    ],
    to: Annotated[str, choice_of("--to", LayoutName, "The new layout; see docs/layouts.md.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new output folder.", show_default=False)],
    shard_tokens: Annotated[
        int | None, typer.Option("--shard-tokens", min=1, help="Tokens per file.", show_default="64 Mi")
    ] = None,
    compression: CompressionOption = None,
    vocabulary_size: Annotated[
        int | None,
        typer.Option(
            "--vocabulary-size",
            min=1,
            help="The number of ids of the tokenizer with all added tokens: megatron, datatrove and olmo write small "
            "ids in two bytes. Default: that of the tokenizer in the output; without one, four bytes.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier output of chatmill in --output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors, on stderr.")] = False,
    traceback: TracebackOption = False,
) -> None:
    """Write a finished output in another layout, such as Megatron's, without tokenizing again."""
    with clear_errors(traceback=traceback):
        from chatmill.layouts.convert import convert as run

        chosen: dict[str, Any] = {"to": to, "compression": compression}
        if shard_tokens is not None:
            chosen["shard_tokens"] = shard_tokens
        report = run(tokens, output=output, vocabulary_size=vocabulary_size, overwrite=overwrite, **chosen)
        if not quiet:
            say(str(report))
