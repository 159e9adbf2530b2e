"""`read_samples`: the rows that a run kept to be looked at. Their file may be damaged or forged."""

from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.drawing.row import DrawnRow
from chatmill.reporting.model import ReportSample
from chatmill.text.parsing import parse_json

# A file of chatmill has less than 100 rows of 10,000 characters.
_MOST_BYTES = 64 << 20
_MOST_ROWS = 1000


def read_sample_file(path: Path) -> list[ReportSample]:
    """Read the rows that a run kept.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read, or is damaged.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has more than {_MOST_BYTES:,} bytes; chatmill did not write it")
        lines = path.read_bytes().splitlines()[:_MOST_ROWS]
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error}); make the output again") from None
    return [_sample(path, number, line) for number, line in enumerate(lines, 1)]


def _sample(path: Path, number: int, line: bytes) -> ReportSample:
    try:
        return sample_of(parse_json(line))
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
    if not isinstance(why, list) or not all(isinstance(it, str) for it in why):
        raise ValueError("`why` is not a list of texts")
    texts = {name: record.get(name, "") for name in ("place", "source", "answer", "code", "reason", "data")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"`{name}` is not a text")
    row = None if "code" in record else DrawnRow.from_dict(record.get("row"))
    return ReportSample(why=tuple(why), row=row, **texts)
