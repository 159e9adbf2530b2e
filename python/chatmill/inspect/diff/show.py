"""Differences as text: one row with its differing spans, and the summary of a comparison."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from chatmill._chatmill import ChatTemplate, Tokenizer, __version__
from chatmill.drawing.spans import name_region
from chatmill.inspect.diff.outputs import OUTPUT_NAMES, OutputReport
from chatmill.inspect.diff.report import DiffReport, RowDifference
from chatmill.inspect.diff.spans import Aspect, DifferingSpan
from chatmill.text.numbers import percent
from chatmill.text.quote import shorten
from chatmill.text.visible import visible

_TITLES: dict[Aspect, str] = {
    "failure": "a failure",
    "samples": "the numbers of samples differ",
    "text": "the texts differ",
    "ids": "the tokens differ",
    "labels": "the labels differ",
    "weights": "the weights differ",
}
_LONGEST, _MOST_SPANS = 80, 20
_STATES = {"trained": "green", "masked": "dim", "no token": "dim"}
_FINGERPRINT_DIGITS = 12


def show_difference(
    difference: RowDifference, *, color: bool = True, names: tuple[str, str] = ("left", "right")
) -> Text:
    """Show one row with its differing spans.

    Args:
        difference: A difference from a `DiffReport`.
        color: Whether to use colors.
        names: The names of the sides.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> span = DifferingSpan(61, 67, "Hello!", "trained", "masked", 1, "assistant", "content")
        >>> found = RowDifference(0, "chats.jsonl, line 1", "labels", (span,))
        >>> print(show_difference(found, names=("all", "last")))
        row 0 (chats.jsonl, line 1): the labels differ
          message 1 · assistant · content, 61 to 67: 'Hello!'
            all: trained, last: masked
    """
    shown = Text()
    shown.append(f"row {difference.row}", style="bold" if color else "")
    shown.append(f" ({visible(difference.place)}): {_TITLES[difference.aspect]}")
    for span in difference.spans[:_MOST_SPANS]:
        if difference.aspect not in ("failure", "samples"):
            shown.append(f"\n  {_place(span)}", style="cyan" if color else "")
            shown.append(f": {shorten(repr(span.text), _LONGEST)}" if span.text else "")
        _append_states(shown, span, names, color=color)
    more = len(difference.spans) - _MOST_SPANS
    shown.append(f"\n  and {more:,} more" if more > 0 else "")
    return shown


def show_summary(report: DiffReport, *, color: bool = True, names: tuple[str, str] = ("left", "right")) -> Text:
    """Show the number of rows that differ, and the trained tokens of both sides.

    Args:
        report: A report from `diff_rows`; the counts cover the rows that were iterated over.
        color: Whether to use colors.
        names: The names of the sides.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> from chatmill.inspect.diff.mills import MillsReport
        >>> print(show_summary(MillsReport(iter(()))))
        0 of 0 rows differ
        left:  trained 0 of 0 tokens (0.0 %)
        right: trained 0 of 0 tokens (0.0 %)
    """
    shown = _headline(report, color=color)
    counts = ", ".join(f"{aspect} {count:,}" for aspect, count in report.differing.most_common())
    shown.append(f": {counts}" if counts else "")
    _append_sides(shown, report, names, color=color)
    return shown


def show_output_summary(report: OutputReport, *, color: bool = True) -> Text:
    """Show the number of rows that differ from an output, and the changed options and versions.

    Args:
        report: A report from `diff_output`; the counts cover the rows that were iterated over.
        color: Whether to use colors.

    Returns:
        Text for `rich.print` or `str`.
    """
    shown = _headline(report, color=color)
    counts = _output_counts(report)
    shown.append(f": {counts}" if counts else "")
    _append_sides(shown, report, OUTPUT_NAMES, color=color)
    manifest = report.output.manifest
    created = str(manifest.get("created", ""))[:10]
    shown.append(f"\nwritten by chatmill {manifest['chatmill']}{f' on {created}' if created else ''}")
    shown.append(f"; this is {__version__}")
    for name, now in (("template", report.mill.template), ("tokenizer", report.mill.tokenizer)):
        if manifest[name]["fingerprint"] != now.fingerprint:
            shown.append(f"\n{name}: written with {_source(manifest[name])}, now {_source(now)}")
            # The tokenizer of the output is not available.
            shown.append("; written ids are decoded with the current tokenizer" if name == "tokenizer" else "")
    for name, (recorded, given) in report.changed.items():
        shown.append(f"\n{name}: written with {recorded!r}, now {given!r}")
    for warning in report.warnings:
        shown.append(f"\n{warning}", style="yellow" if color else "")
    return shown


def _headline(report: DiffReport, *, color: bool) -> Text:
    shown = Text()
    shown.append(f"{report.differing.total():,} of {report.rows:,} rows differ", style="bold" if color else "")
    return shown


def _append_sides(shown: Text, report: DiffReport, names: tuple[str, str], *, color: bool) -> None:
    width = max(map(len, names)) + 1
    for name, side in zip(names, (report.left, report.right), strict=True):
        share = percent(side.trained_tokens, side.tokens)
        shown.append(f"\n{f'{name}:':<{width}} trained {side.trained_tokens:,} of {side.tokens:,} tokens ({share})")
        if side.failed:
            shown.append(f", {side.failed:,} row{'s' if side.failed > 1 else ''} failed", style="red" if color else "")


def _append_states(shown: Text, span: DifferingSpan, names: tuple[str, str], *, color: bool) -> None:
    """Append both states: short states on one line; quotes, tokens and reasons on lines of their own."""
    sides = [(visible(side), _STATES.get(side.partition(" ×")[0])) for side in (span.left, span.right)]
    is_short = all(style is not None for _, style in sides)
    width = 0 if is_short else max(map(len, names)) + 1
    for at, (name, (side, style)) in enumerate(zip(names, sides, strict=True)):
        shown.append(", " if is_short and at else "\n    ")
        shown.append(f"{f'{name}:':<{width}} ")
        shown.append(side, style=(style or "") if color else "")


def _place(span: DifferingSpan) -> str:
    name = f"{visible(name_region(span.message, span.role, span.kind))}, " if span.kind is not None else ""
    return f"{name}{span.start} to {span.end}" if span.text else f"{name}from {span.start} on"


def _output_counts(report: OutputReport) -> str:
    differing = report.differing
    texts, other_ids = differing["text"], differing["text"] + differing["ids"]
    one_side = report.rejected_left + report.rejected_right
    sides = f"{OUTPUT_NAMES[0]} {report.rejected_left:,}, {OUTPUT_NAMES[1]} {report.rejected_right:,}"
    counts = [
        (other_ids, f"ids {other_ids:,}" + (f" (in {texts:,} the text)" if texts else "")),
        *((differing[aspect], f"{aspect} {differing[aspect]:,}") for aspect in ("labels", "weights")),
        (differing["samples"], f"number of samples {differing['samples']:,}"),
        (one_side, f"rejected on one side only {one_side:,} ({sides})"),
        (differing["failure"] - one_side, f"rejected for another reason {differing['failure'] - one_side:,}"),
    ]
    return ", ".join(text for count, text in counts if count)


def _source(source: Mapping[str, Any] | ChatTemplate | Tokenizer) -> str:
    known = source if isinstance(source, Mapping) else {"name": source.name, "fingerprint": source.fingerprint}
    return f"{known['name']} ({known['fingerprint'][:_FINGERPRINT_DIGITS]})"
