"""What the conversations look like: how many messages, which roles in which order, how many tools."""

from collections.abc import Mapping, Sequence

from chatmill.reporting.bins import bins_of
from chatmill.reporting.model import Report
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.lengths import bin_table, histogram
from chatmill.reporting.page.sections.section import of_each, section
from chatmill.reporting.page.tables import Column, Row, table

_MOST_SEQUENCES = 40


def conversations(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on conversations.

    Args:
        reports: The reports.
        names: Their names.
    """
    return section(
        "conversations",
        "Conversations",
        _numbers("Rows by their number of messages", "messages", [it.messages for it in reports], names),
        _sequences(reports, names),
        _numbers("Rows by their number of tools", "tools", [it.tools for it in reports], names),
    )


def _numbers(title: str, key: str, of_reports: Sequence[Mapping[int, int]], names: Sequence[str]) -> Markup:
    bins = bins_of([number for counts in of_reports for number in counts])
    if not bins:
        return joined(element("h3", title), element("p", "No row has messages.", class_="remark"))
    charts = [histogram(title, counts, bins, "rows") for counts in of_reports]
    return joined(element("h3", title), of_each(names, charts), bin_table(title, key, of_reports, names))


def _sequences(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    every = list(dict.fromkeys(roles for report in reports for roles in report.role_sequences))
    wholes = [sum(report.role_sequences.values()) for report in reports]
    rows: list[Row] = []
    for roles in every[:_MOST_SEQUENCES]:
        cells = [
            None if (number := it.role_sequences.get(roles)) is None else (count(number), share(number, whole))
            for it, whole in zip(reports, wholes, strict=True)
        ]
        rows.append(([clipped(roles) or "–"], cells))
    rest = every[_MOST_SEQUENCES:]
    if rest:
        numbers = [sum(it.role_sequences.get(roles, 0) for roles in rest) for it in reports]
        others = [(count(number), share(number, whole)) for number, whole in zip(numbers, wholes, strict=True)]
        rows.append(([f"{count(len(rest))} other sequences"], others))
    return table("Rows by the roles of their messages", ["roles"], [Column("rows"), Column("share")], names, rows)
