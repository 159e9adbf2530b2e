"""`share_rows`: a share of the rows of files, such as `[10%:20%]` or `[:1000]`."""

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


def _row(text: str, total: int) -> int:
    # Rounded to the nearest row, as the `datasets` library does.
    row = round(int(text[:-1]) * total / 100) if text.endswith("%") else int(text)
    return min(row, total)
