"""Two mills over the same rows: where their texts, tokens or labels differ."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.text import Text

from chatmill._chatmill import DataError, Mill, RowError, RowFailure
from chatmill.diff_encodings import Result, Span, What, compare, count_trained
from chatmill.inputs import InputFile, InputPath, find_inputs, read_blocks
from chatmill.lint.quote import shorten
from chatmill.show import name_region, place_of, visible

__all__ = [
    "DiffReport",
    "RowDifference",
    "Side",
    "Span",
    "What",
    "diff_rows",
    "show_difference",
    "show_sides",
    "show_summary",
]

_TITLES: dict[What, str] = {
    "failure": "a failure",
    "samples": "the numbers of samples differ",
    "text": "the texts differ",
    "ids": "the tokens differ",
    "labels": "the labels differ",
    "weights": "the weights differ",
}
_LONGEST, _MOST_SPANS = 80, 20
_STATES = {"trained": "green", "masked": "dim", "no token": "dim"}


@dataclass(frozen=True)
class RowDifference:
    """One row that is not the same on both sides.

    Attributes:
        row: Which one, from 0, over all inputs.
        place: Where it stands, such as `chats.jsonl, line 3`.
        what: What differs first on the way from the row to the loss: the row fails on one side, or for another reason
            (`failure`), or it has another `text`, other `ids`, `labels` or `weights`; compared with an output, also
            another number of `samples`.
        spans: Where: for labels and weights all places; for ids the first place, then those that count otherwise; for
            texts the first place; for failures one span without characters.
    """

    row: int
    place: str
    what: What
    spans: tuple[Span, ...]


@dataclass
class Side:
    """What came of the rows on one side.

    Attributes:
        tokens: Tokens of all rows.
        trained_tokens: Those of them with a label.
        failed: Rows without tokens.
    """

    tokens: int = 0
    trained_tokens: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        """Count a row.

        Args:
            result: What came of it.
        """
        if isinstance(result, RowFailure):
            self.failed += 1
        else:
            self.tokens += len(result)
            self.trained_tokens += count_trained(result)


class DiffReport:
    """The rows that differ, one after the other: iterate once. The counts are of the rows seen so far.

    Attributes:
        rows: Rows seen.
        differing: Those of them that differ, by what.
        left: Counts of the left side.
        right: Counts of the right side.
    """

    def __init__(self, pairs: "Iterator[_Pair]") -> None:
        self.rows = 0
        self.differing: Counter[What] = Counter()
        self.left = Side()
        self.right = Side()
        self._pairs = pairs

    def __iter__(self) -> Iterator[RowDifference]:
        for pair in self._pairs:
            self.rows += 1
            self.left.add(pair.left)
            self.right.add(pair.right)
            found = compare(pair.left, pair.right)
            if found is not None:
                what, spans = found
                self.differing[what] += 1
                yield RowDifference(pair.row, pair.place, what, tuple(spans))


def diff_rows(
    left: Mill, right: Mill, inputs: InputPath | Sequence[InputPath], *, rows: int | None = None
) -> DiffReport:
    """Encode every row with two mills, and find where they differ. One row is held at a time.

    Rows are encoded as by `Mill.encode_row`: of a mill's options for long rows only `max_length` counts.

    Args:
        left: A mill.
        right: Another one, with other labels, another template or another tokenizer.
        inputs: As for `prepare`.
        rows: How many rows to look at; None for all.

    Returns:
        The differences, to be iterated over, and their counts.

    Raises:
        DataError: A file is missing or, while iterating, cannot be read.

    Example:
        >>> report = diff_rows(mill, Mill(tokenizer, template, labels="last"), "chats.jsonl")  # doctest: +SKIP
        >>> for difference in report:  # doctest: +SKIP
        ...     print(show_difference(difference))
        >>> print(show_summary(report))  # doctest: +SKIP
    """
    for form in (left.format, right.format):
        if form is not None and (form.has_answers or form.holds_tokens or form.core.get("windows")):
            raise DataError(f"rows of the format {form.name} have no encoding to look at, and are not compared")
    return DiffReport(islice(_pairs(left, right, find_inputs(inputs)), rows))


def show_difference(
    difference: RowDifference, *, color: bool = True, names: tuple[str, str] = ("left", "right")
) -> Text:
    """One row with the places where it differs.

    Args:
        difference: What a `DiffReport` yields.
        color: Print in colours.
        names: What to call the sides.

    Returns:
        Text for `rich.print`, or for `str`.

    Example:
        >>> span = Span(61, 67, "Hello!", "trained", "masked", 1, "assistant", "content")
        >>> found = RowDifference(0, "chats.jsonl, line 1", "labels", (span,))
        >>> print(show_difference(found, names=("all", "last")))
        row 0 (chats.jsonl, line 1): the labels differ
          message 1 · assistant · content, 61 to 67: 'Hello!'
            all: trained, last: masked
    """
    shown = Text()
    shown.append(f"row {difference.row}", style="bold" if color else "")
    shown.append(f" ({visible(difference.place)}): {_TITLES[difference.what]}")
    for span in difference.spans[:_MOST_SPANS]:
        if difference.what not in ("failure", "samples"):
            shown.append(f"\n  {_where(span)}", style="cyan" if color else "")
            shown.append(f": {shorten(repr(span.text), _LONGEST)}" if span.text else "")
        _append_sides(shown, span, names, color=color)
    more = len(difference.spans) - _MOST_SPANS
    shown.append(f"\n  and {more:,} more" if more > 0 else "")
    return shown


def show_summary(report: DiffReport, *, color: bool = True, names: tuple[str, str] = ("left", "right")) -> Text:
    """How many rows differ in what, and what the sides train.

    Args:
        report: What `diff_rows` gives; the counts are of the rows that it was iterated over.
        color: Print in colours.
        names: What to call the sides.

    Returns:
        Text for `rich.print`, or for `str`.

    Example:
        >>> print(show_summary(DiffReport(iter(()))))
        0 of 0 rows differ
        left:  trained 0 of 0 tokens (0.0 %)
        right: trained 0 of 0 tokens (0.0 %)
    """
    differing = report.differing.total()
    shown = Text()
    shown.append(f"{differing:,} of {report.rows:,} rows differ", style="bold" if color else "")
    told = ", ".join(f"{what} {count:,}" for what, count in report.differing.most_common())
    shown.append(f": {told}" if told else "")
    show_sides(shown, report, names, color=color)
    return shown


def show_sides(shown: Text, report: DiffReport, names: tuple[str, str], *, color: bool) -> None:
    """Append what the sides train, a line each.

    Args:
        shown: What to append to.
        report: What the counts are of.
        names: What to call the sides.
        color: Print in colours.
    """
    width = max(map(len, names)) + 1
    for name, side in zip(names, (report.left, report.right), strict=True):
        trained, share = side.trained_tokens, 100 * side.trained_tokens / max(1, side.tokens)
        shown.append(f"\n{f'{name}:':<{width}} trained {trained:,} of {side.tokens:,} tokens ({share:.1f} %)")
        if side.failed:
            shown.append(f", {side.failed:,} row{'s' if side.failed > 1 else ''} failed", style="red" if color else "")


@dataclass(frozen=True)
class _Pair:
    """One row on both sides."""

    row: int
    place: str
    left: Result
    right: Result


def _pairs(left: Mill, right: Mill, files: Sequence[InputFile]) -> Iterator[_Pair]:
    row = 0
    columns = None if left.format is None else left.format.columns
    for block in read_blocks(files, columns=columns, block_bytes=1 << 20):
        for index in range(block.batch.num_rows):
            results: list[Result] = []
            for mill in (left, right):
                try:
                    results.append(mill.encode_row(block.batch, index, json_column=block.json_column))
                except RowError as error:  # noqa: PERF203  # a row that fails is a result
                    results.append(error.failure)
            yield _Pair(row, place_of(block, index), *results)
            row += 1


def _append_sides(shown: Text, span: Span, names: tuple[str, str], *, color: bool) -> None:
    """States on one line; quotes, tokens and reasons are longer, and stand below each other."""
    sides = [(visible(side), _STATES.get(side.partition(" ×")[0])) for side in (span.left, span.right)]
    is_short = all(style is not None for _, style in sides)
    width = 0 if is_short else max(map(len, names)) + 1
    for at, (name, (side, style)) in enumerate(zip(names, sides, strict=True)):
        shown.append(", " if is_short and at else "\n    ")
        shown.append(f"{f'{name}:':<{width}} ")
        shown.append(side, style=(style or "") if color else "")


def _where(span: Span) -> str:
    name = f"{visible(name_region(span.message, span.role, span.kind))}, " if span.kind is not None else ""
    return f"{name}{span.start} to {span.end}" if span.text else f"{name}from {span.start} on"
