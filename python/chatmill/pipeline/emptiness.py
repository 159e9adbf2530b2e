"""Inputs without rows and runs without tokens: an error if all is empty, a warning if one of several files is."""

from collections.abc import Iterator, Sequence

from chatmill._chatmill import DataError
from chatmill.inputs import InputFile
from chatmill.outputs.rejects import RejectLog
from chatmill.pipeline.counts import Counts
from chatmill.text.numbers import counted

_NAMED = 3


def check_tokens(files: Sequence[InputFile], counts: Counts, rejects: RejectLog) -> None:
    """Check that at least one row gave tokens.

    Args:
        files: The inputs of the run.
        counts: What was counted in them.
        rejects: The rejected rows.

    Raises:
        DataError: The inputs have no rows, or all rows were rejected.
    """
    if counts.rows_in == 0:
        names = _names([file.path for file in files])
        raise DataError(f"the inputs have no rows ({names}), so nothing was written; give inputs that have rows")
    if counts.rows_out == 0:
        reasons = "".join(
            f"\n  {rows} × {code}, such as {rejects.examples[code].place}: {rejects.examples[code].reason}"
            for code, rows in rejects.counts.most_common()
        )
        raise DataError(f"none of the {counts.rows_in} rows gave tokens, so nothing was written:{reasons}")


def empty_files(files: Sequence[InputFile], counts: Counts) -> Iterator[str]:
    """Warn of files without rows, because the program that writes them may have failed.

    Args:
        files: The inputs of the run.
        counts: What was counted in them.

    Yields:
        A warning, if there are such files.
    """
    empty = [file.path for file, rows in zip(files, counts.rows_by_file, strict=True) if rows == 0]
    if empty:
        have = "has" if len(empty) == 1 else "have"
        yield (
            f"{len(empty):,} of {counted(len(files), 'input')} {have} no rows ({_names(empty)}); check whether rows "
            "are missing there"
        )


def _names(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
