"""`ShardWriter`: writes token batches to files with a bounded number of tokens each."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import ChatmillError, DataError
from chatmill.options.choices import Compression, choices
from chatmill.outputs.checksums import WrittenFile, checksum_of
from chatmill.outputs.durable import sync_file
from chatmill.outputs.shard_files import ArrowShard, ShardFile, parquet_shard
from chatmill.text.nearest import suggestion
from chatmill.trainers.columns import arranged_columns
from chatmill.trainers.input import TrainerInput
from chatmill.trainers.splits import TRAINING

#: The default number of tokens per shard.
SHARD_TOKENS = 64 << 20
# A row group is in memory while it is written. 2 Mi tokens with their labels are 16 MiB.
_GROUP_TOKENS = 2 << 20
_GROUP_ROWS = 1 << 16
#: The token columns of rows of a prompt with answers; the prompt comes first.
ANSWER_COLUMNS = ("prompt_ids", "chosen_ids", "rejected_ids", "completion_ids")
_TOKEN_COLUMNS = (
    *("input_ids", "labels", "attention_mask", "position_ids", "loss_mask", "seq_start_id"),
    *("seq_lengths", "cu_seqlens", "segment_ids"),
    *ANSWER_COLUMNS,
)


@dataclass(frozen=True)
class Shard(WrittenFile):
    """One file of rows of the output.

    Attributes:
        tokens: The number of its tokens.
    """

    tokens: int


#: Takes a complete shard: its path, and what was written.
ShardClosed: TypeAlias = Callable[[Path, Shard], None]


def chosen_compression(compression: Compression | None, trainer_input: TrainerInput | None) -> Compression:
    """Return the compression of the shards.

    Args:
        compression: The compression that the user chose, or None.
        trainer_input: What a trainer opens, or None.

    Raises:
        DataError: There is no such compression, or the trainer opens files that are not compressed.

    Example:
        >>> chosen_compression(None, None)
        'zstd'
    """
    is_arrow = trainer_input is not None and trainer_input.files == "arrow"
    if compression is None:
        return "none" if is_arrow else "zstd"
    values = choices(Compression)
    if compression not in values:
        hint = suggestion(str(compression), values, otherwise=f"use one of {', '.join(values)}")
        raise DataError(f"`compression` is {compression!r}; {hint}")
    if trainer_input is not None and is_arrow and compression != "none":
        raise DataError(
            f"`compression` is {compression!r}, but {trainer_input.trainer} opens Arrow files, which are not "
            "compressed; leave it out"
        )
    return compression


class RowWriter(Protocol):
    """Writes rows to files. Used in a `with` block; an exception removes unfinished files."""

    def __enter__(self) -> "RowWriter": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows.

        Args:
            batch: Rows with a column `length`: the number of tokens of each row.
        """

    def finish(self) -> list[Shard]:
        """Complete all files and return the shards."""


