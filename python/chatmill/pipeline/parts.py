"""`Part` and `OutputOptions`: the plan of a run. A part is a mill with its files."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatmill._chatmill import DataError, Mill
from chatmill.arrange import Arrangement
from chatmill.inputs import BLOCK_BYTES, MAX_LINE_BYTES, Block, InputFile, read_blocks
from chatmill.options.choices import Compression, LayoutName
from chatmill.outputs.destination import whole_name
from chatmill.outputs.shards import SHARD_TOKENS
from chatmill.packing.of_run import PacksOfRun
from chatmill.pipeline.limit import MAX_REJECTED, RejectLimit
from chatmill.trainers.input import TrainerInput


@dataclass(frozen=True)
class Part:
    """The files of a run that one mill processes.

    Attributes:
        files: The files.
        mill: The mill.
        reason: The reason for the format of the rows, if chatmill detected the format; otherwise empty.
        warnings: Warnings, in addition to the warnings of the mill.
        tokenizer_files: The content of the files of the tokenizer by name, if they are to be written into the output.
        order: The place of each row of the files among the rows of the part, from 0; None for the order of the files.
    """

    files: Sequence[InputFile]
    mill: Mill
    reason: str = ""
    warnings: Sequence[str] = ()
    tokenizer_files: Mapping[str, bytes] = field(default_factory=dict)
    order: Sequence[int] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OutputOptions:
    """The options of the output.

    Attributes:
        folder: The output: a folder, or a URL.
        arrangement: How the rows of all parts are merged, split and ordered.
        overwrite: Whether to replace an unchanged output of chatmill once the new one is complete.
        keep_columns: Columns of the inputs to copy to the output.
        block_bytes: Approximate size of the rows that are processed at a time, in bytes.
        max_line_bytes: The size of the longest line or row that is read, in bytes.
        shard_tokens: Tokens per shard.
        compression: The compression of the shards; None for the default.
        max_rejected: How many rejected rows the run accepts; see `RejectLimit.of`.
        strict: Whether a warning fails the run, before anything is written.
        trainer_input: What the trainer opens that will read the output; None for all columns, in Parquet files.
        to: The layout of the files; None for those of the trainer, or for Parquet files.
        packs: The packs to write in place of the rows; None to write the rows.
        resume: Whether to keep the tokens of blocks until the run has ended, and to take those of an earlier run.
        fresh: Whether to remove the blocks of earlier runs on this output first, and to take none of `cache`.
        cache: A folder that keeps blocks for all runs; None keeps them beside the output until the run has ended.
        cache_bytes: The size of the blocks in `cache` that stay at the end of the run; None keeps all.
        only_kept: Whether all blocks must be kept already, as those of a plan are.
        now: The time that templates print, if the user gave it.
        options: Other options of the run, for the manifest.
    """

    folder: str | os.PathLike[str]
    arrangement: Arrangement = field(default_factory=Arrangement)
    overwrite: bool = False
    keep_columns: Sequence[str] = ()
    block_bytes: int = BLOCK_BYTES
    max_line_bytes: int = MAX_LINE_BYTES
    shard_tokens: int = SHARD_TOKENS
    compression: Compression | None = None
    max_rejected: RejectLimit = field(default_factory=lambda: RejectLimit.of(MAX_REJECTED))
    strict: bool = False
    trainer_input: TrainerInput | None = None
    to: LayoutName | None = None
    packs: PacksOfRun | None = None
    resume: bool = True
    fresh: bool = False
    cache: str | os.PathLike[str] | None = None
    cache_bytes: int | None = None
    only_kept: bool = False
    now: datetime | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A name that cannot be written is an error before any work.
        try:
            os.fspath(whole_name(self.folder)).encode()
        except UnicodeEncodeError:
            raise DataError(
                f"cannot write to {os.fspath(self.folder)}, because the path is not UTF-8; choose another output"
            ) from None
        except (OSError, RuntimeError, ValueError) as cause:  # a link that leads back to itself, `~` without a home
            raise DataError(f"cannot write to {os.fspath(self.folder)} ({cause}); choose another output") from None

    def blocks(self, part: Part) -> Iterator[Block]:
        """Read the rows of a part. Any run with these options gives the same blocks.

        Args:
            part: The part.

        Yields:
            Its blocks, in order.

        Raises:
            DataError: A file cannot be read.
        """
        yield from read_blocks(
            part.files,
            columns=None if part.mill.format is None else part.mill.format.columns,
            keep_columns=self.keep_columns,
            block_bytes=self.block_bytes,
            max_line_bytes=self.max_line_bytes,
        )
