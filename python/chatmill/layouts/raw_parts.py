"""`RawPart`: a part of raw ids with one byte for the mask of each token, as datatrove and OLMo-core read them."""

from abc import abstractmethod
from pathlib import Path

import pyarrow as pa

from chatmill.layouts.buffers import NewFile, bytes_of
from chatmill.layouts.contents import Contents
from chatmill.layouts.parts import Part, rows_within
from chatmill.layouts.tokens import Tokens
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import Shard

_LARGEST_SMALL = 1 << 16


def raw_kind(contents: Contents) -> pa.DataType:
    """Return the type of ids: uint16 if all ids fit, else uint32.

    Args:
        contents: What the rows hold.
    """
    size = contents.vocabulary_size
    return pa.uint16() if size is not None and size <= _LARGEST_SMALL else pa.uint32()


class RawPart(Part):
    """The files of one part.

    Args:
        ids: The file of the ids.
        mask: The file of the masks.
        contents: What the rows hold.
        shard_tokens: Tokens after which the next part begins.

    Attributes:
        rows: The number of rows.
        tokens: The number of their tokens.
    """

    def __init__(self, ids: Path, mask: Path, contents: Contents, shard_tokens: int) -> None:
        self._ids, self._mask = NewFile(ids), NewFile(mask)
        self._contents, self._shard_tokens = contents, shard_tokens
        self.rows = self.tokens = 0

    @property
    def is_full(self) -> bool:
        """Whether the next row begins a new part."""
        return self.tokens >= self._shard_tokens

    def take(self, batch: pa.RecordBatch) -> int:
        """Add the first rows of a batch that still fit, at least one, and return their number.

        Args:
            batch: Rows with a column `length`.
        """
        rows = rows_within(batch, self._shard_tokens - self.tokens)
        tokens = Tokens.of(batch.slice(0, rows), self._contents)
        self._ids.write(bytes_of(tokens.ids_as(raw_kind(self._contents))))
        self._mask.write(bytes_of(tokens.mask))
        self.add_bounds(tokens.lengths)
        self.rows += rows
        self.tokens += len(tokens.ids)
        return rows

    @abstractmethod
    def add_bounds(self, lengths: pa.Array) -> None:
        """Write where rows are; `tokens` is still the number before them.

        Args:
            lengths: The number of tokens of each row.
        """

    @abstractmethod
    def close_bounds(self) -> list[WrittenFile]:
        """Complete the files that tell where rows are."""

    def close(self) -> tuple[Shard, list[WrittenFile]]:
        """Complete the files, and return the shard and its other files."""
        ids, mask = self._ids.close(self.rows), self._mask.close(self.rows)
        shard = Shard(ids.file, ids.rows, ids.bytes, ids.sha256, self.tokens, identity=ids.identity)
        return shard, [mask, *self.close_bounds()]

    def abandon(self) -> None:
        """Remove the unfinished files."""
        self._ids.abandon()
        self._mask.abandon()
