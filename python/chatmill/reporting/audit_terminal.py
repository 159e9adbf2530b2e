"""`show_audit`: an audit in the terminal: the first rows that differ, the counts of both sides, and the regions."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from chatmill.inspect.diff.report import RowDifference
from chatmill.inspect.diff.show import show_difference
from chatmill.inspect.diff.spans import DifferingSpan
from chatmill.reporting.audit_model import Audit, AuditedFailure, AuditedRow, AuditedSide
from chatmill.text.numbers import percent
from chatmill.text.visible import visible

_OUTPUT = "output"
_ASPECTS = {
    "failure": "tokens on one side only",
    "samples": "number of samples",
    "text": "text",
    "ids": "tokens",
    "labels": "labels",
    "weights": "weights",
}


def show_audit(audit: Audit, *, color: bool = True) -> Group:
    """Show an audit.

    Args:
        audit: The audit.
        color: Whether to use colors.

    Returns:
        What `rich.print` prints.
    """
    parts: list[RenderableType] = [*_rows(audit, color=color), _summary(audit, color=color)]
    if audit.regions:
        parts.append(_SoftTable(_table(audit)))
    return Group(*parts, *_failures(audit), *(Text(visible(note), "dim" if color else "") for note in audit.notes))


class _SoftTable:
    """A table as wide as its text: a narrow terminal wraps its lines, and leaves nothing out."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width, console.measure(self._table, options=options.update(max_width=10_000)).maximum)
        yield from console.render(self._table, options.update(width=width, max_width=width))


def _rows(audit: Audit, *, color: bool) -> Iterator[Text]:
    for row in audit.first:
        shown = show_difference(_difference(row), color=color, names=(_OUTPUT, audit.trainer))
        yield shown.append(f"\n  and {row.more_spans:,} more" if row.more_spans else "")
    more = audit.differing_rows - len(audit.first)
    if audit.first and more:
        yield Text(f"and {more:,} more {_rows_word(more)}")


def _difference(row: AuditedRow) -> RowDifference:
    spans = (
        DifferingSpan(it.start, it.end, it.text, it.output, it.trainer, it.message, it.role, it.kind)
        for it in row.spans
    )
    return RowDifference(row.row, row.place, row.aspect, tuple(spans))


def _summary(audit: Audit, *, color: bool) -> Text:
    shown = Text()
    of = f"{audit.rows:,}" if audit.rows == audit.of else f"the first {audit.rows:,}"
    headline = f"{audit.differing_rows:,} of {of} rows differ from what {audit.trainer} would train"
    shown.append(headline, "bold" if color else "")
    counts = ", ".join(f"{_ASPECTS[aspect]} {count:,}" for aspect, count in audit.differing.items())
    shown.append(f": {counts}" if counts else "")
    if audit.options:
        given = ", ".join(f"{name}={value!r}" for name, value in audit.options.items())
        shown.append(visible(f"\n{audit.trainer} with {given}"))
    width = max(len(_OUTPUT), len(audit.trainer)) + 1
    for name, side in ((_OUTPUT, audit.of_output), (audit.trainer, audit.of_trainer)):
        shown.append(f"\n{f'{name}:':<{width}} {_side(side)}")
    trained = audit.trained
    shown.append(f"\ntrained by both {trained.both:,}, only by the output {trained.only_output:,}, ")
    return shown.append(f"only by {audit.trainer} {trained.only_trainer:,}")


def _side(side: AuditedSide) -> str:
    share = percent(side.trained_tokens, side.tokens)
    untrained = f", {side.untrained:,} without a trained token" if side.untrained else ""
    return (
        f"{side.rows:,} {_rows_word(side.rows)}{untrained}, trained {side.trained_tokens:,} of {side.tokens:,} tokens "
        f"({share})"
    )


def _table(audit: Audit) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for name in ("role", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("both", "only output", f"only {audit.trainer}"):
        table.add_column(name, justify="right", no_wrap=True)
    for region in audit.regions:
        trained = region.trained
        names = (region.role or "-", region.kind or "unknown")
        numbers = (trained.both, trained.only_output, trained.only_trainer)
        # A role comes from the row, so it may be any text, also markup of rich.
        table.add_row(*(Text(visible(name)) for name in names), *(f"{number:,}" for number in numbers))
    return table


def _failures(audit: Audit) -> Iterator[Text]:
    for failure in audit.failures:
        yield Text(visible(_failure(audit, failure)))


def _failure(audit: Audit, failure: AuditedFailure) -> str:
    rows = f"{failure.rows:,} {_rows_word(failure.rows)}"
    has = (
        f"the output rejected {rows}" if failure.side == "output" else f"{audit.trainer} cannot make labels for {rows}"
    )
    return f"{has}: {failure.code}, such as {failure.place}: {failure.reason}"


def _rows_word(count: int) -> str:
    return "row" if count == 1 else "rows"
