"""`PartsWriter`: writes rows to parts of a bounded size, each with one or several files; `Part` is one of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.columnar import with_length
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import Shard, plain_schema, unified

# Rows are handed to a part in pieces of at most this many tokens.
_PIECE_TOKENS = 1 << 20


class Part(ABC):
    """The files of one shard, while they are written."""

    @abstractmethod
    def take(self, batch: pa.RecordBatch) -> int:
        """Add the first rows of a batch that still fit, at least one, and return their number.

        Args:
            batch: Rows with a column `length`.
        """

    @property
    @abstractmethod
    def is_full(self) -> bool:
        """Whether the next row begins a new part."""

    @abstractmethod
    def close(self) -> tuple[Shard, list[WrittenFile]]:
        """Complete the files, and return the shard and its other files."""

    @abstractmethod
    def abandon(self) -> None:
        """Remove the unfinished files."""


class PartsWriter:
    """Writes rows to parts. The parts do not depend on the sizes of the batches.

    Args:
        new_part: Begins the part with a number, from 0, for rows with some columns.
        describe: Writes further files when all parts are complete.
    """

    def __init__(
        self,
        new_part: Callable[[int, pa.Schema], Part],
        describe: Callable[[list[Shard]], list[WrittenFile]] | None = None,
    ) -> None:
        self._new_part, self._describe = new_part, describe
        self._schema: pa.Schema | None = None
        self._open: Part | None = None
        self._shards: list[Shard] = []
        self.files: list[WrittenFile] = []
        self.notes: list[str] = []
        self.lost_labels = 0

    def __enter__(self) -> "PartsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows.

        Args:
            batch: The rows.
        """
        if self._schema is None:
            self._schema = plain_schema(batch)
        batch = with_length(unified(batch, self._schema))
        start = 0
        while start < batch.num_rows:
            if self._open is None:
                self._open = self._new_part(len(self._shards), self._schema)
            rest = batch.slice(start)
            start += self._open.take(rest.slice(0, rows_within(rest, _PIECE_TOKENS)))
            if self._open.is_full:
                self._close_part()

    def finish(self) -> list[Shard]:
        """Complete all files and return the shards. Without rows there is one empty shard."""
        if self._open is None and not self._shards and self._schema is not None:
            self._open = self._new_part(0, self._schema)
        self._close_part()
        if self._describe is not None:
            self.files += self._describe(self._shards)
        return list(self._shards)

    def _close_part(self) -> None:
        if self._open is not None:
            part, self._open = self._open, None
            try:
                shard, files = part.close()
            except BaseException:
                part.abandon()
                raise
            self._shards.append(shard)
            self.files += files


def rows_within(batch: pa.RecordBatch, tokens: int) -> int:
    """Return how many rows begin within a number of tokens, at least one.

    Args:
        batch: At least one row, with a column `length`.
        tokens: The tokens.

    Example:
        >>> rows_within(pa.record_batch({"length": [2, 3, 4]}), 5)
        2
    """
    lengths = pc.cast(batch.column("length"), pa.int64())
    before = pc.subtract(pc.cumulative_sum(lengths), lengths)
    return max(1, int(pc.sum(pc.less(before, tokens)).as_py()))


def check_shard_tokens(tokens: int) -> None:
    """Check the number of tokens of a shard.

    Args:
        tokens: The number.

    Raises:
        DataError: It is below 1.
    """
    if tokens < 1:
        raise DataError(f"`shard_tokens` is {tokens}; use at least 1")
