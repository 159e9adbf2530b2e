"""The plan of a run: its parts, each a mill with its files, and its output."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatmill._chatmill import Mill
from chatmill.arrange import Arrangement
from chatmill.inputs import BLOCK_BYTES, InputFile
from chatmill.outputs.shards import SHARD_TOKENS


@dataclass(frozen=True)
class Part:
    """The files of a run that one mill processes.

    Attributes:
        files: The files.
        mill: The mill.
        reason: The reason for the format of the rows, if chatmill detected it.
        warnings: Warnings, besides those of the mill.
    """

    files: Sequence[InputFile]
    mill: Mill
    reason: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class OutputOptions:
    """The place and the form of the output.

    Attributes:
        folder: The folder to make.
        arrangement: How the rows of several parts are merged.
        overwrite: Replace an existing output of chatmill, at the end.
        keep_columns: Columns of the inputs to carry over.
        block_bytes: Approximate size of the rows processed at a time, in bytes.
        shard_tokens: Tokens of a shard.
        options: Other options of the run, for the manifest.
    """

    folder: str | os.PathLike[str]
    arrangement: Arrangement = field(default_factory=Arrangement)
    overwrite: bool = False
    keep_columns: Sequence[str] = ()
    block_bytes: int = BLOCK_BYTES
    shard_tokens: int = SHARD_TOKENS
    options: Mapping[str, Any] = field(default_factory=dict)
