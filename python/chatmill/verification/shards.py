"""`ShardRows`: the rows of one file of an output, a few at a time. Each layout of files has a reader here."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Tokens that are checked at once. Their places and masks take about 100 bytes each.
_BATCH_TOKENS = 1 << 18
_BATCH_ROWS = 1 << 14

#: What readers of damaged files raise.
READ_ERRORS = (OSError, pa.ArrowException, ValueError)


@dataclass(frozen=True)
class ShardRows:
    """The rows of a file.

    Attributes:
        schema: Their columns.
        batches: Reads the rows, in their order.
    """

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


def open_shard(path: Path) -> AbstractContextManager[ShardRows]:
    """Open a file of an output; the suffix tells its layout.

    Args:
        path: The file.

    Returns:
        A context with its rows. All errors of it and of the batches are `READ_ERRORS`.
    """
    return _READERS[path.suffix](path)


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
def _parquet(path: Path) -> Iterator[ShardRows]:
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
def _arrow(path: Path) -> Iterator[ShardRows]:
    # A mapped file would end the process if the disk fails.
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as stream:

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in stream:
                batch.validate(full=True)
                yield from bounded(batch)

        yield ShardRows(_readable(stream.schema), batches)


_READERS: dict[str, Callable[[Path], AbstractContextManager[ShardRows]]] = {".parquet": _parquet, ".arrow": _arrow}


def lists_of(batch: pa.RecordBatch, name: str) -> tuple[pa.Array, pa.Array]:
    """Return the lengths of the lists of a column, and all their values.

    Args:
        batch: Rows.
        name: A column of lists without nulls.
    """
    column = batch.column(name)
    return pc.list_value_length(column), column.flatten()
