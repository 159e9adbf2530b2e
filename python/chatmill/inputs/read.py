"""`read_blocks`: reads files as blocks of rows. Every error names the file."""

import lzma
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.columns import WantedColumns, read_ipc, read_parquet
from chatmill.inputs.find import InputFile
from chatmill.inputs.lines import read_lines

#: The default size of a block, in bytes.
BLOCK_BYTES = 8 << 20


def read_blocks(
    files: Sequence[InputFile],
    *,
    columns: Sequence[str] | None = None,
    keep_columns: Sequence[str] = (),
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """Read files one after the other.

    Args:
        files: The files, from `find_inputs`.
        columns: The columns that a format reads, of which some may be missing; None for the columns of conversations.
        keep_columns: Columns to read in addition; all must exist in Parquet and Arrow files.
        block_bytes: Approximate size of a block, in bytes. A row that is larger makes a larger block.

    Yields:
        Blocks with at least one row. An empty file yields no block.

    Raises:
        DataError: A file cannot be read, or lacks a column; the message names the file.

    Example:
        >>> blocks = read_blocks(find_inputs("chats.jsonl"))  # doctest: +SKIP
    """
    for file in files:
        for block in _blocks_of(file, (columns, keep_columns), block_bytes):
            if file.rows is None:
                yield block
                continue
            if block.first_row >= file.rows.stop:
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
        with _naming(file), _opened(file) as raw:
            return int(pq.read_metadata(raw).num_rows)
    return sum(block.batch.num_rows for block in _blocks_of(file, ((), ()), BLOCK_BYTES))


def _blocks_of(file: InputFile, wanted: WantedColumns, block_bytes: int) -> Iterator[Block]:
    with _naming(file), _opened(file) as raw:
        if file.kind == "jsonl":
            yield from read_lines(file, raw, block_bytes)
        elif file.kind == "parquet":
            yield from read_parquet(file, raw, wanted, block_bytes)
        else:
            yield from read_ipc(file, raw, wanted, block_bytes)


@contextmanager
def _opened(file: InputFile) -> Iterator[pa.NativeFile]:
    # Arrow reads local files without the GIL; the Python file objects of fsspec need the GIL.
    if file.is_local:
        with pa.OSFile(file.location) as raw:
            yield raw
    else:
        with file.filesystem.open(file.location, "rb") as remote, pa.PythonFile(remote, mode="r") as raw:
            yield raw


@contextmanager
def _naming(file: InputFile) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as cause:
        raise DataError(f"cannot read {file.path}{_likely_fault(file)}: {cause}") from cause


def _likely_fault(file: InputFile) -> str:
    """Return the likely cause why a file cannot be read, in parentheses."""
    form: Any = file.compression or {"jsonl": None, "parquet": "Parquet", "ipc": "Arrow IPC"}[file.kind]
    if form is None:
        return ""
    return f" (the file is damaged, truncated or not a {form} file; download it again, or correct its suffix)"
