"""`show_reports`: reports as text for the terminal; one in full, several side by side."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chatmill._chatmill import NOTES
from chatmill.reporting.bins import counts_in, few_bins
from chatmill.reporting.foreign import on_one_line
from chatmill.reporting.histogram import bar
from chatmill.reporting.model import Regions, Report
from chatmill.reporting.sentences import PROMPTS_COUNT
from chatmill.reporting.side_by_side import show_side_by_side
from chatmill.reporting.words import SHARE_NAMES, STATUS_STYLES, describe_run, quantile_text, verdict
from chatmill.statistics.quantiles import quantiles
from chatmill.terminal.console import new_console
from chatmill.text.numbers import percent

_WIDTH = 140
_BAR = 24
_SMALL_BAR = 10
# Longer lists are cut; the page and the JSON file have them in full.
_MOST_LINES = 20
_MOST_FINDINGS = 100
_MOST_TOKENS = 5
_LONGEST_ROLE = 30

_Section = tuple[str, RenderableType]


def show_reports(reports: Sequence[Report]) -> RenderableType:
    """Show reports.

    Args:
        reports: The reports; several are columns of one table.

    Returns:
        Text for `rich.print`. Texts of rows and names are visible, and cannot look like lines of the report.
    """
    return show_report(reports[0]) if len(reports) == 1 else show_side_by_side(reports)


def show_report(report: Report) -> RenderableType:
    """Show one report in full.

    Args:
        report: The report.
    """
    parts: list[RenderableType] = [describe_run(report.run), verdict(report)]
    for title, body in _sections(report):
        parts += [Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2))]
    return Group(*parts)


def report_text(reports: Sequence[Report]) -> str:
    """Return reports as plain text, without colors.

    Args:
        reports: The reports.
    """
    console = new_console(width=_WIDTH, color_system=None)
    with console.capture() as capture:
        console.print(show_reports(reports))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _sections(report: Report) -> Iterator[_Section]:
    if report.findings:
        yield "findings", Group(*_findings(report))
    if report.packs:
        yield f"packs of {report.packs[0].length:,} tokens", _packs(report)
    yield "totals", _totals(report)
    yield from _samples(report)
    if report.regions is not None:
        yield from _regions(report, report.regions)
    yield from _conversations(report)
    yield from _lists(report)


def _samples(report: Report) -> Iterator[_Section]:
    if any(report.lengths.values()):
        yield "lengths, in tokens", _lengths(report)
    if report.limits:
        yield "what a max_length cuts", _limits(report)
    if any(report.trained_shares):
        yield "trained share of a sample", _trained_shares(report)


def _lists(report: Report) -> Iterator[_Section]:
    if report.packing:
        yield "packing", _packing(report)
    if len(report.sources) > 1:
        yield "sources", _sources(report)
    if report.rejects:
        yield "rejected rows", _rejects(report)
    if any(report.notes.values()):
        yield "notes", _notes(report)
    if report.samples:
        yield f"{len(report.samples):,} samples", Text("--html FILE shows them", style="dim")


def _findings(report: Report) -> Iterator[Text]:
    for found in report.findings[:_MOST_FINDINGS]:
        text = Text()
        text.append(f"{found.status:<4} ", style=STATUS_STYLES[found.status])
        text.append(on_one_line(found.code), style="bold")
        text.append(f"  {on_one_line(found.text, 1000)}")
        for line in (f"first: {on_one_line(found.place)}" if found.place else "", on_one_line(found.remedy, 1000)):
            if line:
                text.append(f"\n     {line}", style="dim")
        yield text
    more = len(report.findings) - _MOST_FINDINGS
    if more > 0:
        yield Text(f"… and {more:,} more", style="dim")


def _totals(report: Report) -> Table:
    totals = report.totals
    table = _grid("left", "right", "left")
    untrained = _share(totals.untrained, totals.samples, "of the samples have no trained token")
    rows: list[tuple[str, int, str]] = [
        ("rows in", totals.rows_in, ""),
        ("rows out", totals.rows_out, ""),
        ("rejected", totals.rejected, _share(totals.rejected, totals.rows_in, "of the rows")),
        ("samples", totals.samples, "each answer with its prompt is one" if report.run.has_answers else ""),
        ("tokens", totals.tokens, _of_bytes(report)),
        ("trained", totals.trained_tokens, _share(totals.trained_tokens, totals.tokens, "of the tokens")),
        ("untrained", totals.untrained, untrained),
        ("truncated", totals.truncated, _lost(report)),
    ]
    if report.packs:
        rows.append(("lost in packs", sum(it.lost_rows for it in report.packs), _lost_in_packs(report)))
    if totals.assistant_turns:
        turns = f"trained, of {totals.assistant_turns:,} turns of the assistant"
        rows.append(("turns", totals.trained_turns, turns))
    estimated = "" if totals.are_duplicates_exact else ", estimated from a part of them"
    rows.append(("duplicates", totals.duplicates, f"samples are equal to an earlier one{estimated}"))
    begin = "samples begin with the begin-of-text token"
    rows.append(("BOS", totals.begins_with_bos, begin))
    for name, number, text in rows:
        table.add_row(name, f"{number:,}", text)
    return table


def _packs(report: Report) -> RenderableType:
    head = ("", "packs", "tokens", "full", "trained", "", "rows cut", "rows dropped", "tokens lost", "")
    table = _grid("left", *["right"] * 9, head=head)
    for it in report.packs:
        table.add_row(
            Text(on_one_line(it.split)),
            f"{it.packs:,}",
            f"{it.tokens:,}",
            percent(it.tokens, it.room),
            f"{it.trained_tokens:,}",
            percent(it.trained_tokens, it.tokens),
            f"{it.cut_rows:,}",
            f"{it.dropped_rows:,}",
            f"{it.lost_tokens:,}",
            percent(it.lost_tokens, it.tokens + it.lost_tokens),
        )
    return Group(table, Text("all other sections describe the rows before they were packed", style="dim"))


def _of_bytes(report: Report) -> str:
    totals = report.totals
    rate = f"{totals.bytes / totals.text_tokens:.2f} bytes per token" if totals.text_tokens else ""
    prompts = PROMPTS_COUNT if report.run.has_answers else ""
    return "; ".join(filter(None, [rate, prompts]))


def _lost(report: Report) -> str:
    totals = report.totals
    if not totals.truncated:
        return "rows cut to max_length"
    lost = percent(totals.cut_tokens, totals.tokens + totals.cut_tokens)
    return (
        f"rows cut to max_length; {totals.cut_tokens:,} tokens ({lost}) are lost, {totals.cut_trained_tokens:,} of "
        "them would have been trained"
    )


def _lost_in_packs(report: Report) -> str:
    lost = sum(it.lost_tokens for it in report.packs)
    share = percent(lost, lost + sum(it.tokens for it in report.packs))
    return f"rows cut or dropped by packing; {lost:,} tokens ({share}) are lost"


def _lengths(report: Report) -> RenderableType:
    bins = few_bins([report.lengths])
    counts = counts_in(bins, report.lengths)
    most = max(counts, default=0)
    table = _grid("right", "left", "right")
    for it, samples in zip(bins, counts, strict=True):
        label = f"{it.first:,}" if it.first == it.last else f"{it.first:,} – {it.last:,}"
        table.add_row(label, Text(bar(samples, most, _BAR), style="cyan"), f"{samples:,}")
    return Group(table, Text(f"at most: {quantile_text(quantiles(report.lengths))}"))


def _limits(report: Report) -> RenderableType:
    table = _grid(
        "right", "right", "right", "right", "right", head=("max_length", "rows cut", "tokens lost", "", "trained")
    )
    for it in report.limits:
        is_chosen = it.max_length == report.run.max_length
        share = percent(it.lost_tokens, report.sequences.tokens)
        table.add_row(
            Text(f"{it.max_length:,}", style="bold" if is_chosen else ""),
            f"{it.cut:,}",
            f"{it.lost_tokens:,}",
            share,
            f"{it.lost_trained_tokens:,}",
        )
    of = report.sequences
    return Group(table, Text(f"100 % are the {of.tokens:,} tokens of {of.number:,} sequences before any cut"))


def _trained_shares(report: Report) -> Table:
    table = _grid("left", "left", "right")
    most = max(report.trained_shares)
    for name, samples in zip(SHARE_NAMES, report.trained_shares, strict=True):
        table.add_row(name, Text(bar(samples, most, _BAR), style="green"), f"{samples:,}")
    return table


def _regions(report: Report, regions: Regions) -> Iterator[_Section]:
    known = "" if regions.rows == regions.of else f", of {regions.rows:,} of {regions.of:,} rows"
    if regions.shares:
        yield f"tokens by role and kind{known}", _shares(report, regions)
    if regions.turns:
        table = _grid("right", "right", "right", "right", "left", head=("turn", "turns", "tokens", "trained", ""))
        for it in regions.turns:
            name = f"{it.index + 1}{' and later' if it.and_later else ''}"
            table.add_row(name, f"{it.turns:,}", f"{it.tokens:,}", *_trained(it.trained_tokens, it.tokens))
        yield f"turns of the assistant{known}", table
    stops = regions.stops
    if stops.trained or stops.masked or stops.cut or stops.missing:
        table = _grid("left", "right", "left")
        for name, number, style, text in (
            ("trained", stops.trained, "", "the model learns to stop"),
            ("not trained", stops.masked, "red", "the stop token is there, but masked"),
            ("cut", stops.cut, "yellow", "max_length cut it off"),
            ("missing", stops.missing, "yellow", "the template ends the turn without one"),
        ):
            table.add_row(name, Text(f"{number:,}", style=style if number else ""), text)
        yield f"stop tokens of trained turns{known}", table
    if regions.reasoning_given:
        given = f"{regions.reasoning_printed:,} of {regions.reasoning_given:,} messages that have a field for it"
        yield "reasoning", Text(f"the template prints the reasoning of {given}")


def _shares(report: Report, regions: Regions) -> Table:
    head = ("role", "kind", "tokens", "", "trained", "")
    table = _grid("left", "left", "right", "right", "right", "left", head=head)
    for it in regions.shares[:_MOST_LINES]:
        table.add_row(
            Text(on_one_line(it.role, _LONGEST_ROLE) or "–"),
            Text(on_one_line(it.kind, _LONGEST_ROLE)),
            f"{it.tokens:,}",
            percent(it.tokens, report.totals.tokens),
            *_trained(it.trained_tokens, it.tokens),
        )
    return _with_rest(table, len(regions.shares))


def _trained(trained: int, tokens: int) -> tuple[str, Text]:
    return percent(trained, tokens), Text(bar(trained, tokens, _SMALL_BAR), style="green")


def _conversations(report: Report) -> Iterator[_Section]:
    if report.role_sequences:
        table = _grid("right", "left")
        for roles, rows in list(report.role_sequences.items())[:_MOST_LINES]:
            table.add_row(f"{rows:,}", Text(on_one_line(roles)))
        yield "roles of the messages", _with_rest(table, len(report.role_sequences))
    with_tools = sum(rows for tools, rows in report.tools.items() if tools)
    if with_tools:
        yield "tools", Text(f"{with_tools:,} rows declare tools, at most {max(report.tools):,}")
    for title, tokens in (("first trained tokens", report.first_trained), ("last trained tokens", report.last_trained)):
        if tokens:
            table = _grid("right", "right", "left", head=("samples", "id", "token"))
            for it in tokens[:_MOST_TOKENS]:
                table.add_row(f"{it.samples:,}", str(it.id), Text(on_one_line(it.text)))
            yield title, table


def _packing(report: Report) -> Table:
    head = ("max_length", "packs", "full", "", "too long", "batches of 8 full")
    table = _grid("right", "right", "right", "left", "right", "right", head=head)
    for it in report.packing:
        table.add_row(
            f"{it.max_length:,}",
            f"{it.packs:,}",
            percent(it.efficiency, 1),
            Text(bar(it.efficiency, 1, _SMALL_BAR), style="cyan"),
            f"{it.too_long:,}",
            percent(it.batch_efficiency, 1),
        )
    return table


def _sources(report: Report) -> Table:
    head = ("file", "rows", "rejected", "tokens", "trained", "bytes per token")
    table = _grid("left", *["right"] * 5, head=head)
    for it in report.sources[:_MOST_LINES]:
        table.add_row(
            Text(on_one_line(it.path)),
            f"{it.rows_in:,}",
            f"{it.rejected:,}",
            f"{it.tokens:,}",
            percent(it.trained_tokens, it.tokens),
            f"{it.bytes / it.text_tokens:.2f}" if it.text_tokens else "",
        )
    return _with_rest(table, len(report.sources))


def _rejects(report: Report) -> Table:
    table = _grid("left", "right", "left")
    for it in report.rejects[:_MOST_LINES]:
        # Without samples, there are no reasons.
        first = ": ".join(filter(None, [on_one_line(it.place), on_one_line(it.reason, 500)]))
        table.add_row(Text(on_one_line(it.code), style="red"), f"{it.rows:,}", Text(first))
    return _with_rest(table, len(report.rejects))


def _notes(report: Report) -> Table:
    table = _grid("left", "right", "left")
    for code, rows in report.notes.items():
        if rows:
            about = NOTES[code].rows if code in NOTES else ""
            table.add_row(Text(on_one_line(code)), f"{rows:,}", Text(about))
    return table


def _share(part: int, whole: int, what: str) -> str:
    return f"{percent(part, whole)} {what}" if whole else ""


def _grid(*columns: str, head: Iterable[str] = ()) -> Table:
    """Return a table without lines; each column is named by its side."""
    table = Table.grid(padding=(0, 2))
    for side in columns:
        table.add_column(justify="right" if side == "right" else "left", overflow="fold")
    names = tuple(head)
    if names:
        table.add_row(*(Text(name, style="dim") for name in names))
    return table


def _with_rest(table: Table, number: int) -> Table:
    if number > _MOST_LINES:
        table.add_row(Text(f"… and {number - _MOST_LINES:,} more", style="dim"))
    return table
