"""`ShardRows`: the rows of one file of an output, a few at a time. Each kind of file has a reader here."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chatmill._chatmill import DataError

# Tokens that are checked at once. Their places and masks take about 100 bytes each.
_BATCH_TOKENS = 1 << 18
_BATCH_ROWS = 1 << 14

#: What readers of damaged files raise.
READ_ERRORS = (OSError, pa.ArrowException, ValueError)


def problem_of(error: BaseException) -> str:
    """Return what an error says is wrong, without what to do: a fault says that itself.

    Args:
        error: The error.
    """
    return str(error).partition("; ")[0] if isinstance(error, DataError) else str(error)


@dataclass(frozen=True)
class ShardRows:
    """The rows of a file, or of several.

    Attributes:
        schema: Their columns.
        batches: Reads the rows, in their order.
    """

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


def bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts with a bounded number of values.

    Args:
        batch: Rows.

    Yields:
        The parts, in order.
    """
    values = max((len(it.values) for it in batch.columns if pa.types.is_list(it.type)), default=0)
    rows = min(_BATCH_ROWS, max(1, _BATCH_TOKENS * batch.num_rows // max(1, values)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _readable(schema: pa.Schema) -> pa.Schema:
    """Return a schema whose names are texts, which a damaged file may lack."""
    schema.names  # noqa: B018  # raises an error of Unicode
    return schema


@contextmanager
def parquet_rows(path: Path) -> Iterator[ShardRows]:
    """Open a Parquet file.

    Args:
        path: The file.

    Returns:
        A context with its rows. All errors of it and of the batches are `READ_ERRORS`.
    """
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:

        def batches() -> Iterator[pa.RecordBatch]:
            for group in range(file.metadata.num_row_groups):
                size = file.metadata.row_group(group).total_byte_size
                rows = file.metadata.row_group(group).num_rows
                step = min(_BATCH_ROWS, max(1, 4 * _BATCH_TOKENS * rows // max(1, size)))
                # Threads and read-ahead would hold several row groups.
                for batch in file.iter_batches(step, row_groups=[group], use_threads=False):
                    batch.validate(full=True)
                    yield from bounded(batch)

        yield ShardRows(_readable(file.schema_arrow), batches)


@contextmanager
def stream_rows(path: Path) -> Iterator[ShardRows]:
    """Open an Arrow stream.

    Args:
        path: The file.

    Returns:
        A context with its rows. All errors of it and of the batches are `READ_ERRORS`.
    """
    # A mapped file would end the process if the disk fails.
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as stream:
        yield ShardRows(_readable(stream.schema), partial(_checked, stream))


@contextmanager
def file_rows(path: Path) -> Iterator[ShardRows]:
    """Open an Arrow IPC file.

    Args:
        path: The file.

    Returns:
        A context with its rows. All errors of it and of the batches are `READ_ERRORS`.
    """
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as file:
        numbers = range(file.num_record_batches)
        yield ShardRows(_readable(file.schema), lambda: _checked(map(file.get_batch, numbers)))


def _checked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        batch.validate(full=True)
        yield from bounded(batch)


def lists_of(batch: pa.RecordBatch, name: str) -> tuple[pa.Array, pa.Array]:
    """Return the lengths of the lists of a column, and all their values.

    Args:
        batch: Rows.
        name: A column of lists without nulls.
    """
    column = batch.column(name)
    return pc.list_value_length(column), column.flatten()
