"""`checked_batches`: the rows of a split, with one error for all kinds of damage."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.checked import check_rows
from chatmill.layouts.layout import FileLayout, SplitFiles

# What readers raise for damaged files: texts that are no numbers, places beyond the end, numbers that are too large.
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, RecursionError),
    *(struct.error, zlib.error, pa.ArrowException),
)


def checked_batches(layout: FileLayout, files: SplitFiles) -> Iterator[pa.RecordBatch]:
    """Read the rows of a split.

    Args:
        layout: The layout of the files.
        files: The files.

    Yields:
        The rows; at least one batch, which may be empty.

    Raises:
        DataError: A file cannot be read.
    """
    batches = layout.batches(files)
    while True:
        with reading(files.folder):
            batch = next(batches, None)
            if batch is None:
                return
            check_rows(batch, files.options.get("keep_columns") or ())
        yield batch


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Make a `DataError` of every error that a damaged file can cause.

    Args:
        folder: The output.
    """
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, DataError):
            known = str(folder) in str(error)
            raise error if known else DataError(f"{folder}: {error}") from None
        raise DataError(
            f"cannot read {folder}, which is damaged ({error}); copy the output again, or make it again"
        ) from None
