"""JSONL: lines of a file, plain or compressed, as blocks of one binary column. The core parses the JSON."""

import lzma
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.find import InputFile

JSON_COLUMN = "json"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_lines(file: InputFile, raw: pa.NativeFile, block_bytes: int) -> Iterator[Block]:
    """Read the lines of a file; the last one needs no newline at its end, and blank ones are no rows.

    Args:
        file: What is read.
        raw: Its bytes.
        block_bytes: About how many bytes a block holds.

    Raises:
        DataError: The file is not lines of JSON, but one JSON document or UTF-16.
    """
    row, line = 0, 1
    for number, piece in enumerate(_whole_lines(_decompressed(file, raw), block_bytes)):
        text = _checked_start(file, piece) if number == 0 else piece
        lines, count, numbers = _split(text, line)
        if len(lines) > 0:
            batch = pa.RecordBatch.from_arrays([lines], names=[JSON_COLUMN])
            yield Block(batch, JSON_COLUMN, file, row, numbers, raw.tell())
        row, line = row + len(lines), line + count


def _decompressed(file: InputFile, raw: pa.NativeFile) -> Any:
    if file.compression is None:
        return raw
    if file.size == 0:
        raise EOFError("it is empty, and not even an empty compressed file is")
    if file.compression == "xz":
        return lzma.LZMAFile(raw)
    # Arrow's streams read files of several frames to the end and report a cut; zstandard's and fsspec's do not.
    return pa.CompressedInputStream(raw, file.compression)


def _whole_lines(stream: Any, block_bytes: int) -> Iterator[bytes]:
    """Text in pieces of at least `block_bytes` that end at a line's end."""
    held: list[bytes] = []
    while chunk := stream.read(block_bytes):
        cut = chunk.rfind(b"\n") + 1
        if cut == 0:
            held.append(chunk)
            continue
        yield b"".join([*held, chunk[:cut]])
        held = [chunk[cut:]]
    if rest := b"".join(held):
        yield rest


def _checked_start(file: InputFile, text: bytes) -> bytes:
    if text.startswith(_UTF16_MARKS):
        raise DataError(f"{file.path} is UTF-16: turn it into UTF-8, `iconv -f UTF-16 -t UTF-8 in > out.jsonl`")
    text = text.removeprefix(_UTF8_MARK)
    start = text.lstrip()
    if start.startswith(b"["):
        raise DataError(
            f"{file.path} is one JSON array, not a line a row: turn it into JSONL, `jq -c '.[]' in > out.jsonl`"
        )
    if start.split(b"\n", 1)[0].strip() == b"{":
        raise DataError(
            f"{file.path} spreads its first JSON object over several lines: "
            "put each on a line of its own, `jq -c . in > out.jsonl`"
        )
    return text


def _split(text: bytes, first_line: int) -> tuple[pa.Array, int, Sequence[int]]:
    """The lines that are not blank, how many lines there are in all, and the numbers of those that are not blank."""
    offsets = pa.array([0, len(text)], pa.int64())
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets.buffers()[1], pa.py_buffer(text)])
    lines = pc.split_pattern(whole, b"\n").flatten()
    if text.endswith(b"\n"):
        lines = lines.slice(0, len(lines) - 1)
    has_text = pc.match_substring_regex(lines, r"\S")
    rows = pc.sum(has_text).as_py()
    if rows == len(lines):
        return lines, len(lines), range(first_line, first_line + rows)
    numbers = [first_line + index for index in pc.indices_nonzero(has_text).to_pylist()]
    return lines.filter(has_text), len(lines), numbers
