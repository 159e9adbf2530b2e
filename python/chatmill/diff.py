"""Two mills over the same rows: where their texts, tokens or labels differ."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile, zip_longest
from typing import Literal, Protocol, TypeAlias, TypeVar

from rich.text import Text

from chatmill._chatmill import Encoding, Mill, Region, RowError, RowFailure, Token
from chatmill.inputs import InputFile, InputPath, find_inputs, read_blocks
from chatmill.lint.quote import difference as first_difference
from chatmill.lint.quote import excerpt, shorten
from chatmill.show import (
    Stretch,
    known_regions,
    name_region,
    place_of,
    stretches,
    tell_failure,
    token_weights,
    visible,
)

What: TypeAlias = Literal["failure", "samples", "text", "ids", "labels", "weights"]
_Result: TypeAlias = Encoding | RowFailure

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
class Span:
    """Characters of a row that the two sides have otherwise.

    Attributes:
        start: First character, an index into the text; where texts differ, into that of the left side.
        end: One past the last character; `start` where texts differ, from there on they do.
        text: These characters.
        left: What the left side has: `trained`, `trained × 0.5`, `masked`, `no token` (the row is cut); a quote, where
            texts differ; tokens with their ids, where ids do; the reason of a failure, or what came of the row.
        right: What the right side has.
        message: Index of the message that put them there, or None where that is not known, or no message did.
        role: Its role.
        kind: The kind of their region, or None where that is not known.
    """

    start: int
    end: int
    text: str
    left: str
    right: str
    message: int | None = None
    role: str | None = None
    kind: str | None = None


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

    def add(self, result: _Result) -> None:
        """Count a row.

        Args:
            result: What came of it.
        """
        if isinstance(result, RowFailure):
            self.failed += 1
        else:
            self.tokens += len(result)
            self.trained_tokens += _trained(result)


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
            found = _compare(pair.left, pair.right)
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
    left: _Result
    right: _Result


class _Placed(Protocol):
    """What stands at some characters of a text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


_T = TypeVar("_T", bound=_Placed)


def _pairs(left: Mill, right: Mill, files: Sequence[InputFile]) -> Iterator[_Pair]:
    row = 0
    columns = None if left.format is None else left.format.columns
    for block in read_blocks(files, columns=columns, block_bytes=1 << 20):
        for index in range(block.batch.num_rows):
            results: list[_Result] = []
            for mill in (left, right):
                try:
                    results.append(mill.encode_row(block.batch, index, json_column=block.json_column))
                except RowError as error:  # noqa: PERF203  # a row that fails is a result
                    results.append(error.failure)
            yield _Pair(row, place_of(block, index), *results)
            row += 1


def _compare(left: _Result, right: _Result) -> tuple[What, list[Span]] | None:
    """What differs first, and where; None for two equal sides."""
    if isinstance(left, RowFailure) or isinstance(right, RowFailure):
        if isinstance(left, RowFailure) and isinstance(right, RowFailure) and left.code == right.code:
            return None
        return "failure", [Span(0, 0, "", _tell(left), _tell(right))]
    if left.text != right.text:
        return "text", [_text_span(left, right)]
    what = _what(left, right)
    if what is None:
        return None
    spans = _state_spans(left, right)
    if what == "ids":
        return what, [_token_span(left, right), *spans]
    # Tokens without characters of their own have no stretch.
    return what, spans or [_weight_span(left, right)]


def _what(left: Encoding, right: Encoding) -> What | None:
    if left.input_ids != right.input_ids:
        return "ids"
    if left.labels != right.labels:
        return "labels"
    # Weights that are 1 wherever something is trained count as none do.
    return "weights" if token_weights(left) != token_weights(right) else None


def _tell(result: _Result) -> str:
    """What came of a row."""
    if isinstance(result, RowFailure):
        return tell_failure(result)
    return f"trained {_trained(result):,} of {len(result):,} tokens"


def _text_span(left: Encoding, right: Encoding) -> Span:
    at = first_difference(left.text, right.text)
    # Where one text ends, the other one tells whose the next character is.
    known = known_regions(left if at < len(left.text) else right)
    return span_at(known, at, at, "", excerpt(left.text, at), excerpt(right.text, at))


def _token_span(left: Encoding, right: Encoding) -> Span:
    """The first tokens that are not the same, as far as the longer of them reaches."""
    pairs = enumerate(zip_longest(left.input_ids, right.input_ids))
    index = next(index for index, (one, other) in pairs if one != other)
    rests = left.tokens[index:], right.tokens[index:]
    first = [rest[0] for rest in rests if rest]
    start, end = min(token.start for token in first), max(token.end for token in first)
    told = (_tell_tokens(rest, end) for rest in rests)
    return span_at(known_regions(left), start, end, left.text[start:end], *told)


def _tell_tokens(tokens: list[Token], end: int) -> str:
    told = tokens[:1] + list(takewhile(lambda token: token.start < end, tokens[1:]))
    return ", ".join(f"{token.text!r} ({token.id})" for token in told) or "no token"


def _weight_span(left: Encoding, right: Encoding) -> Span:
    """The first token that does not count the same."""
    weights = zip(left.tokens, token_weights(left), token_weights(right), strict=True)
    token, *sides = next((token, one, other) for token, one, other in weights if one != other)
    told = (Stretch(token.start, token.end, weight).state for weight in sides)
    return span_at(known_regions(left), token.start, token.end, token.text, *told)


def _state_spans(left: Encoding, right: Encoding) -> list[Span]:
    """All characters that do not count the same, cut at the edges of regions."""
    sides, regions = (stretches(left), stretches(right)), known_regions(left)
    edges = {edge for layer in (*sides, regions) for it in layer for edge in (it.start, it.end)}
    spans = []
    for start, end in pairwise(sorted(edges)):
        one, other = (side[_index(side, start)] for side in sides)
        if one.weight != other.weight:
            spans.append(span_at(regions, start, end, left.text[start:end], one.state, other.state))
    return spans


def span_at(regions: Sequence[Region], start: int, end: int, text: str, left: str, right: str) -> Span:
    """A span with its message, role and kind, where these are known.

    Args:
        regions: Those of the text that `start` counts in; none where they are not known.
        start: As for `Span`, as all others.
        end: One past the last character.
        text: The characters.
        left: What the left side has.
        right: What the right side has.
    """
    if not regions:
        return Span(start, end, text, left, right)
    region = regions[_index(regions, start)]
    return Span(start, end, text, left, right, region.message, region.role, region.kind)


def _index(placed: Sequence[_T], at: int) -> int:
    """Which of those that cover a text covers a character."""
    return bisect_right(placed, at, key=lambda it: it.start) - 1


def _append_sides(shown: Text, span: Span, names: tuple[str, str], *, color: bool) -> None:
    """States on one line; quotes, tokens and reasons are longer, and stand below each other."""
    sides = [(visible(side), _STATES.get(side.partition(" ×")[0])) for side in (span.left, span.right)]
    is_short = all(style is not None for _, style in sides)
    width = 0 if is_short else max(map(len, names)) + 1
    for at, (name, (side, style)) in enumerate(zip(names, sides, strict=True)):
        shown.append(", " if is_short and at else "\n    ")
        shown.append(f"{f'{name}:':<{width}} ")
        shown.append(side, style=(style or "") if color else "")


def _trained(encoding: Encoding) -> int:
    return sum(weight > 0 for weight in token_weights(encoding))


def _where(span: Span) -> str:
    name = f"{visible(name_region(span.message, span.role, span.kind))}, " if span.kind is not None else ""
    return f"{name}{span.start} to {span.end}" if span.text else f"{name}from {span.start} on"
