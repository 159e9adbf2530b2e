"""Reading of CSV and TSV: all cells are text, and a cell without text or quotes is null."""

import codecs
import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.columns import WantedColumns, checked_blocks, needed_columns
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.quoted_cells import QuotedCells
from chatmill.inputs.streams import Peeked, check_text, decompressed

_HEADER_BYTES = 1 << 16
# A row must fit into a block of the reader.
_LEAST_BLOCK = 1 << 20


def read_delimited(
    file: InputFile, raw: pa.NativeFile, wanted: WantedColumns, block_bytes: int, max_row_bytes: int
) -> Iterator[Block]:
    """Read a CSV or TSV file. Its first row has the names of the columns.

    Args:
        file: The file.
        raw: Its bytes.
        wanted: The columns to read and to keep.
        block_bytes: Approximate size of a block, in bytes.
        max_row_bytes: The size of the largest row that is processed.

    Yields:
        Blocks of rows.

    Raises:
        DataError: A column is missing, or a row has more or fewer cells than the header.
    """
    delimiter = "\t" if file.kind == "tsv" else ","
    with reading(file):
        stream = Peeked(decompressed(file, raw))
        names = _header(file, stream.peek(_HEADER_BYTES), delimiter)
        if not names:
            return
        columns = needed_columns(file, names, *wanted)
        options = {
            "read_options": pa.csv.ReadOptions(block_size=max(block_bytes, _LEAST_BLOCK), use_threads=False),
            "parse_options": pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            "convert_options": pa.csv.ConvertOptions(
                # The core checks UTF-8, so a cell that is no UTF-8 fails only its row.
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=columns or names[:1],
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        }
        # pyarrow skips a mark of the byte order at the beginning.
        if stream.peek(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            stream.read(len(codecs.BOM_UTF8))
        cells = QuotedCells(delimiter.encode())
        try:
            reader = pa.csv.open_csv(pa.PythonFile(_Checked(stream, cells), mode="r"), **options)
        except pa.ArrowInvalid as error:
            is_empty = "Empty CSV file" in str(error)
            _check(file, cells, at_end=is_empty)
            if is_empty:  # a header without the end of its line
                return
            raise _error(file, error, block_bytes) from None
    limits = (block_bytes, max_row_bytes)
    batches = _batches(file, reader, cells, block_bytes)
    yield from checked_blocks(
        file, batches, limits, lambda _row, _index: raw.tell(), lambda row, _: f"row {row} or later"
    )


class _Checked:
    """A stream whose quotes are followed while it is read."""

    closed = False

    def __init__(self, stream: Peeked, cells: QuotedCells) -> None:
        self._stream, self._cells = stream, cells

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(size)
        self._cells.add(found)
        return found

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: the owner of the stream closes it."""


def _batches(
    file: InputFile, reader: "pa.csv.CSVStreamingReader", cells: QuotedCells, block_bytes: int
) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            _check(file, cells, at_end=True)
            return
        except pa.ArrowInvalid as error:
            _check(file, cells, at_end=False)
            raise _error(file, error, block_bytes) from None
        _check(file, cells, at_end=False)
        if batch.num_rows:
            yield batch


def _check(file: InputFile, cells: QuotedCells, *, at_end: bool) -> None:
    fault = cells.fault(at_end=at_end)
    if fault is not None:
        raise DataError(
            f"cannot read {file.path}: {fault}, so a quote is missing, or the file is cut off; correct it (within a "
            'quoted cell write "" for a quote)'
        ) from None


def _header(file: InputFile, beginning: bytes, delimiter: str) -> list[str]:
    check_text(file, beginning, suffix=file.kind)
    text = beginning.decode("utf-8-sig", errors="replace")
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise DataError(f"{file.path}: the first row, which names the columns, cannot be read ({error})") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{file.path}: the first row names the column {twice[0]!r} twice; give each column a name of its own"
        )
    return names


def _error(file: InputFile, error: Exception, block_bytes: int) -> DataError:
    reason = str(error)
    if "straddl" in reason:
        return DataError(
            f"cannot read {file.path}: a row is larger than a block of {max(block_bytes, _LEAST_BLOCK):,} bytes, or a "
            "quote is not closed; close it, or raise `block_bytes` (`--block-bytes`)"
        )
    return DataError(
        f"cannot read {file.path}: {reason}; put text that holds the delimiter, a quote or a new line into quotes"
    )
