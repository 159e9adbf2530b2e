"""The options that several subcommands share, as decorators."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from chatmill.cli.values import check_reject_limit, check_trainer
from chatmill.labels.presets import preset_names
from chatmill.options.choices import (
    AllMasked,
    Compression,
    ControlTokens,
    InputFormat,
    LayoutName,
    PackLayoutName,
    PackTrainer,
    Padding,
    PaddingSide,
    Split,
    Trainer,
    Truncation,
    choices,
)
from chatmill.pipeline.limit import MAX_REJECTED
from chatmill.text.nearest import suggestion

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FILES_HELP = (
    "Paths, folders, globs or URLs of JSONL, JSON, CSV and TSV (also .gz .zst .xz .bz2), Parquet or Arrow IPC files; - "
    "for standard input; org/name or org/name:split for a data set of the Hub."
)
_TOKENIZER_HELP = "Folder, tokenizer.json or Hub id of the tokenizer."


class AtLeast(click.IntRange):
    """The type of an option that is a whole number with a lower limit.

    Args:
        smallest: The limit.
    """

    def __init__(self, smallest: int) -> None:
        super().__init__(min=smallest)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse a value. click's own error names the type, "integer range"."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{str(value)!r} is not a whole number of {self.min} or more", param, ctx)

    def _describe_range(self) -> str:
        """Return the limit for the help. click would print `x>=1`, and has no other place to change it."""
        return f"at least {self.min}"


def choice_of(
    flag: str, option: Any, about: str, *, name: str | None = None, refused_later: Sequence[str] = (), **more: Any
) -> Callable[[_Function], _Function]:
    """Make an option that accepts the values of a type of `chatmill.options.choices`.

    Args:
        flag: The option.
        option: The type.
        about: The help.
        name: The name of the parameter, if the flag does not give it.
        refused_later: Values that the help does not list, because they do not work here. They are not refused at once,
            because the error of the run says why.
        **more: Further settings of the option.
    """
    values = choices(option)

    def check(_context: click.Context, _option: click.Parameter, given: Any) -> Any:
        for value in [given] if isinstance(given, str) else given or ():
            if value not in (*values, *refused_later):
                hint = suggestion(value, values, otherwise=f"give one of {', '.join(values)}")
                raise click.BadParameter(f"{value!r} is not a valid value; {hint}")
        return given

    names = [flag] if name is None else [flag, name]
    return click.option(*names, metavar=f"[{'|'.join(values)}]", help=about, callback=check, **more)


inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", help=_FILES_HELP)
inputs_or_config_argument = click.argument(
    "inputs",
    nargs=-1,
    required=True,
    metavar="INPUT...",
    help=f"{_FILES_HELP} Or one YAML file of datasets, with the keys of an axolotl config.",
)
tokenizer_option = click.option("--tokenizer", required=True, metavar="TOKENIZER", help=_TOKENIZER_HELP)
tokenizers_option = click.option(
    "--tokenizer",
    multiple=True,
    required=True,
    metavar="TOKENIZER",
    help=f"{_TOKENIZER_HELP} Give it twice to compare two.",
)
optional_tokenizer_option = click.option(
    "--tokenizer", metavar="TOKENIZER", help=f"{_TOKENIZER_HELP} Required, unless a YAML file names it."
)
rows_tokenizer_option = click.option("--tokenizer", metavar="TOKENIZER", help=f"{_TOKENIZER_HELP} Required for rows.")
tokenizer_json_option = click.option(
    "--tokenizer-json",
    is_flag=True,
    help="Use tokenizer.json as it is, also if the tokenizer's class in transformers does not follow all of it.",
)
template_option = click.option(
    "--template",
    metavar="TEMPLATE",
    help="The chat template: a name from `chatmill templates`, a .jinja file, Jinja source, a folder or a Hub "
    "id. Default: the tokenizer's own template.",
)
templates_option = click.option(
    "--template",
    multiple=True,
    metavar="TEMPLATE",
    help="The chat template, as for `prepare`; give it twice to compare two. Default: the tokenizer's own "
    "template; with --against, the template of the output.",
)
fallback_option = click.option(
    "--template-fallback",
    metavar="NAME",
    help="The template to use if the tokenizer has none: a name from `chatmill templates`.",
)
format_option = click.option(
    "--format",
    default="auto",
    metavar="FORMAT",
    help="The format of the rows: a name from `chatmill formats`, with or without a style (alpaca:chat, "
    "sharegpt:vicuna_v1.1), or a YAML file. auto detects the format from the first rows.",
)
map_option = click.option(
    "--map",
    "map_columns",
    multiple=True,
    metavar="NAME=COLUMN",
    help="The column in the rows that holds what the format calls NAME: `--map answer=solution` reads the answers "
    "from the column solution. Can be given several times.",
)
LABELS_HELP = (
    f"Which tokens are trained: {', '.join(preset_names()[:-1])} or {preset_names()[-1]}; a YAML file; or YAML such as "
    "'{turns: last, weights: {reasoning: 0.5}}'."
)
labels_option = click.option("--labels", default="assistant", metavar="LABELS", help=LABELS_HELP)
labels_list_option = click.option(
    "--labels",
    multiple=True,
    metavar="LABELS",
    help="Which tokens are trained, as for `prepare`; give it twice to compare two.",
)
against_option = click.option(
    "--against",
    type=click.Path(),
    metavar="DIR",
    help="Compare with this output folder of `prepare`, which another version of chatmill may have made. Options "
    "that are not given come from its manifest.",
)
split_option = choice_of("--split", Split, "Make one sample per trained turn instead of one per row.")
max_length_option = click.option(
    "--max-length", type=AtLeast(1), metavar="N", help="Maximum number of tokens per sample."
)
reserve_option = click.option(
    "--reserve",
    type=AtLeast(0),
    default=0,
    metavar="N",
    help="The number of virtual tokens that the model puts before each row. Rows are cut and padded to --max-length "
    "minus N.",
)
truncation_option = choice_of(
    "--truncation",
    Truncation,
    "What to do with rows over --max-length: keep the start, the end or whole turns, drop the row, end the run "
    "with an error (raise), or split the row into several samples. Default: keep_start, or split for texts without a "
    "prompt.",
)
padding_option = choice_of(
    "--padding",
    Padding,
    "Pad rows with the pad token: to the length of the longest row of a block, or to --max-length.",
)
padding_side_option = choice_of("--padding-side", PaddingSide, "The side of the padding.", default="right")
pad_multiple_option = click.option(
    "--pad-to-multiple-of",
    type=AtLeast(1),
    metavar="N",
    help="Round the length up to which --padding pads to a multiple of this number.",
)
pad_token_option = click.option(
    "--pad-token",
    metavar="TOKEN",
    help="The token for --padding, in place of the tokenizer's pad token; it must be a token of the tokenizer.",
)
control_tokens_option = choice_of(
    "--special-tokens",
    ControlTokens,
    "What to do with control tokens, such as <|im_end|>, in the texts of messages: encode them as control tokens "
    "(allow), encode them as plain text (text), or reject the row (raise).",
    default="allow",
)
allowed_option = click.option(
    "--allow-special-token",
    multiple=True,
    metavar="TOKEN",
    help="A control token that texts may contain regardless of --special-tokens, such as '<think>'. Can be given "
    "several times.",
)
all_masked_option = choice_of(
    "--all-masked",
    AllMasked,
    "What to do with rows that have no trained token: keep them or reject them.",
    default="reject",
)


def _trainer_option(trainers: Any) -> Callable[[_Function], _Function]:
    return click.option(
        "--for",
        "trainer",
        metavar=f"[{'|'.join(choices(trainers))}]",
        callback=lambda _context, _option, given: check_trainer(given),
        help="The trainer that will open the output: write its columns and files, and print the lines of its script or "
        "config that open them.",
    )


_LAYOUT_HELP = "The layout of the files, without --for; see docs/layouts.md. Default: parquet."

trainer_option, pack_trainer_option = _trainer_option(Trainer), _trainer_option(PackTrainer)
layout_option = choice_of("--to", LayoutName, _LAYOUT_HELP)
pack_layout_option = choice_of(
    "--to",
    PackLayoutName,
    _LAYOUT_HELP,
    refused_later=[name for name in choices(LayoutName) if name not in choices(PackLayoutName)],
)
compression_option = choice_of("--compression", Compression, "The compression of Parquet files. Default: zstd.")
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace an earlier output of chatmill in --output once the new one is complete."
)
shard_tokens_option = click.option(
    "--shard-tokens", type=AtLeast(1), metavar="N", help="Tokens per file. Default: 67,108,864."
)
input_format_option = choice_of(
    "--input-format",
    InputFormat,
    "The kind of the input files, if their suffixes do not tell it. Standard input is JSON without it.",
)
max_rejected_option = click.option(
    "--max-rejected",
    default=MAX_REJECTED,
    metavar="N|N%",
    callback=lambda _context, _option, given: check_reject_limit(given),
    help="The rejected rows that the run accepts: a percentage such as 5%, a share such as 0.05, or a number. If "
    "more are rejected, the output is complete, but the command exits with status 3.",
)


def _now_option(default: str) -> Callable[[_Function], _Function]:
    about = f"The time that templates print, such as 2025-07-01T12:00. Default: {default}."
    return click.option("--now", metavar="ISO_DATETIME", help=about)


now_option, lint_now_option = _now_option("the start of the run"), _now_option("a fixed time")
kwargs_option = click.option(
    "--chat-template-kwargs",
    metavar="JSON",
    help="Variables for the chat template, such as '{\"enable_thinking\": false}'.",
)
limits_option = click.option(
    "--limits",
    metavar="JSON",
    help="What one render of the template may use: steps, bytes of memory, depth, and bytes of output, such as "
    "'{\"memory\": 1073741824}'.",
)
debug_option = click.option(
    "--debug",
    type=AtLeast(1),
    metavar="N",
    help="Print the first N rows of the output token by token, each token as token(label, id).",
)
traceback_option = click.option("--traceback", is_flag=True, help="Show the Python traceback of an error.")
