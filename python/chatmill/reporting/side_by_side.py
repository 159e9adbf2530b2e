"""`show_side_by_side`: several reports as the columns of one table, for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from chatmill.reporting.bins import counts_in, few_bins
from chatmill.reporting.foreign import on_one_line
from chatmill.reporting.histogram import spark
from chatmill.reporting.model import Report, TokenShare
from chatmill.reporting.words import STATUS_STYLES
from chatmill.statistics.quantiles import quantiles
from chatmill.text.numbers import percent

_MOST_LINES = 20
_LONGEST_NAME = 40

_Cells = Sequence[str | Text]


def show_side_by_side(reports: Sequence[Report]) -> Table:
    """Show several reports as the columns of one table.

    Args:
        reports: The reports.
    """
    table = Table.grid(padding=(0, 2))
    # A name that goes on in a second line could look like a line of the report.
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis", max_width=_LONGEST_NAME)
    for _ in reports:
        table.add_column(justify="right", overflow="fold")
    for title, rows in _sections(reports):
        shown = list(rows)
        if shown and title:
            table.add_row(Text(f"\n{title}", style="bold not dim"))
        for name, cells in shown:
            table.add_row(Text(name), *(it if isinstance(it, Text) else Text(it) for it in cells))
    return table


_Rows = Iterator[tuple[str, _Cells]]


def _sections(reports: Sequence[Report]) -> Iterator[tuple[str, _Rows]]:
    yield "", _head(reports)
    yield "findings, by rows", _findings(reports)
    yield "totals", _totals(reports)
    yield "packs", _packs(reports)
    yield "lengths, in tokens", _lengths(reports)
    yield "tokens by role and kind", _shares(reports)
    yield "stop tokens of trained turns", _stops(reports)
    yield "packing: places in use", _packing(reports)
    yield "rejected rows", _by_name([{it.code: f"{it.rows:,}" for it in report.rejects} for report in reports])
    yield "notes, by rows", _by_name(_notes(reports))


def _head(reports: Sequence[Report]) -> _Rows:
    yield "", [Text(on_one_line(it.run.name), style="bold") for it in reports]
    yield "verdict", [Text(it.status, style=STATUS_STYLES[it.status]) for it in reports]
    for name, values in (
        ("tokenizer", [it.run.tokenizer for it in reports]),
        ("template", [it.run.template for it in reports]),
        ("labels", [it.run.labels for it in reports]),
        ("max_length", ["" if it.run.max_length is None else f"{it.run.max_length:,}" for it in reports]),
        ("truncation", [it.run.truncation for it in reports]),
    ):
        if any(values):
            yield name, [on_one_line(value) for value in values]


def _findings(reports: Sequence[Report]) -> _Rows:
    # A finding that is not about rows has no number.
    several = [{it.code: f"{it.rows:,}" if it.rows else it.status for it in report.findings} for report in reports]
    yield from _by_name(several)


def _totals(reports: Sequence[Report]) -> _Rows:
    all_totals = [it.totals for it in reports]
    for name, field in (("rows in", "rows_in"), ("rejected", "rejected"), ("samples", "samples"), ("tokens", "tokens")):
        yield name, [f"{getattr(it, field):,}" for it in all_totals]
    yield "trained", [f"{it.trained_tokens:,} ({percent(it.trained_tokens, it.tokens)})" for it in all_totals]
    for name, field in (
        ("untrained samples", "untrained"),
        ("truncated rows", "truncated"),
        ("tokens lost", "cut_tokens"),
        ("trained tokens lost", "cut_trained_tokens"),
        ("trained turns", "trained_turns"),
        ("duplicates", "duplicates"),
        ("begin with BOS", "begins_with_bos"),
    ):
        if any(getattr(it, field) for it in all_totals):
            yield name, [f"{getattr(it, field):,}" for it in all_totals]
    yield "bytes per token", [f"{it.bytes / it.text_tokens:.2f}" if it.text_tokens else "" for it in all_totals]


def _packs(reports: Sequence[Report]) -> _Rows:
    if not any(it.packs for it in reports):
        return
    for name, field in (
        ("length in tokens", "length"),
        ("packs", "packs"),
        ("tokens in packs", "tokens"),
        ("trained in packs", "trained_tokens"),
        ("rows cut", "cut_rows"),
        ("rows dropped", "dropped_rows"),
        ("tokens lost", "lost_tokens"),
    ):
        values = [[getattr(split, field) for split in it.packs] for it in reports]
        # All splits have packs of one length.
        yield name, [f"{of[0] if field == 'length' else sum(of):,}" if of else "" for of in values]


def _lengths(reports: Sequence[Report]) -> _Rows:
    bins = few_bins([it.lengths for it in reports])
    if bins:
        edges = f"{bins[0].first:,} – {bins[-1].last:,}"
        yield edges, [Text(spark(counts_in(bins, it.lengths)), style="cyan") for it in reports]
    for name in ("50", "90", "95", "99", "max"):
        values = [quantiles(it.lengths).get(name) for it in reports]
        yield name if name == "max" else f"{name} %", ["" if it is None else f"{it:,}" for it in values]


def _shares(reports: Sequence[Report]) -> _Rows:
    several: list[dict[tuple[str, str], TokenShare]] = [
        {} if it.regions is None else {(share.role, share.kind): share for share in it.regions.shares} for it in reports
    ]
    # In the order of the first report, then those that only others have.
    for role, kind in list(dict.fromkeys(key for shares in several for key in shares))[:_MOST_LINES]:
        name = " · ".join(on_one_line(it, _LONGEST_NAME) for it in (role, kind) if it)
        yield name, [_share(shares.get((role, kind))) for shares in several]


def _share(share: TokenShare | None) -> str:
    return "" if share is None else f"{share.tokens:,} ({percent(share.trained_tokens, share.tokens)})"


def _stops(reports: Sequence[Report]) -> _Rows:
    several = [None if it.regions is None else it.regions.stops for it in reports]
    for name, field in (("trained", "trained"), ("not trained", "masked"), ("cut", "cut"), ("missing", "missing")):
        if any(stops is not None for stops in several):
            yield name, ["" if stops is None else f"{getattr(stops, field):,}" for stops in several]


def _packing(reports: Sequence[Report]) -> _Rows:
    several = [{it.max_length: it for it in report.packing} for report in reports]
    for max_length in sorted({length for packs in several for length in packs}):
        found = [packs.get(max_length) for packs in several]
        yield f"{max_length:,}", ["" if it is None else percent(it.efficiency, 1) for it in found]


def _notes(reports: Sequence[Report]) -> list[dict[str, str]]:
    return [{code: f"{rows:,}" for code, rows in report.notes.items() if rows} for report in reports]


def _by_name(several: Sequence[Mapping[str, str]]) -> _Rows:
    for name in list(dict.fromkeys(name for texts in several for name in texts))[:_MOST_LINES]:
        yield on_one_line(name, _LONGEST_NAME), [texts.get(name, "") for texts in several]
