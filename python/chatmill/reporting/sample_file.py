"""`read_sample_file`: the rows that a run kept to be looked at. Their file may be damaged or forged."""

import os
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.drawing.row import DrawnRow
from chatmill.reporting.model import ReportSample
from chatmill.statistics.samples import MOST_BYTES, MOST_ROW_BYTES, MOST_ROWS
from chatmill.text.parsing import parse_json

# There are less than a hundred codes, and each is a word.
_MOST_REASONS, _LONGEST_REASON = 200, 100


def read_sample_file(path: Path) -> list[ReportSample]:
    """Read the rows that a run kept.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read, or is damaged.
    """
    try:
        content = _content(path)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing, so the samples are unknown; copy it again, or give `--no-samples`, in Python "
            "`samples=False`"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error}); make the output again") from None
    if len(content) > MOST_BYTES:
        raise DataError(f"{path} has more than {MOST_BYTES:,} bytes; chatmill did not write it; make the output again")
    samples = list(_samples(path, content))
    if len({why for it in samples for why in (*it.why, it.code)}) > _MOST_REASONS:
        raise DataError(
            f"{path} has more than {_MOST_REASONS} reasons for its rows; chatmill did not write it; make the output "
            "again"
        )
    return samples


def _content(path: Path) -> bytes:
    """The bytes of a file, and one more if it is too large. Whoever made an output may have put a device there."""
    # A named pipe would wait for its other end.
    with open(path, "rb", opener=_open_at_once) as file:  # the method of a path has no opener
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a file")
        return file.read(MOST_BYTES + 1)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _samples(path: Path, content: bytes) -> Iterator[ReportSample]:
    for number, line in enumerate(BytesIO(content), 1):
        if number > MOST_ROWS or len(line) > MOST_ROW_BYTES:
            raise DataError(
                f"{path}, line {number}: it has more than {MOST_ROWS:,} rows, or more than {MOST_ROW_BYTES:,} bytes in "
                "one of them; chatmill did not write it; make the output again"
            )
        try:
            yield sample_of(parse_json(line))
        except ValueError as error:
            raise DataError(f"{path}, line {number}: it is damaged ({error}); make the output again") from None


def sample_of(record: Any) -> ReportSample:
    """Return a row as a report shows it.

    Args:
        record: Its values, as `SampleChoice.records` gives them.

    Raises:
        ValueError: They are damaged.
    """
    if not isinstance(record, dict):
        raise ValueError("it is not an object")
    why = record.get("why")
    if not isinstance(why, list) or not all(isinstance(it, str) and len(it) <= _LONGEST_REASON for it in why):
        raise ValueError("`why` is not a list of short texts")
    texts = {name: record.get(name, "") for name in ("place", "source", "answer", "code", "reason", "data")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"`{name}` is not a text")
    if len(texts["code"]) > _LONGEST_REASON:
        raise ValueError("`code` is too long")
    row = None if "code" in record else DrawnRow.from_dict(record.get("row"))
    return ReportSample(why=tuple(why), row=row, **texts)
