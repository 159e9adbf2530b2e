"""How long the samples are, what each `max_length` would cut, and what packing would give."""

from collections.abc import Mapping, Sequence

from chatmill.reporting.bins import Bin, bins_of, counts_in
from chatmill.reporting.model import LengthLimit, Packing, Report
from chatmill.reporting.page.charts.bars import BarNames, bars
from chatmill.reporting.page.charts.lines import lines
from chatmill.reporting.page.charts.meter import meter
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count, share, short_length
from chatmill.reporting.page.sections.section import of_each, section
from chatmill.reporting.page.tables import Column, Row, folded, table
from chatmill.statistics.quantiles import quantiles

_QUANTILES = {
    "50": "half have at most",
    "90": "90 % have at most",
    "95": "95 % have at most",
    "99": "99 % have at most",
    "max": "longest",
}
_NAMES_ACROSS = 10


def lengths(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on lengths.

    Args:
        reports: The reports.
        names: Their names.
    """
    return section(
        "lengths",
        "Lengths",
        _histograms(reports, names),
        _quantiles(reports, names),
        element("h3", "What each max_length would cut"),
        element(
            "p",
            "The lines show how many sequences are longer than a max_length, and how many tokens it cuts off. They "
            "count all sequences before any cut, also those of rows that were rejected because they are too long. A "
            "dashed vertical line is the max_length of this run.",
            class_="remark",
        ),
        of_each(names, [_curve(report) for report in reports]),
        _limits(reports, names),
    )


def histogram(title: str, counts: Mapping[int, int], bins: Sequence[Bin], what: str) -> Markup:
    """Return a histogram of whole numbers.

    Args:
        title: What it shows.
        counts: The number of things by their number.
        bins: The bins.
        what: What is counted, such as `samples`.
    """
    if not counts:
        return element("p", f"No {what}.", class_="remark")
    powers = [at for at, bin_ in enumerate(bins) if bin_.first and not bin_.first & (bin_.first - 1)]
    widths = [bin_.last - bin_.first for bin_ in bins]
    is_growing = max(widths) > 2 * widths[0] + 2
    every = -(-len(bins) // _NAMES_ACROSS)
    named = powers if is_growing else range(0, len(bins), every)
    axis = [(at, short_length(bins[at].first)) for at in named]
    has_single = all(bin_.first == bin_.last for bin_ in bins)
    return bars(title, counts_in(bins, counts), BarNames([bin_.name for bin_ in bins], axis, has_single, what))


def bin_table(caption: str, key: str, of_reports: Sequence[Mapping[int, int]], names: Sequence[str]) -> Markup:
    """Return the table of histograms, which tells the same without a picture.

    Args:
        caption: What it shows.
        key: What the bins are made of, such as `tokens`.
        of_reports: For each report, the number of things by their number.
        names: The names of the reports.
    """
    bins = bins_of([number for counts in of_reports for number in counts])
    binned = [counts_in(bins, counts) for counts in of_reports]
    rows = [
        ([bin_.name], [(count(counts[at]), share(counts[at], sum(counts))) for counts in binned])
        for at, bin_ in enumerate(bins)
        if any(counts[at] for counts in binned)
    ]
    return folded("Show as a table", table(caption, [key], [Column("number"), Column("share")], names, rows))


def _histograms(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    bins = bins_of([length for report in reports for length in report.lengths])
    title = "Samples by their length in tokens"
    return joined(
        element("h3", title),
        of_each(names, [histogram(title, report.lengths, bins, "samples") for report in reports]),
        bin_table(title, "tokens", [report.lengths for report in reports], names),
    )


def _quantiles(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    known = [quantiles(it.lengths) for it in reports]
    shortest = [min(it.lengths, default=None) for it in reports]
    means = [f"{it.totals.tokens / it.totals.samples:,.1f}" if it.totals.samples else "–" for it in reports]
    rows: list[Row] = [(["shortest"], [[_tokens(it)] for it in shortest])]
    rows += [([label], [[_tokens(it.get(name))] for it in known]) for name, label in _QUANTILES.items()]
    rows.append((["mean"], [[it] for it in means]))
    return table("Length of the samples", ["Samples"], [Column("tokens")], names, rows)


def _tokens(length: int | None) -> str:
    return "–" if length is None else count(length)


def _curve(report: Report) -> Markup:
    if not report.limits:
        return element("p", "Not known for this report.", class_="remark")
    of = report.sequences
    curves = {
        "sequences cut": [_rate(limit.cut, of.number) for limit in report.limits],
        "tokens lost": [_rate(limit.lost_tokens, of.tokens) for limit in report.limits],
        "trained tokens lost": [_rate(limit.lost_trained_tokens, of.trained_tokens) for limit in report.limits],
    }
    says = [
        f"max_length {count(it.max_length)}: {count(it.cut)} sequences cut ({share(it.cut, of.number)}), "
        f"{count(it.lost_tokens)} tokens lost ({share(it.lost_tokens, of.tokens)}), "
        f"{count(it.lost_trained_tokens)} trained tokens lost ({share(it.lost_trained_tokens, of.trained_tokens)})"
        for it in report.limits
    ]
    title = "Share of sequences cut, tokens lost and trained tokens lost by max_length"
    chart = lines(title, [it.max_length for it in report.limits], curves, says, report.run.max_length)
    total = f"{count(of.number)} sequences with {count(of.tokens)} tokens, {count(of.trained_tokens)} of them trained."
    return joined(chart, element("p", f"100 % are {total}", class_="remark"))


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _limits(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    every = sorted({limit.max_length for report in reports for limit in report.limits})
    by_length = [{limit.max_length: limit for limit in report.limits} for report in reports]
    rows = [
        (
            [count(length)],
            [_limit_cells(report, limits.get(length)) for report, limits in zip(reports, by_length, strict=True)],
        )
        for length in every
    ]
    columns = [
        Column("sequences cut"), Column("share"), Column("tokens lost"), Column("share"),
        Column("trained tokens lost"), Column("share"),
    ]  # fmt: skip
    return folded("Show as a table", table("What each max_length would cut", ["max_length"], columns, names, rows))


def _limit_cells(report: Report, limit: LengthLimit | None) -> list[str] | None:
    if limit is None:
        return None
    of = report.sequences
    parts = [
        (limit.cut, of.number),
        (limit.lost_tokens, of.tokens),
        (limit.lost_trained_tokens, of.trained_tokens),
    ]
    return [it for part, whole in parts for it in (count(part), share(part, whole))]


def packing(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on packing.

    Args:
        reports: The reports.
        names: Their names.
    """
    every = sorted({plan.max_length for report in reports for plan in report.packing})
    by_length = [{plan.max_length: plan for plan in report.packing} for report in reports]
    rows = [([count(length)], [_pack_cells(plans.get(length)) for plans in by_length]) for length in every]
    columns = [Column("packs"), Column("filled"), Column("batches of 8, filled"), Column("too long")]
    about = (
        "chatmill plans these packs from the lengths of the samples. Filled: the share of places that hold a "
        "token of a sample; the rest is padding. Too long: samples that are longer than a pack. The plan leaves them "
        "out."
    )
    return section(
        "packing",
        "Packing",
        element("p", about, class_="remark"),
        table("Packs by their length", ["length in tokens"], columns, names, rows),
    )


def _pack_cells(plan: Packing | None) -> Sequence[object] | None:
    if plan is None:
        return None
    filled = [
        joined(f"{100 * rate:.1f} %", meter(1, 1, trained=rate)) for rate in (plan.efficiency, plan.batch_efficiency)
    ]
    return count(plan.packs), *filled, count(plan.too_long)
