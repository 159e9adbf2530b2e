"""The options that several subcommands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chatmill.cli.values import check_reject_limit, check_trainer
from chatmill.labels.presets import preset_names
from chatmill.options.choices import (
    AllMasked,
    Compression,
    ControlTokens,
    InputFormat,
    LayoutName,
    Padding,
    Split,
    Trainer,
    Truncation,
    choices,
)
from chatmill.text.nearest import suggestion

_FILES_HELP = (
    "Paths, folders, globs or URLs of JSONL, JSON, CSV and TSV (also .gz .zst .xz .bz2), Parquet or Arrow IPC files; - "
    "for standard input; org/name or org/name:split for a data set of the Hub."
)
_TOKENIZER_HELP = "Folder, tokenizer.json or Hub id of the tokenizer."


def choice_of(flag: str, option: Any, about: str, **more: Any) -> Any:
    """Make an option that accepts the values of a type of `chatmill.options.choices`.

    Args:
        flag: The option.
        option: The type.
        about: The help.
        **more: Further settings of the option.
    """
    values = choices(option)

    def check(given: str | list[str] | None) -> str | list[str] | None:
        for value in [given] if isinstance(given, str) else given or ():
            if value not in values:
                hint = suggestion(value, values, otherwise=f"give one of {', '.join(values)}")
                raise typer.BadParameter(f"{value!r} is not a valid value; {hint}")
        return given

    return typer.Option(flag, metavar=f"[{'|'.join(values)}]", help=about, callback=check, **more)


Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help=_FILES_HELP, show_default=False)]
InputsOrConfig = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help=f"{_FILES_HELP} Or one YAML file of datasets, with the keys of an axolotl config.",
        show_default=False,
    ),
]
TokenizerOption = Annotated[
    str, typer.Option("--tokenizer", help=_TOKENIZER_HELP, metavar="TOKENIZER", show_default=False)
]
TokenizersOption = Annotated[
    list[str],
    typer.Option("--tokenizer", help=f"{_TOKENIZER_HELP} Give it twice to compare two.", metavar="TOKENIZER"),
]
OptionalTokenizerOption = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        help=f"{_TOKENIZER_HELP} Required, unless a YAML file names it.",
        metavar="TOKENIZER",
        show_default=False,
    ),
]
TokenizerJsonOption = Annotated[
    bool,
    typer.Option(
        "--tokenizer-json",
        help="Use tokenizer.json as it is, also if the tokenizer's class in transformers does not follow all of it.",
    ),
]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template",
        help="The chat template: a name from `chatmill templates`, a .jinja file, Jinja source, a folder or a Hub "
        "id. Default: the tokenizer's own template.",
        metavar="TEMPLATE",
        show_default=False,
    ),
]
TemplatesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--template",
        help="The chat template, as for `prepare`; give it twice to compare two. Default: the tokenizer's own "
        "template; with --against, the template of the output.",
        metavar="TEMPLATE",
        show_default=False,
    ),
]
FallbackOption = Annotated[
    str | None,
    typer.Option(
        "--template-fallback",
        metavar="NAME",
        help="The template to use if the tokenizer has none: a name from `chatmill templates`.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="The format of the rows: a name from `chatmill formats`, with or without a style (alpaca:chat, "
        "sharegpt:vicuna_v1.1), or a YAML file. auto detects the format from the first rows.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="The column in the rows that holds what the format calls NAME: `--map answer=solution` reads the answers "
        "from the column solution. Can be given several times.",
        show_default=False,
    ),
]
LABELS_HELP = (
    f"Which tokens are trained: {', '.join(preset_names()[:-1])} or {preset_names()[-1]}; a YAML file; or YAML such as "
    "'{turns: last, weights: {reasoning: 0.5}}'."
)
LabelsOption = Annotated[str, typer.Option("--labels", metavar="LABELS", help=LABELS_HELP)]
LabelsListOption = Annotated[
    list[str] | None,
    typer.Option(
        "--labels", metavar="LABELS", help="Which tokens are trained, as for `prepare`; give it twice to compare two."
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="DIR",
        help="Compare with this output folder of `prepare`, which another version of chatmill may have made. Options "
        "that are not given come from its manifest.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str | None,
    choice_of("--split", Split, "Make one sample per trained turn instead of one per row.", show_default=False),
]
MaxLengthOption = Annotated[
    int | None,
    typer.Option("--max-length", min=1, help="Maximum number of tokens per sample.", show_default=False),
]
TruncationOption = Annotated[
    str | None,
    choice_of(
        "--truncation",
        Truncation,
        "What to do with rows over --max-length: keep the start, the end or whole turns, drop the row, end the run "
        "with an error (raise), or split the row into several samples.",
        show_default="keep_start; split for texts without a prompt",
    ),
]
PaddingOption = Annotated[
    str | None,
    choice_of(
        "--padding",
        Padding,
        "Pad rows with the pad token: to the length of the longest row of a block, or to --max-length.",
        show_default=False,
    ),
]
PadTokenOption = Annotated[
    str | None,
    typer.Option(
        "--pad-token",
        metavar="TOKEN",
        help="The token for --padding, in place of the tokenizer's pad token; it must be a token of the tokenizer.",
        show_default=False,
    ),
]
ControlTokensOption = Annotated[
    str,
    choice_of(
        "--special-tokens",
        ControlTokens,
        "What to do with control tokens, such as <|im_end|>, in the texts of messages: encode them as control tokens "
        "(allow), encode them as plain text (text), or reject the row (raise).",
    ),
]
AllowedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-special-token",
        metavar="TOKEN",
        help="A control token that texts may contain regardless of --special-tokens, such as '<think>'. Can be given "
        "several times.",
        show_default=False,
    ),
]
AllMaskedOption = Annotated[
    str,
    choice_of("--all-masked", AllMasked, "What to do with rows that have no trained token: keep them or reject them."),
]
TrainerOption = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar=f"[{'|'.join(choices(Trainer))}]",
        callback=check_trainer,
        help="The trainer that will open the output: write its columns and files, and print the lines of its script or "
        "config that open them.",
        show_default=False,
    ),
]
LayoutOption = Annotated[
    str | None,
    choice_of(
        "--to",
        LayoutName,
        "The layout of the files, without --for (default parquet); see docs/layouts.md.",
        show_default=False,
    ),
]
CompressionOption = Annotated[
    str | None, choice_of("--compression", Compression, "The compression of the Parquet files (default zstd).")
]
InputFormatOption = Annotated[
    str | None,
    choice_of(
        "--input-format",
        InputFormat,
        "The kind of the input files, if their suffixes do not tell it. Standard input is JSON without it.",
        show_default=False,
    ),
]
MaxRejectedOption = Annotated[
    str,
    typer.Option(
        "--max-rejected",
        metavar="N|N%",
        callback=check_reject_limit,
        help="The rejected rows that the run accepts: a percentage such as 5%, a share such as 0.05, or a number. If "
        "more are rejected, the output is complete, but the command exits with status 3.",
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="ISO_DATETIME",
        help="The time that templates print, such as 2025-07-01T12:00. Default: the start of the run, and a fixed "
        "time for lint.",
        show_default=False,
    ),
]
KwargsOption = Annotated[
    str | None,
    typer.Option(
        "--chat-template-kwargs",
        metavar="JSON",
        help="Variables for the chat template, such as '{\"enable_thinking\": false}'.",
        show_default=False,
    ),
]
LimitsOption = Annotated[
    str | None,
    typer.Option(
        "--limits",
        metavar="JSON",
        help="What one render of the template may use: steps, bytes of memory, depth, and bytes of output, such as "
        "'{\"memory\": 1073741824}'.",
        show_default=False,
    ),
]
DebugOption = Annotated[
    int | None,
    typer.Option(
        "--debug",
        metavar="N",
        min=1,
        help="Print the first N rows of the output token by token, each token as token(label, id).",
        show_default=False,
    ),
]
TracebackOption = Annotated[bool, typer.Option("--traceback", help="Show the Python traceback of an error.")]
