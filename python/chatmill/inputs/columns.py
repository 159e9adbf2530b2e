"""Reading of columns: which ones are needed, their batches checked and cut to size, and Arrow IPC files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from chatmill._chatmill import DataError, check_arrow
from chatmill.inputs.block import CONVERSATION_COLUMNS, MESSAGE_COLUMNS, Block, LongRow
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.values import check_names, without_views
from chatmill.text.nearest import suggestion

#: The columns that a format reads (None for the columns of conversations), and the columns to keep.
WantedColumns: TypeAlias = tuple[Sequence[str] | None, Sequence[str]]


def read_ipc(
    file: InputFile, raw: pa.NativeFile, wanted: WantedColumns, block_bytes: int, max_row_bytes: int
) -> Iterator[Block]:
    """Read an Arrow IPC file or stream (the `datasets` library writes streams), batch by batch.

    A record batch is read completely, so the memory use depends on the batch size in the file.

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
    with reading(file):
        is_file = raw.read(6) == b"ARROW1"
        names = _open_ipc(raw, is_file=is_file).schema.names
        columns = needed_columns(file, names, *wanted)
        reader = _open_ipc(raw, is_file=is_file, fields=[names.index(column) for column in columns])
        count = reader.num_record_batches if is_file else 0
        batches = (reader.get_batch(index) for index in range(count)) if is_file else iter(reader)

    def bytes_read(_row: int, index: int) -> int:
        return (file.size or 0) * (index + 1) // count if is_file else int(raw.tell())

    limits = (block_bytes, max_row_bytes)
    yield from checked_blocks(file, batches, limits, bytes_read, lambda _, index: f"record batch {index}")


def _open_ipc(
    raw: pa.NativeFile, *, is_file: bool, fields: list[int] | None = None
) -> "pa.RecordBatchFileReader | pa.RecordBatchStreamReader":
    raw.seek(0)
    options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
    return pa.ipc.open_file(raw, options=options) if is_file else pa.ipc.open_stream(raw, options=options)


def needed_columns(
    file: InputFile, names: Sequence[str], columns: Sequence[str] | None, keep_columns: Sequence[str]
) -> list[str]:
    """Return the columns of a file that must be read.

    Args:
        file: The file.
        names: Its columns.
        columns: The columns that a format reads; None for the columns of conversations.
        keep_columns: The columns to keep.

    Raises:
        DataError: A column is missing.
    """
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


def checked_blocks(
    file: InputFile,
    batches: Iterator[pa.RecordBatch],
    limits: tuple[int, int],
    bytes_read: Callable[[int, int], int],
    place: Callable[[int, int], str],
) -> Iterator[Block]:
    """Check batches, and cut them to size.

    Args:
        file: The file.
        batches: Its rows.
        limits: The sizes of a block and of the largest row, in bytes.
        bytes_read: A function that returns the bytes read so far, from the number of the row and of the batch.
        place: A function that returns the place of a batch in words, from the same numbers.

    Yields:
        Blocks of rows.

    Raises:
        DataError: The batches are damaged, or cannot be read.
    """
    block_bytes, max_row_bytes = limits
    row = index = 0
    while True:
        with reading(file, lambda: place(row, index)):  # noqa: B023  # it is called before the loop goes on
            batch = next(batches, None)
            if batch is None:
                return
            batch = _checked(batch)
        pieces = -(-batch.nbytes // block_bytes)
        step = max(1, -(-batch.num_rows // max(1, pieces)))
        for start in range(0, batch.num_rows, step):
            piece = batch.slice(start, step)
            end = row + piece.num_rows
            long_rows = _long_rows(piece, max_row_bytes)
            if long_rows:
                piece = _without(piece, long_rows)
            yield Block(piece, None, file, row, None, bytes_read(end, index), long_rows)
            row = end
        index += 1


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Check that all parts of a batch fit together, because the file may be damaged.

    Together, both checks are Arrow's full validation without UTF-8: a string that is not UTF-8 fails only its row.
    """
    batch.validate()  # the sizes of the buffers, which only pyarrow knows
    check_arrow(batch)
    for field in batch.schema:
        check_names(field.type)
    # pyarrow cannot select rows of these types, as must be done with kept columns.
    types = {at: without_views(field.type) for at, field in enumerate(batch.schema)}
    for at, field in enumerate(batch.schema):
        if types[at] != field.type:
            batch = batch.set_column(at, field.name, batch.column(at).cast(types[at]))
    return batch


def _long_rows(batch: pa.RecordBatch, max_row_bytes: int) -> dict[int, LongRow]:
    """Return the rows that are larger than `max_row_bytes`."""
    found: dict[int, LongRow] = {}
    if batch.nbytes <= max_row_bytes:
        return found
    for at in range(batch.num_rows):
        one = batch.slice(at, 1)
        if one.nbytes > max_row_bytes:
            sizes = {name: column.nbytes for name, column in zip(one.schema.names, one.columns, strict=True)}
            found[at] = LongRow(
                f"the row has {one.nbytes:,} bytes, more than the {max_row_bytes:,} of `max_line_bytes`; split the "
                "row, or raise the limit",
                {name: f"{size:,} bytes" for name, size in sizes.items()},
            )
    return found


def _without(batch: pa.RecordBatch, rows: Mapping[int, LongRow]) -> pa.RecordBatch:
    """Return a batch with nulls in some rows."""
    indices = pa.array([None if at in rows else at for at in range(batch.num_rows)], pa.int64())
    return pa.RecordBatch.from_arrays([column.take(indices) for column in batch.columns], names=batch.schema.names)
