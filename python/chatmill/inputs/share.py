"""`share_rows`: a share of the rows of files, such as `[10%:20%]` or `[:1000]`; `choose_rows`: any of their rows."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from chatmill._chatmill import DataError
from chatmill.inputs.file import InputFile
from chatmill.inputs.read import count_rows


def share_rows(files: Sequence[InputFile], start: str | None, end: str | None) -> list[InputFile]:
    """Restrict files to a share of their rows, counted over all files.

    Args:
        files: The files, from `find_inputs`. Files that do not store their number of rows are read once to count them.
        start: The first row, from 0, or the percentage of rows before it, such as `10%`; None for the first row.
        end: One past the last row, or the percentage of rows up to it; None for the last row.

    Returns:
        The files that have selected rows.

    Raises:
        DataError: The share has no rows, or a file cannot be read.
    """
    counts = [count_rows(file) for file in files]
    total = sum(counts)
    first, last = _row(start or "0", total), _row(end or "100%", total)
    if first >= last:
        raise DataError(f"[{start or ''}:{end or ''}] selects 0 of {total} rows; use a larger range")
    shared, before = [], 0
    for file, count in zip(files, counts, strict=True):
        own = range(max(0, first - before), min(count, last - before))
        if own:
            shared.append(replace(file, rows=own))
        before += count
    return shared


def row_counts(files: Sequence[InputFile]) -> list[int]:
    """Return the number of rows that are read from each file.

    Args:
        files: The files. Those that do not store their number of rows are read once to count them.

    Raises:
        DataError: A file cannot be read.
    """
    return [count_rows(file) if file.rows is None else len(file.rows) for file in files]


def choose_rows(files: Sequence[InputFile], counts: Sequence[int], rows: Sequence[int]) -> list[InputFile]:
    """Restrict files to some of their rows.

    Args:
        files: The files.
        counts: What `row_counts` returns for them.
        rows: The rows, from 0 and ascending, counted over all rows that are read from the files.

    Returns:
        The files that have chosen rows.
    """
    chosen, before = [], 0
    for file, count in zip(files, counts, strict=True):
        of_file = rows[bisect_left(rows, before) : bisect_left(rows, before + count)]
        if of_file:
            earlier = range(count) if file.rows is None else file.rows
            chosen.append(replace(file, rows=array("q", (earlier[row - before] for row in of_file))))
        before += count
    return chosen


def _row(text: str, total: int) -> int:
    # Rounded to the nearest row, as the `datasets` library does.
    row = round(int(text[:-1]) * total / 100) if text.endswith("%") else int(text)
    return min(row, total)
