"""Reading of Parquet and Arrow IPC files: the needed columns, in record batches of bounded size."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.inputs.block import CONVERSATION_COLUMNS, MESSAGE_COLUMNS, Block
from chatmill.inputs.find import InputFile
from chatmill.text.nearest import suggestion

# The rows of chats have kilobytes. This limit matters if the sizes in the footer of a file are too small, as those of
# dictionary-encoded columns are.
_MOST_ROWS = 4096
_READ_BUFFER = 1 << 20

#: The columns that a format reads (None for the columns of conversations), and the columns to keep.
WantedColumns: TypeAlias = tuple[Sequence[str] | None, Sequence[str]]


def read_parquet(file: InputFile, raw: pa.NativeFile, wanted: WantedColumns, block_bytes: int) -> Iterator[Block]:
    """Read a Parquet file page by page, so that a large row group is not loaded at once.

    Args:
        file: The file.
        raw: Its bytes.
        wanted: The columns to read and to keep.
        block_bytes: Approximate size of a block, in bytes.

    Yields:
        Blocks of rows.

    Raises:
        DataError: A column is missing.
    """
    with pq.ParquetFile(raw, pre_buffer=False, buffer_size=_READ_BUFFER) as parquet:
        columns = _needed(file, parquet.schema_arrow.names, *wanted)
        rows = max(1, parquet.metadata.num_rows)
        batch_rows = _batch_rows(parquet.metadata, columns, block_bytes)
        batches = parquet.iter_batches(batch_size=batch_rows, columns=columns, use_threads=False)
        # Pages of several columns are read in turn, so rows measure the progress better than the file position.
        yield from _blocks(file, batches, block_bytes, lambda row, _: (file.size or 0) * row // rows)


def read_ipc(file: InputFile, raw: pa.NativeFile, wanted: WantedColumns, block_bytes: int) -> Iterator[Block]:
    """Read an Arrow IPC file or stream (the `datasets` library writes streams), batch by batch.

    A record batch is read completely, so the memory use depends on the batch size in the file.

    Args:
        file: The file.
        raw: Its bytes.
        wanted: The columns to read and to keep.
        block_bytes: Approximate size of a block, in bytes.

    Yields:
        Blocks of rows.

    Raises:
        DataError: A column is missing.
    """
    is_file = raw.read(6) == b"ARROW1"
    names = _open_ipc(raw, is_file=is_file).schema.names
    columns = _needed(file, names, *wanted)
    reader = _open_ipc(raw, is_file=is_file, fields=[names.index(column) for column in columns])
    if not is_file:
        yield from _blocks(file, iter(reader), block_bytes, lambda _, __: raw.tell())
        return
    count = reader.num_record_batches
    batches = (reader.get_batch(index) for index in range(count))
    yield from _blocks(file, batches, block_bytes, lambda _, index: (file.size or 0) * (index + 1) // count)


def _open_ipc(
    raw: pa.NativeFile, *, is_file: bool, fields: list[int] | None = None
) -> "pa.RecordBatchFileReader | pa.RecordBatchStreamReader":
    raw.seek(0)
    options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
    return pa.ipc.open_file(raw, options=options) if is_file else pa.ipc.open_stream(raw, options=options)


def _needed(
    file: InputFile, names: Sequence[str], columns: Sequence[str] | None, keep_columns: Sequence[str]
) -> list[str]:
    if columns is None and not any(name in names for name in MESSAGE_COLUMNS):
        raise DataError(
            f"{file.path} has no column {' or '.join(MESSAGE_COLUMNS)}, only {', '.join(names)}; rename the column "
            "that holds the conversations"
        )
    for absent in (name for name in keep_columns if name not in names):
        hint = suggestion(absent, names, otherwise=f"use one of {', '.join(names)}")
        raise DataError(f"{file.path} has no column {absent!r} to keep; {hint}")
    read = CONVERSATION_COLUMNS if columns is None else columns
    return [name for name in names if name in read or name in keep_columns]


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


def _blocks(
    file: InputFile, batches: Iterator[pa.RecordBatch], block_bytes: int, bytes_read: Callable[[int, int], int]
) -> Iterator[Block]:
    """Cut batches to size. `bytes_read` returns the bytes read so far, from the number of the row and of the batch."""
    row = 0
    for index, batch in enumerate(batches):
        pieces = -(-batch.nbytes // block_bytes)
        step = max(1, -(-batch.num_rows // max(1, pieces)))
        for start in range(0, batch.num_rows, step):
            piece = batch.slice(start, step)
            end = row + piece.num_rows
            yield Block(piece, None, file, row, None, bytes_read(end, index))
            row = end
