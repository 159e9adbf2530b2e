"""`PrintedReport`: a report that prints itself as a table."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from chatmill._chatmill import NOTES
from chatmill.arrange import Arranged
from chatmill.outputs.rejects import REJECTS
from chatmill.pipeline.report import PrepareReport
from chatmill.terminal.console import new_console
from chatmill.text.numbers import percent, short_number
from chatmill.text.visible import visible

_WIDTH = 160


@dataclass(frozen=True)
class PrintedReport(PrepareReport):
    """A report that prints itself as a table: with `print` as plain text, with rich in colors."""

    @classmethod
    def of(cls, report: PrepareReport) -> "PrintedReport":
        """Make a report that prints itself.

        Args:
            report: The report.
        """
        return cls(**{it.name: getattr(report, it.name) for it in fields(report)})

    def __rich__(self) -> RenderableType:
        return show_report(self)

    def __str__(self) -> str:
        console = new_console(width=_WIDTH, color_system=None)
        with console.capture() as capture:
            console.print(show_report(self))
        return "\n".join(line.rstrip() for line in capture.get().splitlines())


def show_report(report: PrepareReport) -> RenderableType:
    """Make the table of a report, with its warnings.

    Args:
        report: The report.

    Returns:
        Text for `rich.print`.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for name, number, text in _rows(report):
        table.add_row(name, number, text)
    warnings = (Text(visible(warning), style="yellow") for warning in _warnings(report))
    packs, how_to_train = report.packs, report.how_to_train
    lines = [] if packs is None else packs.lines()
    # The lines are copied into a script or a config, so they are never wrapped.
    lines += ["", *how_to_train.splitlines()] if how_to_train else []
    return Group(table, *warnings, *(Text(visible(line), no_wrap=True, overflow="ignore") for line in lines))


_Row = tuple[str | Text, str, str | Text]


def _rows(report: PrepareReport) -> Iterator[_Row]:
    yield "rows in", f"{report.rows_in:,}", ""
    cut = f"{report.truncated:,} cut to max_length, {report.cut_tokens:,} tokens lost" if report.truncated else ""
    several = f"{report.samples:,} samples" if report.samples != report.rows_out else ""
    yield "rows out", f"{report.rows_out:,}", ", ".join(filter(None, [several, cut]))
    yield "rejected", f"{report.rejected:,}", _rejected(report)
    for code, count in report.reasons.items():
        example = report.examples[code]
        yield Text(f"  {code}", style="red"), f"{count:,}", Text(visible(f"{example.place}: {example.reason}"))
    speed = f"{short_number(report.tokens_per_second)} per second, {report.seconds:.1f} s"
    yield "tokens", f"{report.tokens:,}", speed
    if report.lengths:
        longest = ", ".join(f"{name if name == 'max' else f'{name} %'}: {n:,}" for name, n in report.lengths.items())
        yield "per sample", "", f"tokens, at most ({longest})"
    yield "trained", f"{report.trained_tokens:,}", _trained(report)
    if report.assistant_turns:
        share = percent(report.trained_turns, report.assistant_turns)
        yield "turns", f"{report.trained_turns:,}", f"trained, of {report.assistant_turns:,} assistant turns ({share})"
    yield from _notes(report)
    if isinstance(report.format, str) or report.format_reason:
        name = report.format if isinstance(report.format, str) else "messages"
        yield "format", "", Text(visible(f"{name}; {report.format_reason}" if report.format_reason else name))
    if report.arranged is not None:
        yield from _arranged(report.arranged)
    if report.reused_blocks:
        some = "" if report.blocks == 1 else f"{report.reused_blocks:,} of them "
        yield "blocks", f"{report.blocks:,}", f"{some}made by an earlier run"
    shards = [*report.shards, *report.validation_shards]
    size = decimal(sum(shard.bytes for shard in shards))
    parts = f", {len(report.validation_shards):,} of them for validation" if report.validation_shards else ""
    yield "shards", f"{len(shards):,}", Text(visible(f"{size} in {report.output}{parts}"))
    yield "engine", report.engine.name, Text(f"{report.engine.version}; {report.engine.reason}")


def explain_rejects(report: PrepareReport) -> str:
    """Say that too many rows are rejected, why, and what to do.

    Args:
        report: A report whose `too_many_rejected` is true.

    Returns:
        An error in one paragraph.
    """
    code, rows = next(iter(report.reasons.items()))
    example = report.examples[code]
    share = percent(report.rejected, report.rows_in)
    return (
        f"{report.rejected:,} of {report.rows_in:,} rows ({share}) are rejected, more than `max_rejected` "
        f"({report.max_rejected}); most often {code} ({rows:,} rows, first {example.place}: {example.reason}). "
        f"The output is complete, and {report.output / REJECTS} has the rejected rows; correct them, or allow more "
        f"with `--max-rejected {_next_percent(report)}%`"
    )


def _next_percent(report: PrepareReport) -> int:
    """Return the least whole percentage that allows the rejected rows."""
    return -(-100 * report.rejected // report.rows_in)


def _rejected(report: PrepareReport) -> Text:
    if not report.rejected:
        return Text("")
    text = Text(visible(str(report.output / REJECTS)))
    if report.too_many_rejected:
        text.append(f"; more than max_rejected ({report.max_rejected})", style="red")
    return text


def _trained(report: PrepareReport) -> str:
    share = percent(report.trained_tokens, report.tokens)
    if report.untrained and report.labels != "none":
        return f"{share}, no trained token in {report.untrained:,} samples"
    return share


def _notes(report: PrepareReport) -> Iterator[_Row]:
    for code, note in NOTES.items():
        rows = report.notes.get(code)
        if rows and code != "truncated":  # the line `rows out` shows it
            style = "green" if note.is_about_labels else "yellow"
            yield Text(f"  {code}", style=style), f"{rows:,}", Text(note.rows)


def _arranged(arranged: Arranged) -> Iterator[_Row]:
    if arranged.duplicates:
        yield "duplicates", f"{arranged.duplicates:,}", "samples left out, because an equal sample came earlier"
    if arranged.validation.rows:
        yield "validation", f"{arranged.validation.rows:,}", f"samples, {arranged.validation.tokens:,} tokens"
    yield "training", f"{arranged.training.rows:,}", f"samples, {arranged.training.tokens:,} tokens"


def _warnings(report: PrepareReport) -> Iterator[str]:
    if report.trained_tokens == 0 and report.labels != "none":
        yield "No token is trained; check the roles of the messages, and look at a row with `chatmill show`."
    yield from report.warnings
