"""`compare_samples`: the differences between the samples of a row made now and its written samples."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeAlias

from chatmill._chatmill import Encoding, Region, RowFailure, Tokenizer
from chatmill.drawing.spans import describe_weight, known_regions
from chatmill.inspect.diff.spans import Aspect, DifferingSpan, span_at
from chatmill.outputs.samples import Sample
from chatmill.outputs.written import RecordedReject
from chatmill.text.failures import describe_failure
from chatmill.text.quote import excerpt

SampledRow: TypeAlias = list[Sample] | RowFailure | RecordedReject

# The weights of one token on both sides; None if a side has no token there.
_Weights: TypeAlias = tuple[float | None, float | None]

# The number of tokens to decode for a quote. It exceeds the number of characters in a quote, because few tokens have
# less than one character.
_QUOTED_TOKENS = 96
_MOST_TOKENS = 8


@dataclass(frozen=True)
class SampleDifference:
    """The difference between both sides of a row.

    Attributes:
        aspect: The first aspect that differs, as in `RowDifference`.
        spans: The differing spans, as in `RowDifference`.
        sample: Index of the differing sample in the row, from 0.
    """

    aspect: Aspect
    spans: tuple[DifferingSpan, ...]
    sample: int = 0


@dataclass(frozen=True)
class WholeRow:
    """A row without truncation, in which the positions of its samples can be found.

    Attributes:
        encoding: The text and all tokens of the row.
        truncation: The option `truncation` of the mill.
        max_length: The maximum number of tokens of a sample.
    """

    encoding: Encoding
    truncation: str
    max_length: int | None

    def starts(self, sample: int, length: int) -> Sequence[int]:
        """Return the indices of the tokens at which a sample may start.

        Args:
            sample: Index of the sample in the row, from 0.
            length: The number of its tokens.
        """
        if self.truncation == "keep_end":
            return [len(self.encoding) - length]
        if self.truncation == "split" and self.max_length is not None:
            # Samples without a trained token may have been left out.
            return range(sample * self.max_length, len(self.encoding), self.max_length)
        return [0]


def same_samples(made: SampledRow, written: SampledRow) -> bool:
    """Return whether both sides are equal. This check is fast, because most rows are equal.

    Args:
        made: The row as it is made now.
        written: The row as it was written.
    """
    if isinstance(made, list) and isinstance(written, list):
        return len(made) == len(written) and all(map(_same_sample, made, written))
    if isinstance(made, list) or isinstance(written, list):
        return False
    return made.code == written.code


def compare_samples(
    made: SampledRow, written: SampledRow, whole: WholeRow | None, tokenizer: Tokenizer
) -> SampleDifference:
    """Describe the difference of two sides that are not equal. Only the first differing sample is described.

    Args:
        made: The row as it is made now.
        written: The row as it was written.
        whole: The row as it is made now, without truncation, or None if it fails.
        tokenizer: The tokenizer, for the text of tokens that are only in the written row.
    """
    if not isinstance(made, list) or not isinstance(written, list):
        return SampleDifference("failure", (DifferingSpan(0, 0, "", _describe(made), _describe(written)),))
    if len(made) != len(written):
        return SampleDifference("samples", (DifferingSpan(0, 0, "", _describe(made), _describe(written)),))
    pairs = enumerate(zip(made, written, strict=True))
    at, (one, other) = next((at, pair) for at, pair in pairs if not _same_sample(*pair))
    if _is_part(one, other):
        # Only the longer side has the positions of all tokens.
        aspect, spans = _compare_ids(other, one, _place(other, at, whole, tokenizer), tokenizer)
        mirrored = (replace(span, left=span.right, right=span.left) for span in spans)
        return SampleDifference(aspect, tuple(mirrored), at)
    place = _place(one, at, whole, tokenizer)
    if not one.ids.equals(other.ids):
        return SampleDifference(*_compare_ids(one, other, place, tokenizer), at)
    found = _weight_differences(list(zip(one.token_weights(), other.token_weights(), strict=True)), place)
    # A token without characters of its own has no span.
    aspect = "weights" if one.labels.equals(other.labels) else "labels"
    return SampleDifference(aspect, tuple(found or [_first_label(one, other, place)]), at)


@dataclass(frozen=True)
class _Place:
    """The positions of the tokens of a sample in a text."""

    text: str
    ends: list[tuple[int, int]]
    regions: Sequence[Region]

    def starts_at(self, token: int) -> int:
        """Return the start of a token; after the last token, its end."""
        if token < len(self.ends):
            return self.ends[token][0]
        return self.ends[-1][1] if self.ends else 0


def _same_sample(one: Sample, other: Sample) -> bool:
    if not (one.ids.equals(other.ids) and one.labels.equals(other.labels)):
        return False
    if one.weights is None and other.weights is None:
        return True
    # Weights of 1 on all trained tokens mean the same as no weights.
    return one.token_weights() == other.token_weights()


def _is_part(one: Sample, other: Sample) -> bool:
    """Return whether one sample is the start or the end of a longer one, as after truncation."""
    more = len(other) - len(one)
    return more > 0 and any(other.ids.slice(start, len(one)).equals(one.ids) for start in (0, more))


def _describe(row: SampledRow) -> str:
    if not isinstance(row, list):
        return describe_failure(row)
    trained, tokens = sum(sample.count_trained() for sample in row), sum(map(len, row))
    samples = f"{len(row):,} samples, " if len(row) > 1 else ""
    return f"{samples}trained {trained:,} of {tokens:,} tokens"


def _place(sample: Sample, at: int, whole: WholeRow | None, tokenizer: Tokenizer) -> _Place:
    """Find the positions of the tokens of a sample in the text of its row; otherwise in the decoded text of the sample.

    The tokens may be missing in the text of the row, because a template may render a turn differently in a sample of
    its own.
    """
    ids = sample.ids.to_pylist()
    if whole is not None:
        all_ids = whole.encoding.input_ids
        start = next((it for it in whole.starts(at, len(ids)) if all_ids[it : it + len(ids)] == ids), None)
        if start is not None:
            ends = [(token.start, token.end) for token in whole.encoding.tokens[start : start + len(ids)]]
            return _Place(whole.encoding.text, ends, known_regions(whole.encoding))
    words = [tokenizer.decode([token]) for token in ids]
    ends, position = [], 0
    for word in words:
        ends.append((position, position + len(word)))
        position += len(word)
    return _Place("".join(words), ends, [])


def _compare_ids(
    one: Sample, other: Sample, place: _Place, tokenizer: Tokenizer
) -> tuple[Aspect, tuple[DifferingSpan, ...]]:
    """Return the first tokens that differ, and then the differing weights of the tokens that both sides have."""
    ours, theirs = one.ids.to_pylist(), other.ids.to_pylist()
    before, after = _shared(ours, theirs)
    mine, its = ours[before : len(ours) - after], theirs[before : len(theirs) - after]
    is_cut = not (mine and its) and 0 in (before, after)
    if not is_cut and tokenizer.decode(mine) != tokenizer.decode(its):
        at = place.starts_at(before)
        then = place.text[:at] + tokenizer.decode(theirs[before : before + _QUOTED_TOKENS])
        return "text", (span_at(place.regions, at, at, "", excerpt(place.text, at), excerpt(then, at)),)
    weights, others = one.token_weights(), other.token_weights()
    shift = len(theirs) - len(ours)
    states: list[_Weights] = list(zip(weights[:before], others[:before], strict=True))
    # Replaced tokens cannot be compared one by one; the first span describes them.
    states += [(weight, None if not its else weight) for weight in weights[before : len(ours) - after]]
    states += [(weights[at], others[at + shift]) for at in range(len(ours) - after, len(ours))]
    return "ids", (_first_ids(mine, its, before, place, tokenizer), *_weight_differences(states, place))


def _shared(ours: list[int], theirs: list[int]) -> tuple[int, int]:
    """Return the number of equal tokens at the start, and at the end after them."""
    shortest = min(len(ours), len(theirs))
    before = next((at for at in range(shortest) if ours[at] != theirs[at]), shortest)
    # A row that was truncated at its start has only its end in common with the whole row.
    before = before if before == shortest or ours[-shortest:] != theirs[-shortest:] else 0
    most = shortest - before
    return before, next((at for at in range(most) if ours[-1 - at] != theirs[-1 - at]), most)


def _first_ids(mine: list[int], its: list[int], before: int, place: _Place, tokenizer: Tokenizer) -> DifferingSpan:
    """Return the first differing tokens of both sides, up to the end of the longer token."""

    def reach(ids: list[int]) -> list[int]:
        counts = range(1, min(len(ids), _MOST_TOKENS) + 1)
        return next(
            (ids[:count] for count in counts if len(tokenizer.decode(ids[:count])) >= length), ids[:_MOST_TOKENS]
        )

    length = max(len(tokenizer.decode(ids[:1])) for ids in (mine, its))
    left, right = (reach(ids) if mine and its else ids[:1] for ids in (mine, its))
    start = place.starts_at(before)
    end = place.ends[before + len(left) - 1][1] if left else start
    states = (", ".join(f"{tokenizer.decode([it])!r} ({it})" for it in ids) or "no token" for ids in (left, right))
    return span_at(place.regions, start, end, place.text[start:end], *states)


def _weight_differences(weights: Sequence[_Weights], place: _Place) -> list[DifferingSpan]:
    """Return all characters whose weight differs, cut at the edges of regions."""
    spans, position = [], 0
    edges = [region.start for region in place.regions]
    for (one, other), group in groupby(zip(weights, place.ends, strict=True), key=lambda it: it[0]):
        ends = [it for _, it in group]
        start, end = max(position, ends[0][0]), max(last for _, last in ends)
        position = max(position, end)
        if one == other or start >= end:
            continue
        cuts = [start, *edges[bisect_right(edges, start) : bisect_left(edges, end)], end]
        states = [describe_weight(weight) for weight in (one, other)]
        spans += [
            span_at(place.regions, first, last, place.text[first:last], *states) for first, last in pairwise(cuts)
        ]
    return spans


def _first_label(one: Sample, other: Sample, place: _Place) -> DifferingSpan:
    """Return the first token whose label or weight differs."""
    sides = [list(zip(it.token_weights(), it.labels.to_pylist(), strict=True)) for it in (one, other)]
    at = next(at for at, pair in enumerate(zip(*sides, strict=True)) if pair[0] != pair[1])
    start, end = place.ends[at]
    states = [describe_weight(side[at][0]) for side in sides]
    if states[0] == states[1]:
        states = [f"label {side[at][1]}" for side in sides]
    return span_at(place.regions, start, end, place.text[start:end], *states)
