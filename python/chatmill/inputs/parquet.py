"""Reading of Parquet files: the needed columns, in record batches of bounded size."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.columns import WantedColumns, checked_blocks, needed_columns
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile, Span

# The rows of chats have kilobytes. This limit matters if the sizes in the footer of a file are too small, as those of
# dictionary-encoded columns are.
_MOST_ROWS = 4096
_READ_BUFFER = 1 << 20


def count_parquet_rows(raw: pa.NativeFile) -> int:
    """Return the number of rows that the footer of a Parquet file names.

    Args:
        raw: Its bytes.
    """
    return int(pq.read_metadata(raw).num_rows)


def read_parquet(
    file: InputFile, raw: pa.NativeFile, wanted: WantedColumns, block_bytes: int, max_row_bytes: int
) -> Iterator[Block]:
    """Read a Parquet file page by page, so that a large row group is not loaded at once.

    Args:
        file: The file.
        raw: Its bytes.
        wanted: The columns to read and to keep.
        block_bytes: Approximate size of a block, in bytes.
        max_row_bytes: The size of the largest row that is processed.

    Yields:
        Blocks of rows.

    Raises:
        DataError: A column is missing, or the file is damaged.
    """
    with reading(file), pq.ParquetFile(raw, pre_buffer=False, buffer_size=_READ_BUFFER) as parquet:
        columns = needed_columns(file, parquet.schema_arrow.names, *wanted)
        total = parquet.metadata.num_rows
        batch_rows = _batch_rows(parquet.metadata, columns, block_bytes)
        batches = _batches(parquet, file.span, batch_rows, columns, block_bytes)
        row = 0
        # Pages of several columns are read in turn, so rows measure the progress better than the file position.
        for block in checked_blocks(
            file,
            batches,
            (block_bytes, max_row_bytes),
            lambda row, _: (file.size or 0) * row // max(1, total),
            lambda row, _: f"row group {_group_of(parquet.metadata, row)}",
        ):
            row = block.first_row + block.batch.num_rows
            yield block
        if file.span is None and row != total:
            raise DataError(f"cannot read {file.path}: its footer lists {total:,} rows, but it has {row:,}")


def group_spans(raw: pa.NativeFile, span_bytes: int) -> Iterator[Span]:
    """Cut a Parquet file between row groups. Row groups that are appended later change only the last span.

    Args:
        raw: Its bytes.
        span_bytes: The size of a span, in bytes of rows.

    Yields:
        The spans; one for a file without row groups.
    """
    yield from _spans(pq.read_metadata(raw), span_bytes)


def _spans(metadata: pq.FileMetaData, span_bytes: int) -> Iterator[Span]:
    start = size = 0
    for group in range(metadata.num_row_groups):
        size += metadata.row_group(group).total_byte_size
        if size >= span_bytes or group + 1 == metadata.num_row_groups:
            yield Span(start, group + 1)
            start, size = group + 1, 0
    if not metadata.num_row_groups:
        yield Span(0, 0)


def _batches(
    parquet: pq.ParquetFile, span: Span | None, batch_rows: int, columns: Sequence[str], block_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Read row groups. A batch ends where a span of the size of a block ends, so each span has the same batches."""
    for it in _spans(parquet.metadata, block_bytes):
        if span is None or span.start <= it.start < span.stop:
            groups = list(range(it.start, it.stop))
            yield from parquet.iter_batches(batch_rows, row_groups=groups, columns=columns, use_threads=False)


def _batch_rows(metadata: pq.FileMetaData, columns: Sequence[str], block_bytes: int) -> int:
    """Return the number of rows whose size is about a block, from the sizes in the file's footer."""
    size = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            if column.path_in_schema.split(".", 1)[0] in columns:
                size += int(column.total_uncompressed_size)
    bytes_per_row = max(1, size // max(1, int(metadata.num_rows)))
    return min(_MOST_ROWS, max(1, block_bytes // bytes_per_row))


def _group_of(metadata: pq.FileMetaData, row: int) -> int:
    """Return the row group of a row."""
    end = 0
    for group in range(metadata.num_row_groups):
        end += metadata.row_group(group).num_rows
        if row < end:
            return group
    return max(0, int(metadata.num_row_groups) - 1)
