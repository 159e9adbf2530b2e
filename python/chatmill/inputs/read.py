"""Files to blocks: opens each file and names it in every error."""

import lzma
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block
from chatmill.inputs.columns import read_ipc, read_parquet
from chatmill.inputs.find import InputFile
from chatmill.inputs.lines import read_lines

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
        files: What `find_inputs` gives.
        columns: Columns that a format reads, as far as there are any; None for those of conversations.
        keep_columns: Columns to read beside those.
        block_bytes: About how many bytes of rows a block holds; one longer row makes a longer block.

    Yields:
        Blocks with at least one row; an empty file has none.

    Raises:
        DataError: A file cannot be read, or has not the columns; the message names it.
    """
    for file in files:
        with _naming(file), _opened(file) as raw:
            if file.kind == "jsonl":
                yield from read_lines(file, raw, block_bytes)
            elif file.kind == "parquet":
                yield from read_parquet(file, raw, (columns, keep_columns), block_bytes)
            else:
                yield from read_ipc(file, raw, (columns, keep_columns), block_bytes)


@contextmanager
def _opened(file: InputFile) -> Iterator[pa.NativeFile]:
    # Arrow reads local files without the GIL, which fsspec's Python files would hold.
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
        raise DataError(f"cannot read {file.path}{_doubt(file)}: {cause}") from cause


def _doubt(file: InputFile) -> str:
    """What is probably wrong with a file that cannot be read."""
    form: Any = file.compression or {"jsonl": None, "parquet": "Parquet", "ipc": "Arrow IPC"}[file.kind]
    if form is None:
        return ""
    return f" (it is damaged or cut off, or is no {form} file; fetch it again, or correct its suffix)"
