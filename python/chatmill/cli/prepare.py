"""The subcommand `chatmill prepare`."""

import os
from typing import Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import (
    AtLeast,
    all_masked_option,
    allowed_option,
    compression_option,
    control_tokens_option,
    debug_option,
    fallback_option,
    format_option,
    input_format_option,
    inputs_or_config_argument,
    kwargs_option,
    labels_option,
    layout_option,
    limits_option,
    map_option,
    max_length_option,
    max_rejected_option,
    now_option,
    optional_tokenizer_option,
    overwrite_option,
    pad_multiple_option,
    pad_token_option,
    padding_option,
    padding_side_option,
    reserve_option,
    shard_tokens_option,
    split_option,
    template_option,
    tokenizer_json_option,
    traceback_option,
    trainer_option,
    truncation_option,
)
from chatmill.cli.run_arguments import config_of, run_arguments
from chatmill.cli.values import check_debug, check_debug_output


@app.command()
@inputs_or_config_argument
@optional_tokenizer_option
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    metavar="DIR",
    help="The output folder, or a URL such as s3://bucket/tokens; it must not exist or must be empty. Required, unless "
    "a YAML file names it.",
)
@click.option(
    "--local",
    multiple=True,
    metavar="NAME=PATH",
    help="With a YAML file: read the dataset whose `path` is NAME from PATH, a file, folder or glob. Can be given "
    "several times.",
)
@template_option
@fallback_option
@tokenizer_json_option
@format_option
@map_option
@input_format_option
@labels_option
@split_option
@max_length_option
@reserve_option
@truncation_option
@click.option(
    "--segment-length",
    type=AtLeast(1),
    metavar="N",
    help="Cut each prompt and each answer to this many tokens before they are joined, as axolotl does. Only for "
    "formats with a text of their own, such as alpaca.",
)
@padding_option
@padding_side_option
@pad_multiple_option
@pad_token_option
@control_tokens_option
@allowed_option
@all_masked_option
@click.option("--threads", type=AtLeast(1), metavar="N", help="Number of threads. Default: one per core.")
@click.option(
    "--keep-columns",
    multiple=True,
    metavar="NAME",
    help="A column of the inputs to copy to the output. Can be given several times.",
)
@click.option(
    "--attention-mask", is_flag=True, help="Also write the column attention_mask: 1 for tokens, 0 for padding."
)
@click.option(
    "--position-ids",
    is_flag=True,
    help="Also write the column position_ids: the tokens of a sample numbered from 0; 0 for padding.",
)
@kwargs_option
@limits_option
@now_option
@click.option("--shuffle/--no-shuffle", help="Write the samples in a random order.")
@click.option(
    "--seed",
    type=int,
    default=42,
    metavar="N",
    help="The seed of the random order and of the choice of validation samples.",
)
@click.option(
    "--deduplicate/--no-deduplicate", help="Leave out samples whose ids and labels equal those of an earlier one."
)
@click.option(
    "--validation",
    default="0",
    metavar="N",
    help="Write this many samples to the subfolder validation, and the others to train: a share such as 0.05, or a "
    "number of samples. 0 writes all of them for training.",
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Keep the tokens of each block of rows until the output is complete, so that the same command goes on after "
    "an interruption.",
)
@click.option("--fresh", is_flag=True, help="Start over: take no block of an earlier run.")
@click.option(
    "--cache",
    type=click.Path(),
    metavar="DIR",
    help="Keep the tokens of blocks in this folder, or at this URL, for all runs, so that a run makes only those of "
    "new or changed rows.",
)
@click.option(
    "--cache-size",
    metavar="SIZE",
    help="With --cache: at the end, remove the blocks that were not used for the longest time, until the others fit "
    "into this size, such as 50GB.",
)
@overwrite_option
@debug_option
@click.option(
    "--progress/--no-progress", default=None, help="Show a progress bar on stderr. Default: only on a terminal."
)
@click.option(
    "--block-bytes",
    type=AtLeast(1),
    metavar="N",
    help="Bytes of input rows to process at a time. Default: 4,194,304 (4 MiB).",
)
@click.option(
    "--max-line-bytes",
    type=AtLeast(1),
    metavar="N",
    help="Maximum size of a line or row in bytes. A larger one is rejected. Default: 268,435,456 (256 MiB).",
)
@shard_tokens_option
@compression_option
@layout_option
@click.option(
    "--pack",
    type=AtLeast(1),
    metavar="N",
    help="Write packs of this many tokens in place of the rows, as `chatmill pack` does with its defaults; with --for "
    "or --to, in the files that these choose.",
)
@max_rejected_option
@trainer_option
@click.option("--strict", is_flag=True, help="Fail if there is a warning; then nothing is written.")
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings and errors, on stderr.")
@traceback_option
@click.pass_context
def prepare(context: click.Context, /, **options: Any) -> None:
    """Turn files of rows into Parquet shards of token ids and labels."""
    with clear_errors(traceback=options["traceback"]):
        debug, quiet = options["debug"], options["quiet"]
        if debug is not None:
            check_debug(options["trainer"], options["to"], options["pack"])
        config = config_of(options["inputs"])
        if config is not None:
            from chatmill.cli.config import prepare_by_config
            from chatmill.terminal.console import new_console

            prepare_by_config(context, config, new_console(), debug=debug, quiet=quiet)
            return
        arguments = run_arguments(options)
        if debug is not None:
            check_debug_output(options["output"])
        # Wrong inputs are said before a tokenizer is loaded, and a pad token makes another tokenizer.
        if options["pad_token"] is None and all(map(os.path.exists, options["inputs"])):
            from chatmill.sources.ahead import TokenizerAhead

            # The engine is loaded during the other imports and the first look at the rows, which take as long.
            arguments["tokenizer"] = TokenizerAhead(options["tokenizer"], rebuild=arguments["rebuild"], many=True)
        from chatmill.cli.run_report import print_report
        from chatmill.inspect.debug import print_debug
        from chatmill.pipeline.job import prepare as run
        from chatmill.terminal.console import new_console

        report = run(**arguments)
        if debug is not None:
            print_debug(options["output"], options["tokenizer"], debug)
        print_report(report, new_console(), quiet=quiet)
