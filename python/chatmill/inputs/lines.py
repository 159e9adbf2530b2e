"""Reading of JSONL: the lines of a file, plain or compressed, as blocks of one binary column.

The core parses the JSON.
"""

from array import array
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block, LongRow
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.pieces import pieces_in
from chatmill.inputs.streams import check_text, decompressed

JSON_COLUMN = "json"
_UTF8_MARK = b"\xef\xbb\xbf"
# The bytes of a line that is too long to be read that its reject shows.
_SHOWN_BYTES = 4096
# Text of this size is split without pyarrow.compute, whose import takes as long as splitting 40 MB.
_SMALL_TEXT = 1 << 20
# The white space of the pattern `\s` of Arrow.
_BLANKS = b" \t\n\f\r"


@dataclass(frozen=True)
class LongText:
    """A line or a row that was skipped.

    Attributes:
        beginning: Its first bytes.
        size: The number of its bytes.
    """

    beginning: bytes
    size: int


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
        for is_first, piece in _pieces(file, stream, block_bytes, max_line_bytes):
            numbers: Sequence[int]
            if isinstance(piece, LongText):
                beginning = _checked_start(file, piece.beginning) if is_first else piece.beginning
                lines, count, numbers = pa.array([beginning], pa.large_binary()), 1, range(line, line + 1)
                sizes = {0: piece.size}
            else:
                text = _checked_start(file, piece) if is_first else piece
                lines, count, numbers = _split(text, line)
                sizes = _long_lines(lines, max_line_bytes)
            if len(lines) > 0:
                long_rows = {at: long_row(lines[at].as_py(), size, max_line_bytes) for at, size in sizes.items()}
                if long_rows:
                    import pyarrow.compute as pc

                    is_long = pa.array([at in long_rows for at in range(len(lines))])
                    lines = pc.if_else(is_long, pa.scalar(None, lines.type), lines)
                batch = pa.RecordBatch.from_arrays([lines], names=[JSON_COLUMN])
                yield Block(batch, JSON_COLUMN, file, row, numbers, raw.tell(), long_rows)
            row, line = row + len(lines), line + count


def _pieces(
    file: InputFile, stream: Any, block_bytes: int, max_line_bytes: int
) -> Iterator[tuple[bool, bytes | LongText]]:
    """Yield the pieces of a file or of its span, each with whether it is the first one of the file."""
    if file.span is None:
        for number, piece in enumerate(_whole_lines(stream, block_bytes, max_line_bytes)):
            yield number == 0, piece
        return
    yield from pieces_in(stream, file.span, block_bytes, lambda raw: _whole_lines(raw, block_bytes, max_line_bytes))


def _long_lines(lines: pa.Array, max_line_bytes: int) -> dict[int, int]:
    """Return the sizes of the lines that are too long, by index."""
    if lines.nbytes <= max_line_bytes:
        return {}
    import pyarrow.compute as pc

    sizes = pc.binary_length(lines)
    if (pc.max(sizes).as_py() or 0) <= max_line_bytes:
        return {}
    long = pc.indices_nonzero(pc.greater(sizes, max_line_bytes)).to_pylist()
    return {at: sizes[at].as_py() for at in long}


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


def _whole_lines(stream: Any, block_bytes: int, max_line_bytes: int) -> Iterator[bytes | LongText]:
    """Yield text in pieces of at least `block_bytes` that end at the end of a line, and long lines without their end.

    A line is known to be long once more than `max_line_bytes` of it are held; the rest of it is read and forgotten.
    """
    held: list[bytes] = []
    held_bytes = 0
    beginning: bytes | None = None  # of the long line that is being skipped
    while chunk := stream.read(block_bytes):
        cut = chunk.rfind(b"\n") + 1
        if cut == 0:
            held_bytes += len(chunk)
            if beginning is None:
                held.append(chunk)
                if held_bytes > max_line_bytes:
                    beginning, held = _first_bytes(held), []
            continue
        start = 0
        if beginning is not None:
            end = chunk.index(b"\n")
            yield LongText(beginning, held_bytes + end)
            beginning, start = None, end + 1
        if held or start < cut:
            yield b"".join([*held, chunk[start:cut]])
        held, held_bytes = [chunk[cut:]], len(chunk) - cut
    if beginning is not None:
        yield LongText(beginning, held_bytes)
    elif rest := b"".join(held):
        yield rest


def _first_bytes(pieces: list[bytes]) -> bytes:
    found = b""
    for piece in pieces:
        found += piece[: _SHOWN_BYTES - len(found)]
        if len(found) == _SHOWN_BYTES:
            break
    return found


def _checked_start(file: InputFile, text: bytes) -> bytes:
    check_text(file, text)
    text = text.removeprefix(_UTF8_MARK)
    first = text.lstrip()
    if first.startswith(b"["):
        raise DataError(f"{file.path} is one JSON array, not one JSON object per line; rename it to end in .json")
    if first.split(b"\n", 1)[0].strip() == b"{":
        raise DataError(
            f"the first JSON object of {file.path} takes several lines; rename the file to end in .json, or put each "
            "object on one line with `jq -c . in > out.jsonl`"
        )
    return text


def _split(text: bytes, first_line: int) -> tuple[pa.Array, int, Sequence[int]]:
    """Return the lines that are not blank, the number of all lines, and the line numbers of the returned lines."""
    if len(text) <= _SMALL_TEXT:
        return _split_small(text, first_line)
    import pyarrow.compute as pc

    lines = pc.split_pattern(_array([text]), b"\n").flatten()
    if text.endswith(b"\n"):
        lines = lines.slice(0, len(lines) - 1)
    has_text = pc.match_substring_regex(lines, r"\S")
    rows = pc.sum(has_text).as_py()
    if rows == len(lines):
        return lines, len(lines), range(first_line, first_line + rows)
    numbers = [first_line + index for index in pc.indices_nonzero(has_text).to_pylist()]
    return lines.filter(has_text), len(lines), numbers


def _split_small(text: bytes, first_line: int) -> tuple[pa.Array, int, Sequence[int]]:
    """Do the same without pyarrow.compute. It takes one and a half times as long for a large text."""
    lines = text.split(b"\n")
    if text.endswith(b"\n"):
        lines.pop()
    numbers = [number for number, line in enumerate(lines, first_line) if line.strip(_BLANKS)]
    if len(numbers) == len(lines):
        return _array(lines), len(lines), range(first_line, first_line + len(lines))
    return _array([lines[number - first_line] for number in numbers]), len(lines), numbers


def _array(values: Sequence[bytes]) -> pa.Array:
    # `pa.array` of a list imports pandas if it is installed, which takes half a second.
    offsets = pa.py_buffer(array("q", accumulate(map(len, values), initial=0)))
    return pa.Array.from_buffers(pa.large_binary(), len(values), [None, offsets, pa.py_buffer(b"".join(values))])
