"""Reading of JSONL: the lines of a file, plain or compressed, as blocks of one binary column.

The core cuts the lines and parses the JSON.
"""

from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from chatmill._chatmill import CutLines, DataError, LineCutter
from chatmill.inputs.block import Block, LongRow
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.pieces import pieces_in
from chatmill.inputs.streams import check_text, decompressed

JSON_COLUMN = "json"
# The bytes of a line that is too long to be read that its reject shows; the core keeps as many.
_SHOWN_BYTES = 4096


def read_lines(
    file: InputFile, raw: pa.NativeFile, block_bytes: int, max_line_bytes: int, *, stream: Any = None
) -> Iterator[Block]:
    """Read the lines of a file. The last line may lack its newline. Blank lines are not rows.

    Args:
        file: The file.
        raw: Its bytes.
        block_bytes: Approximate size of a block, in bytes.
        max_line_bytes: The size of the longest line that is read. A longer line is skipped, so it needs no memory.
        stream: Its text as a stream, if that was begun already.

    Yields:
        Blocks of rows.

    Raises:
        DataError: The file is not one JSON object per line: it is one JSON document, UTF-16, or another kind of file.
    """
    row, line = 0, 1
    with reading(file, lambda: f"line {line} or later"):
        stream = decompressed(file, raw) if stream is None else stream
        for lines in _pieces(file, stream, block_bytes, max_line_bytes):
            if lines.start:
                _check_start(file, lines.start)
            rows = len(lines)
            if rows > 0:
                places = lines.places
                numbers: Sequence[int] = (
                    range(line, line + rows) if places is None else [line + place for place in places]
                )
                long_rows = {at: long_row(start, size, max_line_bytes) for at, size, start in lines.long}
                yield Block(pa.record_batch(lines), JSON_COLUMN, file, row, numbers, raw.tell(), long_rows)
            row, line = row + rows, line + lines.total


def _pieces(file: InputFile, stream: Any, block_bytes: int, max_line_bytes: int) -> Iterator[CutLines]:
    """Yield the lines of a file or of its span."""

    def lines_of(raw: Any, is_first: bool) -> Iterator[CutLines]:
        cutter = LineCutter(JSON_COLUMN, max_line_bytes, is_first=is_first)
        while chunk := raw.read(block_bytes):
            yield from cutter.cut(bytes(chunk))
        last = cutter.finish()
        if last is not None:
            yield last

    if file.span is None:
        yield from lines_of(stream, True)
    else:
        yield from pieces_in(stream, file.span, block_bytes, lines_of)


def long_row(line: bytes, size: int, max_line_bytes: int, *, what: str = "line") -> LongRow:
    """Describe a line that is too long to be read.

    Args:
        line: Its beginning.
        size: The number of its bytes.
        max_line_bytes: The limit.
        what: What it is in words: a line or a row.
    """
    return LongRow(
        f"the {what} has {size:,} bytes, more than the {max_line_bytes:,} of `max_line_bytes`; split the row, or raise "
        "the limit",
        # The last character may be cut, which is no fault of the line.
        getincrementaldecoder("utf-8")("backslashreplace").decode(line[:_SHOWN_BYTES]),
    )


def _check_start(file: InputFile, text: bytes) -> None:
    check_text(file, text)
    if text.startswith(b"["):
        raise DataError(f"{file.path} is one JSON array, not one JSON object per line; rename it to end in .json")
    first, end, _ = text.partition(b"\n")
    is_whole = end or len(text) < _SHOWN_BYTES
    if is_whole and first.strip() == b"{":
        raise DataError(
            f"the first JSON object of {file.path} takes several lines; rename the file to end in .json, or put each "
            "object on one line with `jq -c . in > out.jsonl`"
        )
