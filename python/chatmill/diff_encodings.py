"""A row as two mills encode it: whether they differ, in what, and where."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile, zip_longest
from typing import Literal, Protocol, TypeAlias, TypeVar

from chatmill._chatmill import Encoding, Region, RowFailure, Token
from chatmill.lint.quote import difference as first_difference
from chatmill.lint.quote import excerpt
from chatmill.show import Stretch, known_regions, stretches, tell_failure, token_weights

What: TypeAlias = Literal["failure", "samples", "text", "ids", "labels", "weights"]
Result: TypeAlias = Encoding | RowFailure


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


def compare(left: Result, right: Result) -> tuple[What, list[Span]] | None:
    """What differs first, and where.

    Args:
        left: What came of a row on the left side.
        right: What came of it on the right side.

    Returns:
        As in `RowDifference`; None for two equal sides.
    """
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


def count_trained(encoding: Encoding) -> int:
    """The tokens that are trained, however little they count.

    Args:
        encoding: What `Mill.encode` gives.
    """
    return sum(weight > 0 for weight in token_weights(encoding))


def _what(left: Encoding, right: Encoding) -> What | None:
    if left.input_ids != right.input_ids:
        return "ids"
    if left.labels != right.labels:
        return "labels"
    # Weights that are 1 wherever something is trained count as none do.
    return "weights" if token_weights(left) != token_weights(right) else None


def _tell(result: Result) -> str:
    """What came of a row."""
    if isinstance(result, RowFailure):
        return tell_failure(result)
    return f"trained {count_trained(result):,} of {len(result):,} tokens"


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


class _Placed(Protocol):
    """What stands at some characters of a text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


_T = TypeVar("_T", bound=_Placed)


def _index(placed: Sequence[_T], at: int) -> int:
    """Which of those that cover a text covers a character."""
    return bisect_right(placed, at, key=lambda it: it.start) - 1
