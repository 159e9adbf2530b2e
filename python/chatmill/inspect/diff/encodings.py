"""`compare_encodings`: the differences between two encodings of one row."""

from itertools import pairwise, takewhile, zip_longest
from typing import TypeAlias

from chatmill._chatmill import Encoding, RowFailure, Token
from chatmill.drawing.spans import describe_weight, known_regions, text_spans, token_weights
from chatmill.inspect.diff.spans import Aspect, DifferingSpan, index_at, span_at
from chatmill.text.failures import describe_failure
from chatmill.text.quote import excerpt, first_difference

EncodedRow: TypeAlias = Encoding | RowFailure


def compare_encodings(left: EncodedRow, right: EncodedRow) -> tuple[Aspect, list[DifferingSpan]] | None:
    """Find the first aspect in which two encodings of a row differ, and the differing spans.

    Args:
        left: The row on the left side.
        right: The row on the right side.

    Returns:
        The aspect and the spans, as in `RowDifference`; None if both sides are equal.
    """
    if isinstance(left, RowFailure) or isinstance(right, RowFailure):
        if isinstance(left, RowFailure) and isinstance(right, RowFailure) and left.code == right.code:
            return None
        return "failure", [DifferingSpan(0, 0, "", describe_row(left), describe_row(right))]
    if len(left.samples) != len(right.samples):
        return "samples", [DifferingSpan(0, 0, "", describe_row(left), describe_row(right))]
    pairs = zip(left.samples, right.samples, strict=True)
    return next((found for found in (compare_sample(*pair) for pair in pairs) if found is not None), None)


def compare_sample(left: Encoding, right: Encoding) -> tuple[Aspect, list[DifferingSpan]] | None:
    """Find the first aspect in which one sample of a row differs, and the differing spans.

    Args:
        left: The sample on the left side.
        right: The sample on the right side.

    Returns:
        As `compare_encodings`.
    """
    if left.text != right.text:
        return "text", [_text_difference(left, right)]
    aspect = _aspect(left, right)
    if aspect is None:
        return None
    spans = _weight_differences(left, right)
    if aspect == "ids":
        return aspect, [_first_ids(left, right), *spans]
    # A token without characters of its own has no span.
    return aspect, spans or [_first_weight(left, right)]


def count_trained(encoding: Encoding) -> int:
    """Count the tokens of all samples of a row with a weight above 0.

    Args:
        encoding: A conversation, from `Mill.encode`.
    """
    return sum(weight > 0 for sample in encoding.samples for weight in token_weights(sample))


def count_tokens(encoding: Encoding) -> int:
    """Count the tokens of all samples of a row.

    Args:
        encoding: A conversation, from `Mill.encode`.
    """
    return sum(len(sample) for sample in encoding.samples)


def _aspect(left: Encoding, right: Encoding) -> Aspect | None:
    if left.input_ids != right.input_ids:
        return "ids"
    if left.labels != right.labels:
        return "labels"
    # Weights of 1 on all trained tokens mean the same as no weights.
    return "weights" if token_weights(left) != token_weights(right) else None


def describe_row(row: EncodedRow) -> str:
    """Describe a row in one line: its trained tokens, or the reason why it has none.

    Args:
        row: The row.
    """
    if isinstance(row, RowFailure):
        return describe_failure(row)
    samples = f"{len(row.samples):,} samples, " if len(row.samples) > 1 else ""
    return f"{samples}trained {count_trained(row):,} of {count_tokens(row):,} tokens"


def _text_difference(left: Encoding, right: Encoding) -> DifferingSpan:
    at = first_difference(left.text, right.text)
    # If one text ends here, the regions of the other text give the message of the next character.
    known = known_regions(left if at < len(left.text) else right)
    return span_at(known, at, at, "", excerpt(left.text, at), excerpt(right.text, at))


def _first_ids(left: Encoding, right: Encoding) -> DifferingSpan:
    """Return the first tokens that differ, up to the end of the longer token."""
    pairs = enumerate(zip_longest(left.input_ids, right.input_ids))
    index = next(index for index, (one, other) in pairs if one != other)
    rests = left.tokens[index:], right.tokens[index:]
    first = [rest[0] for rest in rests if rest]
    start, end = min(token.start for token in first), max(token.end for token in first)
    states = (_describe_tokens(rest, end) for rest in rests)
    return span_at(known_regions(left), start, end, left.text[start:end], *states)


def _describe_tokens(tokens: list[Token], end: int) -> str:
    shown = tokens[:1] + list(takewhile(lambda token: token.start < end, tokens[1:]))
    return ", ".join(f"{token.text!r} ({token.id})" for token in shown) or "no token"


def _first_weight(left: Encoding, right: Encoding) -> DifferingSpan:
    """Return the first token whose weight differs."""
    weights = zip(left.tokens, token_weights(left), token_weights(right), strict=True)
    token, *sides = next((token, one, other) for token, one, other in weights if one != other)
    states = (describe_weight(weight) for weight in sides)
    return span_at(known_regions(left), token.start, token.end, token.text, *states)


def _weight_differences(left: Encoding, right: Encoding) -> list[DifferingSpan]:
    """Return all characters whose weight differs, cut at the edges of regions."""
    sides, regions = (text_spans(left), text_spans(right)), known_regions(left)
    edges = {edge for layer in (*sides, regions) for it in layer for edge in (it.start, it.end)}
    spans = []
    for start, end in pairwise(sorted(edges)):
        one, other = (side[index_at(side, start)] for side in sides)
        if one.weight != other.weight:
            spans.append(span_at(regions, start, end, left.text[start:end], one.state, other.state))
    return spans
