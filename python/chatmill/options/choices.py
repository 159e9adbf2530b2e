"""The values that each option accepts, as types. The Python package has each list only here.

The core checks the same values when a `Mill`, a `Tokenizer` or `Labels` is made; Python checks those of
`Compression` and `InputFormat`.
Signatures use the types; the command line and the config files get the values with `choices`.
"""

from typing import Any, Literal, TypeAlias, get_args

#: How a row is split into samples: one per trained turn. Without this option a row is one sample.
Split: TypeAlias = Literal["per_turn"]

#: What to do with rows over `max_length`.
Truncation: TypeAlias = Literal["keep_start", "keep_end", "turns", "drop", "raise", "split"]

#: The length to which rows are padded.
Padding: TypeAlias = Literal["longest", "max_length"]

#: The side of a row on which padding is.
PaddingSide: TypeAlias = Literal["right", "left"]

#: What a `Collator` does with rows over `max_length`, and what it returns.
CollatedTruncation: TypeAlias = Literal["raise", "keep_start", "keep_end"]
CollatedRows: TypeAlias = Literal["np", "pt", "list"]

#: How rows are distributed over packs.
PackStrategy: TypeAlias = Literal[
    "bfd",
    "bfd_split",
    "ffd",
    "first_fit",
    "first_fit_shuffle",
    "multipack",
    "knapsack",
    "sequential",
    "wrapped",
]

#: The columns that tell where the rows of a pack are.
PackMark: TypeAlias = Literal["seq_lengths", "position_ids", "cu_seqlens", "segment_ids", "seq_start_id", "loss_mask"]

#: What to do with rows that are longer than a pack. Their turns are not known any more.
PackTruncation: TypeAlias = Literal["keep_start", "keep_end", "drop", "raise", "split"]

#: What to do if the number of packs is not a multiple.
Remainder: TypeAlias = Literal["pad", "drop"]

#: What to do with control tokens in the texts of messages.
ControlTokens: TypeAlias = Literal["allow", "text", "raise"]

#: What to do with rows that have no trained token.
AllMasked: TypeAlias = Literal["keep", "reject"]

#: The compression of the Parquet shards of `prepare`.
Compression: TypeAlias = Literal["zstd", "snappy", "none"]

#: The kinds of input files that can be named.
InputFormat: TypeAlias = Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow"]

#: The trainers whose columns and files `prepare` can write.
Trainer: TypeAlias = Literal["trl", "trl-dpo", "trl-reward", "hf", "axolotl", "llama-factory", "nemo"]

#: Those of them that open packs.
PackTrainer: TypeAlias = Literal["trl", "hf", "axolotl", "llama-factory", "nemo"]

#: The layouts of files in which an output can be written and read.
LayoutName: TypeAlias = Literal["parquet", "arrow", "hf", "megatron", "nemo", "mds", "datatrove", "olmo"]

#: Those of them that hold packs.
PackLayoutName: TypeAlias = Literal["parquet", "arrow", "hf", "megatron", "nemo", "mds"]

#: What a `Mill` does with rows that fail.
OnError: TypeAlias = Literal["raise", "null"]

#: The engine of a tokenizer, and the choice of one.
EngineName: TypeAlias = Literal["fast", "reference"]
EngineChoice: TypeAlias = Literal["auto", "fast", "reference"]

#: Kinds of regions, in the order in which a turn has them.
RegionKind: TypeAlias = Literal[
    "scaffold", "header", "prefix", "reasoning", "content", "tool_call", "tool_result", "closer", "trailing"
]

#: Kinds of rows.
RowKind: TypeAlias = Literal["chat", "segments", "answers", "tokens", "text"]

#: Fields of `Labels`.
Stop: TypeAlias = Literal["turn", "all", "last", "none"]
Boundary: TypeAlias = Literal["overlap", "contained", "first", "split"]
Unproved: TypeAlias = Literal["reject", "raise", "mask"]

#: The tools whose labels chatmill emulates.
EmulatedTool: TypeAlias = Literal["hf", "trl", "axolotl", "unsloth", "open-instruct", "completion"]

#: Options of formats that have messages.
UnknownRoles: TypeAlias = Literal["keep", "refuse"]
EmptyAnswers: TypeAlias = Literal["refused", "among_others", "allowed"]

#: Values of keys of config files, in axolotl's words.
ExcessLength: TypeAlias = Literal["drop", "truncate", "raise"]
TrainedStops: TypeAlias = Literal["all", "turn", "last", "none"]
PreferenceTraining: TypeAlias = Literal["dpo", "ipo", "kto", "simpo", "orpo", "grpo", "gdpo", "ebft"]


def choices(option: Any) -> tuple[Any, ...]:
    """Return the values of an option.

    Args:
        option: One of the types of this module.

    Returns:
        The values, in their documented order.

    Example:
        >>> choices(Padding)
        ('longest', 'max_length')
    """
    return get_args(option)
