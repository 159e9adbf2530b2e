"""`write_token_files`: the lists of all rows as files of numbers, which can be read in any order."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import bytes_of

_MOST_THREADS = 8
# The bytes of an int32 and of a float32.
_WIDTH = 4


@dataclass(frozen=True)
class RowPart:
    """Rows that one thread writes, such as those of a shard.

    Attributes:
        rows: Their number.
        tokens: The number of their tokens.
        batches: Reads them. A column `length` must tell the number of tokens of each row.
    """

    rows: int
    tokens: int
    batches: Callable[[], Iterable[pa.RecordBatch]]


def write_token_files(folder: Path, columns: Sequence[str], parts: Sequence[RowPart]) -> dict[str, Path]:
    """Write the lists of rows one after the other, a file for each column: float32 for `weights`, int32 for others.

    Args:
        folder: The folder for the files.
        columns: The columns of lists.
        parts: The rows, in parts that are read at the same time.

    Returns:
        The file of each column, as `PackPlan.open_rows` takes them.

    Raises:
        DataError: The lists of a row have other lengths than `length` says, or a part has another number of tokens.
    """
    paths = {name: folder / f"{name}.bin" for name in columns}
    for path in paths.values():
        path.touch()
    rows_before = accumulate((part.rows for part in parts), initial=0)
    tokens_before = accumulate((part.tokens for part in parts), initial=0)
    with ThreadPoolExecutor(min(max(1, len(parts)), os.cpu_count() or 1, _MOST_THREADS)) as pool:
        running = [pool.submit(_write, paths, *it) for it in zip(parts, rows_before, tokens_before, strict=False)]
        try:
            for future in running:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return paths


def _write(paths: dict[str, Path], part: RowPart, row: int, tokens: int) -> None:
    end = tokens + part.tokens
    with ExitStack() as stack:
        files = {name: stack.enter_context(path.open("r+b", buffering=0)) for name, path in paths.items()}
        for file in files.values():
            file.seek(tokens * _WIDTH)
        for batch in part.batches():
            lengths = batch.column("length")
            tokens += pc.sum(lengths).as_py() or 0
            if tokens > end:
                break
            for name, file in files.items():
                lists = batch.column(name)
                _check_lengths(lists, lengths, name, row)
                item = pa.float32() if name == "weights" else pa.int32()
                content = bytes_of(pc.cast(lists.flatten(), item))
                while len(content):  # a system call may write less
                    content = content[file.write(content) :]
            row += len(batch)
    if tokens != end:
        raise DataError("the number of tokens changed while they were read; run it again")


def _check_lengths(lists: pa.Array, lengths: pa.Array, name: str, before: int) -> None:
    found = pc.fill_null(pc.list_value_length(lists), 0)
    row = pc.index(pc.not_equal(found, lengths), value=True).as_py()
    if row >= 0:
        raise DataError(
            f"row {before + row} has {found[row].as_py()} values in {name}, but {lengths[row].as_py()} tokens; "
            "make the output again"
        )
