"""The options of the command `chatmill` that several of its subcommands share."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Truncation(Enum):
    """What becomes of rows that are too long."""

    keep_start = "keep_start"
    keep_end = "keep_end"
    turns = "turns"
    drop = "drop"
    raise_ = "raise"
    split = "split"


class SpecialTokens(str, Enum):
    """What becomes of control tokens in the texts of messages."""

    allow = "allow"
    text = "text"
    raise_ = "raise"


class Split(str, Enum):
    """Whether rows become several samples."""

    per_turn = "per_turn"


class Padding(str, Enum):
    """How far rows are filled up."""

    longest = "longest"
    max_length = "max_length"


class AllMasked(str, Enum):
    """What becomes of rows without a trained token."""

    reject = "reject"
    keep = "keep"


Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Paths, globs or URLs of JSONL (also .gz .zst .xz .bz2), Parquet or Arrow IPC files.",
        show_default=False,
    ),
]
TokenizerOption = Annotated[
    str, typer.Option("--tokenizer", help="Folder, tokenizer.json or Hub id.", metavar="X", show_default=False)
]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template",
        help="A name of `chatmill templates`, a .jinja file, Jinja source, a folder or a Hub id. "
        "Default: the tokenizer's own.",
        metavar="T",
        show_default=False,
    ),
]
FallbackOption = Annotated[
    str | None,
    typer.Option(
        "--template-fallback",
        metavar="NAME",
        help="A name of `chatmill templates`, for a tokenizer that has no template at all.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="F",
        help="What the rows look like: a name of `chatmill formats`, perhaps with a style (alpaca:chat, "
        "sharegpt:vicuna_v1.1), or a YAML file. auto looks at the first rows.",
    ),
]
LABELS_HELP = (
    "Which tokens are trained: assistant, all, none, last, hf, trl, axolotl, unsloth, open-instruct, llama-factory or "
    "completion; a YAML file; or YAML such as '{turns: last, weights: {reasoning: 0.5}}'."
)
LabelsOption = Annotated[str, typer.Option("--labels", metavar="L", help=LABELS_HELP)]
TokenizersOption = Annotated[
    list[str],
    typer.Option("--tokenizer", help="Folder, tokenizer.json or Hub id; given twice, two are compared.", metavar="X"),
]
TemplatesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--template",
        help="As for `prepare`; given twice, two are compared. Default: the tokenizer's own, or with --against the one "
        "of that name.",
        metavar="T",
        show_default=False,
    ),
]
LabelsListOption = Annotated[
    list[str] | None,
    typer.Option("--labels", metavar="L", help="As for `prepare`; given twice, two are compared."),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="DIR",
        help="Compare with this output of `prepare`, made perhaps by another version; options are those of its "
        "manifest unless given.",
        show_default=False,
    ),
]
SpecialTokensOption = Annotated[
    SpecialTokens,
    typer.Option(
        "--special-tokens", help="Control tokens in the texts of messages: as such, as plain text, or an error."
    ),
]
AllowedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-special-token",
        metavar="TOKEN",
        help="A control token that may be there all the same, such as '<think>'; may be given several times.",
        show_default=False,
    ),
]
MaxLengthOption = Annotated[
    int | None, typer.Option("--max-length", min=1, help="Cut rows to this many tokens.", show_default=False)
]
KwargsOption = Annotated[
    str | None,
    typer.Option(
        "--chat-template-kwargs",
        metavar="JSON",
        help="Variables for the template, such as '{\"enable_thinking\": false}'.",
        show_default=False,
    ),
]
DebugOption = Annotated[
    int | None,
    typer.Option(
        "--debug",
        metavar="N",
        min=1,
        help="Print the first N rows of the output, each token as token(label, id).",
        show_default=False,
    ),
]
TracebackOption = Annotated[bool, typer.Option("--traceback", help="Show where in the code an error came from.")]
