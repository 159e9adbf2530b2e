"""`read_blocks`: reads files as blocks of rows. Every error names the file."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.columns import WantedColumns, read_ipc
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.json_file import read_json
from chatmill.inputs.lines import read_lines
from chatmill.inputs.memory_rows import read_memory
from chatmill.inputs.streams import PiecesReader

#: The default size of a block, in bytes.
BLOCK_BYTES = 4 << 20

#: The default size of the longest line of JSONL and of the largest row of other files, in bytes. Conversations have
#: kilobytes; a small compressed file may hold one line of gigabytes.
MAX_LINE_BYTES = 256 << 20


def read_blocks(
    files: Sequence[InputFile],
    *,
    columns: Sequence[str] | None = None,
    keep_columns: Sequence[str] = (),
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Block]:
    """Read files one after the other.

    Args:
        files: The files, from `find_inputs`.
        columns: The columns that a format reads, of which some may be missing; None for the columns of conversations.
        keep_columns: Columns to read in addition; all must exist in Parquet and Arrow files.
        block_bytes: Approximate size of a block, in bytes. A row that is larger makes a larger block.
        max_line_bytes: The size of the longest line, or of the largest row of Parquet and Arrow files. A longer row is
            null in its block, and one of its `long_rows`.

    Yields:
        Blocks with at least one row. An empty file yields no block.

    Raises:
        DataError: A file cannot be read, or lacks a column; the message names the file.

    Example:
        >>> blocks = read_blocks(find_inputs("chats.jsonl"))  # doctest: +SKIP
    """
    if max_line_bytes < 1:
        raise DataError(f"`max_line_bytes` is {max_line_bytes}; use at least 1")
    for file in files:
        for block in _blocks_of(file, (columns, keep_columns), block_bytes, max_line_bytes):
            if file.rows is None:
                yield block
                continue
            if block.first_row > file.rows[-1]:
                break
            wanted = block.within(file.rows)
            if wanted is not None:
                yield wanted


def count_rows(file: InputFile) -> int:
    """Count the rows of a file. Parquet files store the number; other files are read.

    Args:
        file: The file.

    Raises:
        DataError: The file cannot be read.
    """
    if file.kind == "parquet":
        from chatmill.inputs.parquet import count_parquet_rows

        with reading(file), opened(file) as raw:
            return count_parquet_rows(raw)
    return sum(block.batch.num_rows for block in _blocks_of(file, ((), ()), BLOCK_BYTES, MAX_LINE_BYTES))


def _blocks_of(file: InputFile, wanted: WantedColumns, block_bytes: int, max_line_bytes: int) -> Iterator[Block]:
    if file.kind == "memory":
        yield from read_memory(file, wanted, block_bytes, max_line_bytes)
        return
    with reading(file), opened(file) as raw:
        if file.kind == "jsonl":
            yield from read_lines(file, raw, block_bytes, max_line_bytes)
        elif file.kind == "json":
            yield from read_json(file, raw, block_bytes, max_line_bytes)
        elif file.kind in {"csv", "tsv"}:
            from chatmill.inputs.delimited import read_delimited

            yield from read_delimited(file, raw, wanted, block_bytes, max_line_bytes)
        elif file.kind == "parquet":
            from chatmill.inputs.parquet import read_parquet

            yield from read_parquet(file, raw, wanted, block_bytes, max_line_bytes)
        else:
            yield from read_ipc(file, raw, wanted, block_bytes, max_line_bytes)


@contextmanager
def opened(file: InputFile) -> Iterator[Any]:
    """Open a file.

    Args:
        file: The file.

    Yields:
        Its bytes, as a file of Arrow.
    """
    if file.source is not None:
        yield PiecesReader(iter(file.source))
        return
    # Arrow reads local files without the GIL; the Python file objects of fsspec need the GIL.
    if file.is_local:
        # pyarrow accepts a name that is not UTF-8 only as bytes.
        with pa.OSFile(os.fsencode(file.location)) as raw:
            yield raw
    else:
        with file.filesystem.open(file.location, "rb") as remote, pa.PythonFile(remote, mode="r") as raw:
            yield raw
