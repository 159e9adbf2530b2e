"""Where the rows come from, which of them have no tokens and why, and what is unusual about the others."""

from collections.abc import Sequence

from chatmill._chatmill import NOTES
from chatmill.reporting.model import RejectReason, Report, Source
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.section import section
from chatmill.reporting.page.tables import Column, Row, table

_MOST_SOURCES = 200
_MOST_REASONS = 100


def sources(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on input files.

    Args:
        reports: The reports.
        names: Their names.
    """
    by_key = [{(it.path, it.dataset): it for it in report.sources} for report in reports]
    every = list(dict.fromkeys(key for of_report in by_key for key in of_report))
    rows: list[Row] = []
    for key in every[:_MOST_SOURCES]:
        cells = [
            None if (it := of_report.get(key)) is None else _cells(report, [it])
            for report, of_report in zip(reports, by_key, strict=True)
        ]
        rows.append(([clipped(key[0]), count(key[1])], cells))
    rest = every[_MOST_SOURCES:]
    if rest:
        others = [
            _cells(report, [of_report[key] for key in rest if key in of_report])
            for report, of_report in zip(reports, by_key, strict=True)
        ]
        rows.append(([f"{count(len(rest))} other files", "–"], others))
    columns = [
        Column("rows"), Column("rejected"), Column("tokens"), Column("share"), Column("trained"),
        Column("share trained"), Column("bytes of text"), Column("tokens of text"), Column("tokens per byte"),
    ]  # fmt: skip
    return section("sources", "Sources", table("Figures of each input file", ["file", "dataset"], columns, names, rows))


def _cells(report: Report, of: Sequence[Source]) -> Sequence[str]:
    tokens, trained = sum(it.tokens for it in of), sum(it.trained_tokens for it in of)
    size, text_tokens = sum(it.bytes for it in of), sum(it.text_tokens for it in of)
    return (
        count(sum(it.rows_in for it in of)),
        count(sum(it.rejected for it in of)),
        count(tokens),
        share(tokens, report.totals.tokens),
        count(trained),
        share(trained, tokens),
        count(size),
        count(text_tokens),
        f"{text_tokens / size:.3f}" if size else "–",
    )


def rejects(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on rejected rows, and on notes about the others.

    Args:
        reports: The reports.
        names: Their names.
    """
    return section("rejects", "Rejected rows and notes", _rejected(reports, names), _notes(reports, names))


def _rejected(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    by_code = [{it.code: it for it in report.rejects[:_MOST_REASONS]} for report in reports]
    every = dict.fromkeys(code for of_report in by_code for code in of_report)
    if not every:
        return element("p", "No row was rejected.", class_="remark")
    rows = [
        (
            [clipped(code)],
            [
                None if (it := of_report.get(code)) is None else _reason_cells(it, report)
                for report, of_report in zip(reports, by_code, strict=True)
            ],
        )
        for code in every
    ]
    columns = [Column("rows"), Column("share"), Column("first", is_text=True), Column("its reason", is_text=True)]
    return table("Rejected rows by reason", ["code"], columns, names, rows)


def _reason_cells(it: RejectReason, report: Report) -> Sequence[str]:
    return count(it.rows), share(it.rows, report.totals.rows_in), clipped(it.place), clipped(it.reason, 1000)


def _notes(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    every = dict.fromkeys(note for report in reports for note in report.notes)
    if not every:
        return element("p", "No row has a note.", class_="remark")
    rows = [
        (
            [clipped(note), _meaning(note)],
            [
                None if (number := it.notes.get(note)) is None else (count(number), share(number, it.totals.rows_in))
                for it in reports
            ],
        )
        for note in every
    ]
    return table("Rows by note", ["note", "what it says"], [Column("rows"), Column("share")], names, rows)


def _meaning(note: str) -> str:
    known = NOTES.get(note)
    return known.rows if known else ""
