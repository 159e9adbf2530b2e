"""`notebook_html`: a small summary of reports as HTML, without scripts and without a request."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from chatmill.reporting.bins import Bin, counts_in, few_bins
from chatmill.reporting.foreign import on_one_line
from chatmill.reporting.model import Report, ReportFinding, Status
from chatmill.reporting.words import run_lines, verdict_text
from chatmill.statistics.quantiles import quantiles
from chatmill.text.numbers import percent

# Both can be read on a white and on a black ground.
_COLORS: Mapping[Status, str] = {"good": "#2e8b57", "look": "#b8860b", "bad": "#d9534f"}
_BAR_COLOR = "#4a90d9"
_HEIGHT = 3.0  # of the bars, in em
_MOST_FINDINGS = 10
_CELL = "text-align: right; padding: 0 1em 0 0"


def notebook_html(reports: Sequence[Report]) -> str:
    """Return a summary of reports as an HTML fragment.

    Args:
        reports: The reports, each of them a column.

    Returns:
        HTML with style attributes and without scripts, links and images. Texts of rows and names are escaped.
    """
    heads = "".join(_head(report) for report in reports)
    names = "".join(f'<th style="{_CELL}">{_text(report.run.name)}</th>' for report in reports)
    table_head = f"<tr><th></th>{names}</tr>" if len(reports) > 1 else ""
    rows = "".join(_row(name, [value(report) for report in reports]) for name, value in _ROWS)
    bins = few_bins([report.lengths for report in reports])
    bars = "".join(f'<td style="{_CELL}; vertical-align: bottom">{_bars(bins, it.lengths)}</td>' for it in reports)
    return (
        f'<div style="font-size: 90%">{heads}<table style="font-variant-numeric: tabular-nums">{table_head}{rows}'
        f'<tr><td style="vertical-align: bottom">lengths</td>{bars}</tr></table></div>'
    )


def _head(report: Report) -> str:
    first, second = run_lines(report.run)
    found = "".join(_finding(it) for it in report.findings[:_MOST_FINDINGS])
    more = len(report.findings) - _MOST_FINDINGS
    rest = f"<li>… and {more:,} more</li>" if more > 0 else ""
    return (
        f'<div><b>{escape(first)}</b></div><div style="opacity: 0.7">{escape(second)}</div>'
        f'<div style="color: {_COLORS[report.status]}"><b>{escape(verdict_text(report))}</b></div>'
        + (f'<ul style="margin: 0.3em 0">{found}{rest}</ul>' if found else "")
    )


def _finding(found: ReportFinding) -> str:
    place = f' <span style="opacity: 0.7">{_text(found.place)}</span>' if found.place else ""
    code = f'<b style="color: {_COLORS[found.status]}">{_text(found.code)}</b>'
    return f"<li>{code} {_text(found.text)}{place}</li>"


def _row(name: str, values: Sequence[str]) -> str:
    cells = "".join(f'<td style="{_CELL}">{escape(value)}</td>' for value in values)
    return f'<tr><td style="text-align: left">{escape(name)}</td>{cells}</tr>'


def _bars(bins: Sequence[Bin], lengths: Mapping[int, int]) -> str:
    counts = counts_in(bins, lengths)
    most = max(counts, default=0)
    if not most:
        return "–"
    return "".join(
        f'<span title="{bin_.first:,} – {bin_.last:,} tokens: {samples:,} samples" style="display: inline-block; '
        f'width: 0.8em; margin-right: 1px; height: {_height(samples, most):.2f}em; background: {_BAR_COLOR}"></span>'
        for bin_, samples in zip(bins, counts, strict=True)
    )


def _height(samples: int, most: int) -> float:
    return max(0.1, _HEIGHT * samples / most) if samples else 0.0


def _text(text: str) -> str:
    return escape(on_one_line(text))


def _longest(report: Report) -> str:
    lengths = quantiles(report.lengths)
    return f"{lengths['50']:,} / {lengths['99']:,} / {lengths['max']:,}" if lengths else "–"


def _truncated(report: Report) -> str:
    totals = report.totals
    return f"{totals.truncated:,} ({percent(totals.cut_tokens, totals.tokens + totals.cut_tokens)} of the tokens lost)"


def _packs(report: Report) -> str:
    if not report.packs:
        return "–"
    packs, lost = sum(it.packs for it in report.packs), sum(it.lost_tokens for it in report.packs)
    before = lost + sum(it.tokens for it in report.packs)
    return f"{packs:,} ({percent(lost, before)} of the tokens lost)"


_ROWS: Sequence[tuple[str, Callable[[Report], str]]] = (
    ("rows", lambda it: f"{it.totals.rows_in:,}"),
    ("rejected rows", lambda it: f"{it.totals.rejected:,} ({percent(it.totals.rejected, it.totals.rows_in)})"),
    ("samples", lambda it: f"{it.totals.samples:,}"),
    ("tokens", lambda it: f"{it.totals.tokens:,}"),
    ("trained", lambda it: f"{it.totals.trained_tokens:,} ({percent(it.totals.trained_tokens, it.totals.tokens)})"),
    ("untrained samples", lambda it: f"{it.totals.untrained:,}"),
    ("rows cut to max_length", _truncated),
    ("packs", _packs),
    ("tokens of a sample, 50 % / 99 % / longest", _longest),
)
