"""A report with every part: the values of `full_report`, with one text in place of the hostile ones."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.reporting.model import Report, ReportSample, Sequences
from report_values import ALL_HOSTILE, HOSTILE, full_report


def example_row(text: str = "Hello!", role: str = "assistant") -> DrawnRow:
    """A row of one region."""
    span = DrawnSpan(text, 1.0, (1, 2), (1, len(text)))
    return DrawnRow((DrawnRegion(0, role, "content", (span,)),), 2, 2, ("A note.",))


def example_report(text: str = "tokens", **parts: Any) -> Report:
    """A report. The text is in every place that a row, a file or a name can reach."""
    samples = [
        ReportSample(("random", "longest"), f"{text}, line 1", f"{text}.jsonl", example_row(text, text)),
        ReportSample(("rejected",), "b.jsonl, line 9", "b.jsonl", None, code="invalid_json", reason=text, data=text),
    ]
    report: Report = _with_text(full_report(text, with_samples=False), text)
    return replace(report, samples=samples, **parts) if "samples" not in parts else replace(report, **parts)


def _with_text(value: Any, text: str) -> Any:
    """The same values with a text in place of each hostile one."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{it.name: _with_text(getattr(value, it.name), text) for it in fields(value)})
    if isinstance(value, (list, tuple)):
        return [_with_text(it, text) for it in value]
    if isinstance(value, dict):
        return {_with_text(key, text): it for key, it in value.items()}
    if isinstance(value, str) and value != text:
        for hostile in (ALL_HOSTILE, *HOSTILE.values()):
            value = value.replace(hostile, text)
    return value


def empty_report(**parts: Any) -> Report:
    """A report of no rows."""
    report = example_report()
    zeros: dict[str, Any] = {name: 0 for name in vars(report.totals) if name != "are_duplicates_exact"}
    return replace(
        report,
        totals=replace(report.totals, **zeros),
        lengths={},
        sequences=Sequences(0, 0, 0),
        limits=[],
        trained_shares=[0] * 12,
        regions=None,
        messages={},
        role_sequences={},
        tools={},
        first_trained=[],
        last_trained=[],
        packing=[],
        sources=[],
        findings=[],
        rejects=[],
        samples=[],
        notes={},
        packs=[],
        **parts,
    )
