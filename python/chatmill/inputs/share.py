"""A share of the rows of files: `[10%:20%]`, `[:1000]`."""

from collections.abc import Sequence
from dataclasses import replace

from chatmill._chatmill import DataError
from chatmill.inputs.find import InputFile
from chatmill.inputs.read import count_rows


def share_rows(files: Sequence[InputFile], start: str | None, end: str | None) -> list[InputFile]:
    """Files with the rows of a share alone, counted over all of them.

    Args:
        files: What `find_inputs` gives. They are read once to count their rows, where that is not written in them.
        start: The first row, from 0, or how many per cent come before; None for the beginning.
        end: The row behind the last one, or how many per cent end with it; None for the end.

    Returns:
        The files that hold such rows.

    Raises:
        DataError: The share is empty, or a file cannot be read.
    """
    counts = [count_rows(file) for file in files]
    total = sum(counts)
    first, last = _row(start or "0", total), _row(end or "100%", total)
    if first >= last:
        raise DataError(f"of {total} rows, those from {first} to {last} are none")
    shared, before = [], 0
    for file, count in zip(files, counts, strict=True):
        own = range(max(0, first - before), min(count, last - before))
        if own:
            shared.append(replace(file, rows=own))
        before += count
    return shared


def _row(text: str, total: int) -> int:
    # Rounded as the `datasets` library does: to the nearest row.
    row = round(int(text[:-1]) * total / 100) if text.endswith("%") else int(text)
    return min(row, total)
