"""Reading of CSV and TSV: all cells are text, and a cell without text or quotes is null."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

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
        parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
        convert = pa.csv.ConvertOptions(
            # The core checks UTF-8, so a cell that is no UTF-8 fails only its row.
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.large_string()),
            include_columns=columns or names[:1],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        # pyarrow skips a mark of the byte order at the beginning.
        if stream.peek(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            stream.read(len(codecs.BOM_UTF8))
    batches = _batches(_Rows(file, stream, QuotedCells(delimiter.encode()), block_bytes), names, parse, convert)
    limits = (block_bytes, max_row_bytes)
    yield from checked_blocks(
        file, batches, limits, lambda _row, _index: raw.tell(), lambda row, _: f"row {row} or later"
    )


@dataclass(frozen=True)
class _Rows:
    """The bytes of a file, in parts that end with a row."""

    file: InputFile
    stream: Peeked
    cells: QuotedCells
    block_bytes: int

    def parts(self) -> Iterator[bytes]:
        size, rest = max(self.block_bytes, _LEAST_BLOCK), b""
        while piece := self.stream.read(size):
            end = self.cells.add(piece)
            self._check(at_end=False)
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
            if len(rest) > size:
                raise DataError(
                    f"cannot read {self.file.path}: a row is larger than a block of {size:,} bytes, or a quote is not "
                    "closed; close it, or raise `block_bytes` (`--block-bytes`)"
                )
        self._check(at_end=True)
        if rest:
            # pyarrow takes names without an end of the line for an unfinished row.
            yield rest + b"\n"

    def _check(self, *, at_end: bool) -> None:
        fault = self.cells.fault(at_end=at_end)
        if fault is not None:
            raise DataError(
                f"cannot read {self.file.path}: {fault}, so a quote is missing, or the file is cut off; correct it "
                '(within a quoted cell write "" for a quote)'
            ) from None


def _batches(
    rows: _Rows, names: list[str], parse: "pa.csv.ParseOptions", convert: "pa.csv.ConvertOptions"
) -> Iterator[pa.RecordBatch]:
    """Parse each part alone.

    pyarrow's reader of streams reads ahead in a thread, which calls Python. If Python ends meanwhile, the process hangs
    or aborts: one of 40 processes that read only the first rows did.
    """
    # The first row has the names.
    before = 0
    for part in rows.parts():
        if before == 0:
            # pyarrow passes over empty lines, but here it would skip one in place of the names.
            part = part.lstrip(b"\r\n")  # noqa: PLW2901
        read = pa.csv.ReadOptions(
            column_names=names, skip_rows_after_names=int(before == 0), block_size=len(part) + 1, use_threads=False
        )
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(part), read_options=read, parse_options=parse, convert_options=convert
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):  # only ends of lines
                continue
            number = lambda found: f"Row #{int(found[1]) + before}"  # noqa: B023, E731  # it is used at once
            reason = re.sub(r"Row #(\d+)", number, str(error))
            raise DataError(
                f"cannot read {rows.file.path}: {reason}; put text that holds the delimiter, a quote or a new line "
                "into quotes"
            ) from None
        before += table.num_rows + int(before == 0)
        yield from table.to_batches()


def _header(file: InputFile, beginning: bytes, delimiter: str) -> list[str]:
    check_text(file, beginning, suffix=file.kind)
    text = beginning.decode("utf-8-sig", errors="replace")
    try:
        # pyarrow passes over empty lines too.
        names = next(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), [])
    except csv.Error as error:
        raise DataError(f"{file.path}: the first row, which names the columns, cannot be read ({error})") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{file.path}: the first row names the column {twice[0]!r} twice; give each column a name of its own"
        )
    return names
