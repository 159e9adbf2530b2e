"""Reading of JSONL: the lines of a file, plain or compressed, as blocks of one binary column.

The core parses the JSON.
"""

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
# The first bytes of other kinds of files, with the name of the kind and the remedy. JSON cannot begin with these bytes.
_OTHER_KINDS = {
    b"\x1f\x8b": ("gzip-compressed", "rename it to end in .jsonl.gz"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "rename it to end in .jsonl.zst"),
    b"\xfd7zXZ\x00": ("xz-compressed", "rename it to end in .jsonl.xz"),
    b"BZh": ("bzip2-compressed", "rename it to end in .jsonl.bz2"),
    b"PAR1": ("a Parquet file", "rename it to end in .parquet"),
    b"ARROW1": ("an Arrow IPC file", "rename it to end in .arrow"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
}


def read_lines(file: InputFile, raw: pa.NativeFile, block_bytes: int) -> Iterator[Block]:
    """Read the lines of a file. The last line may lack its newline. Blank lines are not rows.

    Args:
        file: The file.
        raw: Its bytes.
        block_bytes: Approximate size of a block, in bytes.

    Yields:
        Blocks of rows.

    Raises:
        DataError: The file is not one JSON object per line: it is one JSON document, UTF-16, or another kind of file.
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
        raise EOFError("it has 0 bytes")
    if file.compression == "xz":
        return lzma.LZMAFile(raw)
    # Arrow's streams read files with several frames to the end, and report truncated files. The streams of zstandard
    # and fsspec do neither.
    return pa.CompressedInputStream(raw, file.compression)


def _whole_lines(stream: Any, block_bytes: int) -> Iterator[bytes]:
    """Yield text in pieces of at least `block_bytes` that end at the end of a line."""
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
    for start, (kind, remedy) in _OTHER_KINDS.items():
        if text.startswith(start):
            raise DataError(f"{file.path} is {kind}, not plain JSONL; {remedy}")
    if text.startswith(_UTF16_MARKS):
        raise DataError(f"{file.path} is UTF-16; convert it to UTF-8 with `iconv -f UTF-16 -t UTF-8 in > out.jsonl`")
    text = text.removeprefix(_UTF8_MARK)
    first = text.lstrip()
    if first.startswith(b"["):
        raise DataError(
            f"{file.path} is one JSON array, not one JSON object per line; convert it with `jq -c '.[]' in > out.jsonl`"
        )
    if first.split(b"\n", 1)[0].strip() == b"{":
        raise DataError(
            f"the first JSON object of {file.path} takes several lines; put each object on one line with "
            "`jq -c . in > out.jsonl`"
        )
    return text


def _split(text: bytes, first_line: int) -> tuple[pa.Array, int, Sequence[int]]:
    """Return the lines that are not blank, the number of all lines, and the line numbers of the returned lines."""
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