class ShardWriter:
    """Writes batches to `train-00000.parquet`, `train-00001.parquet` and so on. Only complete shards have these names.

    A shard ends with the row at which it reaches `shard_tokens`. The shards do not depend on the sizes of the batches,
    so the same rows make the same shards. Used in a `with` block; an exception removes the unfinished shard.

    Args:
        folder: The folder to write into.
        split: The split of the samples, with which the names begin.
        first: The number of the first shard.
        shard_tokens: Tokens after which the next shard begins.
        compression: The compression of all columns of Parquet files; None for `"zstd"`.
        trainer_input: The columns and the kind of files that a trainer opens; None for Parquet files of all columns.
        keep_columns: The columns to keep besides those of a trainer.
        form: The columns and the kind of the files, in place of `compression`, `trainer_input` and `keep_columns`.
        closed: What to call with each complete shard. It may take the file away. None for nothing.

    Raises:
        DataError: `shard_tokens` is below 1, `compression` is not valid, or a batch has other columns than the first
            one.
    """

    def __init__(
        self,
        folder: Path,
        split: str = TRAINING,
        *,
        first: int = 0,
        shard_tokens: int = SHARD_TOKENS,
        compression: Compression | None = None,
        trainer_input: TrainerInput | None = None,
        keep_columns: Sequence[str] = (),
        form: "ShardForm | None" = None,
        closed: ShardClosed | None = None,
    ) -> None:
        if shard_tokens < 1:
            raise DataError(f"`shard_tokens` is {shard_tokens}; use at least 1")
        self._folder = folder
        self._first = first
        self._shard_tokens = shard_tokens
        self._split = split
        self._closed = closed
        self._form = form or TrainerForm(
            chosen_compression(compression, trainer_input), trainer_input, tuple(keep_columns)
        )
        self._schema: pa.Schema | None = None
        self._shards: list[Shard] = []
        self._open: _OpenShard | None = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows.

        Args:
            batch: Rows with a column `length`: the number of tokens of each row.
        """
        if self._schema is None:
            self._schema = plain_schema(batch)
        batch = unified(batch, self._schema)
        start = 0
        while start < batch.num_rows:
            if self._open is None:
                self._open = self._new_shard(batch.schema)
            start += self._open.take(batch.slice(start))
            if self._open.is_full:
                self._close_shard()

    def finish(self) -> list[Shard]:
        """Close the last shard and return all shards. Without rows there is one empty shard, which has the columns."""
        if self._open is None and not self._shards and self._schema is not None:
            self._open = self._new_shard(self._schema)
        self._close_shard()
        return list(self._shards)

    def _new_shard(self, schema: pa.Schema) -> "_OpenShard":
        path = self._folder / f"{self._split}-{self._first + len(self._shards):05d}{self._form.suffix}"
        return _OpenShard(path, schema, self._shard_tokens, self._form)

    def _close_shard(self) -> None:
        if self._open is not None:
            shard = self._open.close()
            self._shards.append(shard)
            self._open = None
            if self._closed is not None:
                self._closed(self._folder / shard.file, shard)


class ShardForm(Protocol):
    """The columns and the kind of files of shards."""

    @property
    def suffix(self) -> str:
        """The suffix of the files."""

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows with the columns of the files.

        Args:
            batch: The rows, as they were given to the writer.
        """

    def open(self, path: Path, schema: pa.Schema) -> ShardFile:
        """Create a file.

        Args:
            path: The file.
            schema: Its columns.
        """


