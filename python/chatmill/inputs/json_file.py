"""Reading of `.json` files: an array of rows, rows under a key, or one object per line, recognized by the beginning."""

import re
from collections.abc import Iterator

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block, LongRow
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.json_cursor import JsonCursor, LongText
from chatmill.inputs.json_shape import Shape, shape_of
from chatmill.inputs.lines import JSON_COLUMN, long_row, read_lines
from chatmill.inputs.streams import Peeked, check_text, decompressed
from chatmill.text.parsing import parse_json

_SHAPE_BYTES = 1 << 20
_MOST_PIECE = 1 << 20


def read_json(file: InputFile, raw: pa.NativeFile, block_bytes: int, max_row_bytes: int) -> Iterator[Block]:
    """Read the rows of a JSON file, whatever their arrangement.

    Args:
        file: The file.
        raw: Its bytes.
        block_bytes: Approximate size of a block, in bytes.
        max_row_bytes: The size of the longest row that is read. A longer row is skipped, so it needs no memory.

    Yields:
        Blocks of rows.

    Raises:
        DataError: The file is no JSON, is cut off, or is another kind of file.
    """
    with reading(file):
        stream = Peeked(decompressed(file, raw))
        beginning = stream.peek(_SHAPE_BYTES)
        check_text(file, beginning, suffix="json")
        shape = shape_of(beginning, is_whole=len(beginning) < _SHAPE_BYTES)
    if shape.kind == "lines":
        yield from read_lines(file, raw, block_bytes, max_row_bytes, stream=stream)
        return
    with reading(file):
        cursor = JsonCursor(stream.read, piece_bytes=min(block_bytes, _MOST_PIECE), most_bytes=max_row_bytes)
    texts: list[bytes | None] = []
    lines: list[int] = []
    long_rows: dict[int, LongRow] = {}
    size = row = 0

    def block() -> Block:
        batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.large_binary())], names=[JSON_COLUMN])
        return Block(batch, JSON_COLUMN, file, row, lines, raw.tell(), long_rows, names_row=True)

    rows = _rows(file, cursor, shape)
    while True:
        with reading(file, lambda: f"row {row + len(texts)} or later"):  # noqa: B023  # it is called before the loop goes on
            found = next(rows, None)
        if found is None:
            break
        line, text = found
        # A full block is passed on when one more row follows, so that the last block ends with the file.
        if size >= block_bytes:
            yield block()
            row += len(texts)
            texts, lines, long_rows, size = [], [], {}, 0
        if isinstance(text, LongText) or len(text) > max_row_bytes:
            long = text if isinstance(text, LongText) else LongText(text, len(text))
            long_rows[len(texts)] = long_row(long.beginning, long.size, max_row_bytes, what="row")
            texts.append(None)
        else:
            texts.append(text)
            size += len(text)
        lines.append(line)
    if texts:
        yield block()


def _rows(file: InputFile, cursor: JsonCursor, shape: Shape) -> Iterator[tuple[int, bytes | LongText]]:
    """Yield the line and the text of each row, and check that nothing follows."""
    number = -1
    try:
        if shape.kind == "objects":
            while cursor.peek():
                number += 1
                line = cursor.line
                yield line, cursor.value()
            return
        has_key = shape.kind == "array" or _go_to(cursor, shape.key)
        if has_key:
            for row in _items(cursor):
                number += 1
                yield row
        if shape.kind == "key" and not _skip_keys(cursor, shape.key, is_done=has_key):
            raise DataError(f"line {cursor.line}: the object has no list {shape.key!r}")
        if cursor.peek():
            raise DataError(
                f"line {cursor.line}: there is more text after the array or the object of the rows; a .json file holds "
                "one array, or one object per line"
            )
    except DataError as error:
        place = f"after row {number}, " if number >= 0 else ""
        raise DataError(f"{file.path}, {place}{error}") from None


def _items(cursor: JsonCursor) -> Iterator[tuple[int, bytes | LongText]]:
    _expect(cursor, "[")
    if cursor.peek() == "]":
        cursor.skip()
        return
    while True:
        cursor.peek()
        line = cursor.line
        yield line, cursor.value()
        mark = cursor.peek()
        if mark not in {",", "]"}:
            found = repr(mark) if mark else "the end of the file; it is cut off"
            raise DataError(f"line {cursor.line}: expected `,` or `]` after a row, found {found}")
        cursor.skip()
        if mark == "]":
            return


def _go_to(cursor: JsonCursor, key: str) -> bool:
    """Go from the beginning of an object to the value of a key."""
    _expect(cursor, "{")
    while True:
        name = cursor.value()
        _expect(cursor, ":")
        if isinstance(name, bytes) and parse_json(name) == key and cursor.peek() == "[":
            return True
        _skip(cursor, name, key)
        if cursor.peek() == "}":
            return False
        _expect(cursor, ",")


def _skip(cursor: JsonCursor, name: bytes | LongText, key: str) -> None:
    """Go behind a value beside the rows, which must hold no rows itself."""
    line = cursor.line
    value = cursor.value()
    beginning = value if isinstance(value, bytes) else value.beginning
    if re.match(rb"\[\s*\{", beginning):
        shown = name.decode("utf-8", "replace") if isinstance(name, bytes) else "another key"
        raise DataError(
            f'line {line}: the object has several lists, "{key}" and {shown}; write the rows of one of them to a file'
        )


def _skip_keys(cursor: JsonCursor, key: str, *, is_done: bool) -> bool:
    """Go to the end of an object whose rows were read."""
    while cursor.peek() == ",":
        cursor.skip()
        cursor.peek()
        name = cursor.value()
        _expect(cursor, ":")
        _skip(cursor, name, key)
    _expect(cursor, "}")
    return is_done


def _expect(cursor: JsonCursor, mark: str) -> None:
    found = cursor.peek()
    if found != mark:
        shown = repr(found) if found else "the end of the file; it is cut off"
        raise DataError(f"line {cursor.line}: expected `{mark}`, found {shown}")
    cursor.skip()
