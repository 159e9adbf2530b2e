"""`check_unchanged`: checks after a run that the inputs are what they were when they were found."""

import codecs
from collections.abc import Sequence

from chatmill._chatmill import DataError
from chatmill.inputs.file import InputFile
from chatmill.inputs.read import count_rows
from chatmill.inputs.state import FileState, state_of

_CHUNK_BYTES = 1 << 20
_AGAIN = "so nothing was written; run it again, and let nothing write to the inputs while they are read"


def check_unchanged(files: Sequence[InputFile], rows_read: Sequence[int], bytes_read: Sequence[int]) -> None:
    """Check the files of a run.

    Args:
        files: The files, from `find_inputs`.
        rows_read: The number of rows that were read from each file.
        bytes_read: Where in each file the last block of rows ended: `Block.bytes_read`; 0 if there was none.

    Raises:
        DataError: A file changed during the run, or was not read to its end; the message names it.
    """
    check_states(files)
    for file, rows, end in zip(files, rows_read, bytes_read, strict=True):
        _check_read(file, rows, end)


def check_states(files: Sequence[InputFile]) -> None:
    """Check only what the stores report about the files. The files are not read.

    Args:
        files: The files, from `find_inputs`.

    Raises:
        DataError: A file changed since it was found; the message names it.
    """
    for file in files:
        if file.state is not None:
            _check_state(file, file.state)


def _check_state(file: InputFile, before: FileState) -> None:
    if not file.is_local:
        # fsspec keeps what a store told earlier.
        file.filesystem.invalidate_cache()
    try:
        now = state_of(file.filesystem, file.location, is_local=file.is_local)
    except FileNotFoundError:
        raise _changed(file, "it is gone") from None
    except OSError as error:
        raise _changed(file, f"it cannot be read any more: {error}") from error
    if now.size != before.size:
        raise _changed(file, f"it had {_bytes(before.size)} and has {_bytes(now.size)}")
    if now != before:
        other = sorted(it for it in before.details.keys() | now.details.keys() if _differs(it, before, now))
        raise _changed(file, f"its {' and '.join(other)} changed")


def _check_read(file: InputFile, rows: int, end: int) -> None:
    if file.rows is not None:
        expected: int | None = len(file.rows)
    else:
        expected = count_rows(file) if file.kind == "parquet" else None
    if expected is not None and rows != expected:
        raise _changed(file, f"{rows:,} rows were read, but it has {expected:,}")
    is_plain = file.kind in {"jsonl", "json"} and file.source is None and file.compression is None and file.rows is None
    if is_plain and file.size is not None and end != file.size and not _is_blank(file, end, file.size):
        raise _changed(file, f"{end:,} bytes were read, but it has {_bytes(file.size)}")


def _is_blank(file: InputFile, start: int, end: int) -> bool:
    """Return whether a file has only white space between two places. Blank lines at its end make no block."""
    if start > end:
        return False
    with file.filesystem.open(file.location, "rb") as text:
        text.seek(start)
        while start < end:
            chunk = text.read(min(_CHUNK_BYTES, end - start))
            shown = chunk.removeprefix(codecs.BOM_UTF8) if start == 0 else chunk
            if not chunk or shown.strip():
                return False
            start += len(chunk)
    return True


def _differs(name: str, before: FileState, now: FileState) -> bool:
    return before.details.get(name) != now.details.get(name)


def _bytes(size: int | None) -> str:
    return "an unknown size" if size is None else f"{size:,} bytes"


def _changed(file: InputFile, how: str) -> DataError:
    return DataError(f"{file.path} changed during the run ({how}), {_AGAIN}")
