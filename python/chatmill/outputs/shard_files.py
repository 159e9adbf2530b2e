"""`parquet_shard` and `ArrowShard`: the files that shards are written to."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import ParquetEncoder
from chatmill.options.choices import Compression

_BATCH_ROWS = 1000
# The first bytes of an Arrow IPC file. A stream has none.
_FILE_MAGIC = b"ARROW1"


class ShardFile(Protocol):
    """A file of rows that is being written."""

    def write(self, table: pa.Table) -> None:
        """Append rows, which stay together in the file.

        Args:
            table: At least one row.
        """

    def close(self) -> None:
        """Complete the file."""


def arrow_batches(source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """Read an Arrow IPC file or stream.

    Args:
        source: The file.

    Yields:
        Its batches.
    """
    is_file = source.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    source.seek(0)
    if is_file:
        with pa.ipc.open_file(source) as file:
            for number in range(file.num_record_batches):
                yield file.get_batch(number)
    else:
        with pa.ipc.open_stream(source) as stream:
            yield from stream


def parquet_shard(path: Path, schema: pa.Schema, compression: Compression, statistics: Sequence[str]) -> ShardFile:
    """Create a Parquet file, with one row group for each call of `write`.

    Args:
        path: The file to create.
        schema: The columns.
        compression: The compression of all columns.
        statistics: The columns whose smallest and largest values are written.
    """
    if ParquetEncoder.knows(schema):
        return _EncodedShard(path, ParquetEncoder(schema, compression, list(statistics)))
    return _PyarrowShard(path, schema, compression, statistics)


class _EncodedShard:
    """A Parquet file that the core encodes, in a half to a third of pyarrow's time."""

    def __init__(self, path: Path, encoder: ParquetEncoder) -> None:
        self._encoder = encoder
        self._sink = path.open("wb")

    def write(self, table: pa.Table) -> None:
        """Append a row group."""
        self._sink.write(self._encoder.row_group(table))

    def close(self) -> None:
        """Complete the file. After a failure, this is called again."""
        if not self._sink.closed:
            with self._sink:
                self._sink.write(self._encoder.finish())


class _PyarrowShard:
    """A Parquet file with a kept column of a rare type, such as a date."""

    def __init__(self, path: Path, schema: pa.Schema, compression: Compression, statistics: Sequence[str]) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression=compression, write_statistics=list(statistics))

    def write(self, table: pa.Table) -> None:
        """Append a row group."""
        self._writer.write_table(table, row_group_size=table.num_rows)

    def close(self) -> None:
        """Complete the file."""
        self._writer.close()


class ArrowShard:
    """An Arrow IPC stream or file. It is not compressed, so readers map it into memory instead of copying it.

    Args:
        path: The file to create.
        schema: The columns.
        is_file: Whether it is an IPC file, whose batches can be read in any order. `datasets` opens streams.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, is_file: bool = False) -> None:
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, schema) if is_file else pa.ipc.new_stream(self._sink, schema)

    def write(self, table: pa.Table) -> None:
        """Append record batches of at most a thousand rows: `datasets` finds a row by its batch.

        Args:
            table: The rows.
        """
        self._writer.write_table(table, max_chunksize=_BATCH_ROWS)

    def close(self) -> None:
        """Complete the file."""
        self._writer.close()
        self._sink.close()