@dataclass(frozen=True)
class TrainerForm:
    """The columns and the kind of files of a trainer, or Parquet files of all columns.

    Attributes:
        compression: The compression of Parquet files.
        trainer_input: What the trainer opens, or None.
        keep_columns: The columns to keep besides those of the trainer.
    """

    compression: Compression
    trainer_input: TrainerInput | None = None
    keep_columns: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """The suffix of the files."""
        return ".parquet" if self.trainer_input is None else self.trainer_input.suffix

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows with the columns of the trainer.

        Args:
            batch: The rows.
        """
        return batch if self.trainer_input is None else arranged_columns(batch, self.trainer_input, self.keep_columns)

    def open(self, path: Path, schema: pa.Schema) -> ShardFile:
        """Create a file.

        Args:
            path: The file.
            schema: Its columns.
        """
        if self.suffix == ".arrow":
            return ArrowShard(path, schema)
        # The smallest and the largest token id of a page are useless, and computing them takes 5 % of the writing time.
        statistics = [name for name in schema.names if name not in _TOKEN_COLUMNS]
        return parquet_shard(path, schema, self.compression, statistics)


class _OpenShard:
    """The shard that is being written: full row groups are in the file, the rest is in memory."""

    def __init__(self, path: Path, schema: pa.Schema, shard_tokens: int, form: ShardForm) -> None:
        self._path = path
        self._temporary = path.with_suffix(f"{form.suffix}.tmp")
        self._form = form
        self._shard_tokens = shard_tokens
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_tokens = 0
        self._rows = self._tokens = 0
        columns = form.columns(
            pa.RecordBatch.from_arrays([pa.nulls(0, it.type) for it in schema], schema=schema)
        ).schema
        self._file = form.open(self._temporary, columns)

    @property
    def is_full(self) -> bool:
        return self._tokens >= self._shard_tokens

    def take(self, batch: pa.RecordBatch) -> int:
        """Add the first rows of `batch` that still fit, at least one, and return their number."""
        room = min(self._shard_tokens - self._tokens, _GROUP_TOKENS - self._held_tokens)
        lengths = batch.column("length")
        tokens: int = pc.sum(lengths).as_py()
        rows: int = min(batch.num_rows, _GROUP_ROWS - self._held_rows)
        if tokens >= room or rows < batch.num_rows:
            # A number as an argument of pyarrow.compute would import pandas, if it is installed.
            ends = list(accumulate(lengths.to_pylist()))
            rows = max(1, min(rows, bisect_left(ends, room) + 1))
            tokens = ends[rows - 1]
        self._held.append(batch.slice(0, rows))
        self._held_rows += rows
        self._held_tokens += tokens
        self._rows += rows
        self._tokens += tokens
        if self._held_tokens >= _GROUP_TOKENS or self._held_rows >= _GROUP_ROWS:
            self._write_group()
        return rows

    def close(self) -> Shard:
        self._write_group()
        self._file.close()
        sync_file(self._temporary)
        self._temporary.replace(self._path)
        size, (sha256, identity) = self._path.stat().st_size, checksum_of(self._path)
        return Shard(self._path.name, self._rows, size, sha256, self._tokens, identity=identity)

    def abandon(self) -> None:
        # The end of the file cannot be written, for example, if the disk is full. The first error is the one to tell.
        with suppress(OSError, ChatmillError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _write_group(self) -> None:
        if self._held:
            self._file.write(pa.Table.from_batches([self._form.columns(batch) for batch in self._held]))
        self._held = []
        self._held_rows = self._held_tokens = 0


def in_subfolder(shards: Sequence[Shard], within: str) -> list[Shard]:
    """Return the records of shards of a subfolder, with their paths in the output folder.

    Args:
        shards: The shards, as their writer returned them.
        within: The subfolder; empty for the output folder itself.
    """
    return [replace(shard, file=f"{within}/{shard.file}") if within else shard for shard in shards]


def plain_schema(batch: pa.RecordBatch) -> pa.Schema:
    """Return the names and types of the columns, without nullability and metadata, because these differ between files.

    Args:
        batch: The first of several batches.

    Returns:
        The schema for `unified`.

    Example:
        >>> plain_schema(pa.record_batch({"length": [1]})).names
        ['length']
    """
    return pa.schema([pa.field(column.name, column.type) for column in batch.schema])


def unified(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the schema of the first one.

    Args:
        batch: Any later batch.
        schema: The schema from `plain_schema`.

    Returns:
        The same columns.

    Raises:
        DataError: The columns have other names or types.

    Example:
        >>> batch = pa.record_batch({"length": [1]})
        >>> unified(batch, plain_schema(batch)).equals(batch)
        True
    """
    if batch.schema.names != schema.names or batch.schema.types != schema.types:
        raise DataError(
            f"the columns differ between inputs: first {_columns(schema)}, then {_columns(batch.schema)}; "
            + _remedy(schema.names, batch.schema.names)
        )
    return pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _remedy(first: Sequence[str], then: Sequence[str]) -> str:
    others = {*first} ^ {*then}
    if others <= {"weights", "row"} and others:
        return (
            "use labels with weights, and options that split rows, for all inputs or for none, or prepare each input "
            "in a run of its own"
        )
    return "use the same type for a kept column in all inputs, or remove it from `keep_columns`"


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{column.name} {column.type}" for column in schema)
