"""`to_json`: a report as a value that JSON can hold, with a published schema."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import Any

from chatmill.drawing.row import DrawnRow
from chatmill.reporting.figures import figure_values
from chatmill.reporting.model import Report
from chatmill.text.visible import visible_json

#: The version of the form. A later form with another meaning of a key has a higher number.
FORMAT = 1
# JSON has only texts as keys, so numbers by a number are a list of pairs.
_PAIRS = ("lengths", "messages", "tools")


def report_schema() -> dict[str, Any]:
    """Return the JSON schema, of draft 2020-12, of what `chatmill report --json` writes.

    Example:
        >>> report_schema()["required"]
        ['format', 'reports']
    """
    schema: dict[str, Any] = json.loads(files("chatmill.reporting").joinpath("report_schema.json").read_text("utf-8"))
    return schema


def to_json(report: Report, *, samples: bool = True) -> dict[str, Any]:
    """Return a report as a value that JSON can hold.

    Args:
        report: The report.
        samples: Whether to include the samples, which hold texts of rows.

    Returns:
        The fields of `Report`, and `status` and `figures`. Numbers by a number, such as `lengths`, are pairs. A lone
        surrogate in a text is written as its escape, because most readers of JSON refuse it.
    """
    value = {it.name: _plain(getattr(report, it.name)) for it in fields(report) if it.name not in (*_PAIRS, "samples")}
    pairs = {name: [list(pair) for pair in sorted(getattr(report, name).items())] for name in _PAIRS}
    return {
        "status": report.status,
        "figures": figure_values(report),
        **value,
        **pairs,
        "samples": [_plain(it) for it in report.samples] if samples else [],
    }


def json_text(reports: Iterable[Report], *, samples: bool = True) -> str:
    r"""Return the JSON text of reports, as `chatmill report --json` writes it.

    Args:
        reports: The reports.
        samples: Whether to include the samples.

    Example:
        >>> json_text([])
        '{\n  "format": 1,\n  "reports": []\n}\n'
    """
    value = {"format": FORMAT, "reports": [to_json(it, samples=samples) for it in reports]}
    # Characters that a terminal would obey are escapes, so the file may be printed.
    return visible_json(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, DrawnRow):
        return _plain(value.to_dict())
    if is_dataclass(value):
        return {it.name: _plain(getattr(value, it.name)) for it in fields(value)}
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(it) for key, it in value.items()}
    if isinstance(value, Sequence):
        return [_plain(it) for it in value]
    return value
