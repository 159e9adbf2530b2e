"""What a mill makes of a row and what was written of it: whether they differ, in what, and where."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeAlias

from chatmill._chatmill import Encoding, Region, RowFailure, Tokenizer
from chatmill.diff_encodings import Span, What, span_at
from chatmill.lint.quote import excerpt
from chatmill.outputs import Refused, Sample
from chatmill.show import Stretch, known_regions, tell_failure

Result: TypeAlias = list[Sample] | RowFailure | Refused

# What each of two tokens counts; None where there is none.
_States: TypeAlias = tuple[float | None, float | None]

# More than the characters of a quote: few tokens have less than one.
_QUOTED_TOKENS = 96
_MOST_TOKENS = 8


@dataclass(frozen=True)
class Found:
    """What differs in a row.

    Attributes:
        what: What differs first, as in `RowDifference`.
        spans: Where.
        sample: In which of the row's samples, from 0.
    """

    what: What
    spans: tuple[Span, ...]
    sample: int = 0


@dataclass(frozen=True)
class Whole:
    """A row as a whole, in which its samples have their places.

    Attributes:
        encoding: Its text and all its tokens.
        truncation: What became of it where it is too long.
        max_length: Tokens that a sample may have.
    """

    encoding: Encoding
    truncation: str
    max_length: int | None

    def starts(self, sample: int, length: int) -> Sequence[int]:
        """At which tokens a sample may start.

        Args:
            sample: Which one of the row, from 0.
            length: Its tokens.
        """
        if self.truncation == "keep_end":
            return [len(self.encoding) - length]
        if self.truncation == "split" and self.max_length is not None:
            # Those without a trained token may have been left out.
            return range(sample * self.max_length, len(self.encoding), self.max_length)
        return [0]


def same(made: Result, written: Result) -> bool:
    """Whether both sides are equal: quick, since most rows are.

    Args:
        made: What came of the row now.
        written: What came of it then.
    """
    if isinstance(made, list) and isinstance(written, list):
        return len(made) == len(written) and all(map(_same_sample, made, written))
    if isinstance(made, list) or isinstance(written, list):
        return False
    return made.code == written.code


def compare(made: Result, written: Result, whole: Whole | None, tokenizer: Tokenizer) -> Found:
    """What differs between two sides that are not the `same`: of several samples, in the first that does.

    Args:
        made: What came of the row now.
        written: What came of it then.
        whole: The row as it is made now, or None where it is not.
        tokenizer: What tells the words of tokens that are not in it.
    """
    if not isinstance(made, list) or not isinstance(written, list):
        return Found("failure", (Span(0, 0, "", _tell(made), _tell(written)),))
    if len(made) != len(written):
        return Found("samples", (Span(0, 0, "", _tell(made), _tell(written)),))
    pairs = enumerate(zip(made, written, strict=True))
    at, (one, other) = next((at, pair) for at, pair in pairs if not _same_sample(*pair))
    if _is_part(one, other):
        # Only the longer one knows the places of all tokens.
        what, spans = _other_ids(other, one, _place(other, at, whole, tokenizer), tokenizer)
        return Found(what, tuple(replace(span, left=span.right, right=span.left) for span in spans), at)
    place = _place(one, at, whole, tokenizer)
    if not one.ids.equals(other.ids):
        return Found(*_other_ids(one, other, place, tokenizer), at)
    states = _state_spans(list(zip(one.token_weights(), other.token_weights(), strict=True)), place)
    # Tokens without characters of their own have no span.
    found = states or [_label_span(one, other, place)]
    return Found("weights" if one.labels.equals(other.labels) else "labels", tuple(found), at)


@dataclass(frozen=True)
class _Place:
    """Where the tokens of a sample stand in a text."""

    text: str
    ends: list[tuple[int, int]]
    regions: Sequence[Region]

    def starts_at(self, token: int) -> int:
        """Where a token starts; behind the last one, where that ends."""
        if token < len(self.ends):
            return self.ends[token][0]
        return self.ends[-1][1] if self.ends else 0


def _same_sample(one: Sample, other: Sample) -> bool:
    if not (one.ids.equals(other.ids) and one.labels.equals(other.labels)):
        return False
    if one.weights is None and other.weights is None:
        return True
    # Weights that are 1 wherever something is trained count as none do.
    return one.token_weights() == other.token_weights()


def _is_part(one: Sample, other: Sample) -> bool:
    """Whether one is the start or the end of a longer one, as rows are that are cut."""
    more = len(other) - len(one)
    return more > 0 and any(other.ids.slice(start, len(one)).equals(one.ids) for start in (0, more))


def _tell(result: Result) -> str:
    """What came of a row."""
    if not isinstance(result, list):
        return tell_failure(result)
    trained, tokens = sum(sample.count_trained() for sample in result), sum(map(len, result))
    samples = f"{len(result):,} samples, " if len(result) > 1 else ""
    return f"{samples}trained {trained:,} of {tokens:,} tokens"


def _place(sample: Sample, at: int, whole: Whole | None, tokenizer: Tokenizer) -> _Place:
    """The sample in the text of its row, or in one that its tokens spell: a turn may be rendered in another way."""
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


def _other_ids(one: Sample, other: Sample, place: _Place, tokenizer: Tokenizer) -> tuple[What, tuple[Span, ...]]:
    """The first tokens that are not the same; then, where both sides have the same ones, what counts otherwise."""
    ours, theirs = one.ids.to_pylist(), other.ids.to_pylist()
    before, behind = _shared(ours, theirs)
    mine, its = ours[before : len(ours) - behind], theirs[before : len(theirs) - behind]
    is_cut = not (mine and its) and 0 in (before, behind)
    if not is_cut and tokenizer.decode(mine) != tokenizer.decode(its):
        at = place.starts_at(before)
        then = place.text[:at] + tokenizer.decode(theirs[before : before + _QUOTED_TOKENS])
        return "text", (span_at(place.regions, at, at, "", excerpt(place.text, at), excerpt(then, at)),)
    weights, others = one.token_weights(), other.token_weights()
    shift = len(theirs) - len(ours)
    states: list[_States] = list(zip(weights[:before], others[:before], strict=True))
    # Where tokens stand for others, no one knows which for which; the first span tells of them.
    states += [(weight, None if not its else weight) for weight in weights[before : len(ours) - behind]]
    states += [(weights[at], others[at + shift]) for at in range(len(ours) - behind, len(ours))]
    return "ids", (_id_span(mine, its, before, place, tokenizer), *_state_spans(states, place))


def _shared(ours: list[int], theirs: list[int]) -> tuple[int, int]:
    """How many tokens are the same at the start, and how many behind them at the end."""
    shortest = min(len(ours), len(theirs))
    before = next((at for at in range(shortest) if ours[at] != theirs[at]), shortest)
    # Of a row that is cut at its start nothing but the end is there.
    before = before if before == shortest or ours[-shortest:] != theirs[-shortest:] else 0
    most = shortest - before
    return before, next((at for at in range(most) if ours[-1 - at] != theirs[-1 - at]), most)


def _id_span(mine: list[int], its: list[int], before: int, place: _Place, tokenizer: Tokenizer) -> Span:
    """The first tokens of both sides, as far as the longer of them reaches."""

    def reach(ids: list[int]) -> list[int]:
        counts = range(1, min(len(ids), _MOST_TOKENS) + 1)
        return next(
            (ids[:count] for count in counts if len(tokenizer.decode(ids[:count])) >= length), ids[:_MOST_TOKENS]
        )

    length = max(len(tokenizer.decode(ids[:1])) for ids in (mine, its))
    left, right = (reach(ids) if mine and its else ids[:1] for ids in (mine, its))
    start = place.starts_at(before)
    end = place.ends[before + len(left) - 1][1] if left else start
    told = (", ".join(f"{tokenizer.decode([it])!r} ({it})" for it in ids) or "no token" for ids in (left, right))
    return span_at(place.regions, start, end, place.text[start:end], *told)


def _state_spans(states: Sequence[_States], place: _Place) -> list[Span]:
    """All characters that do not count the same, cut at the edges of regions."""
    spans, position = [], 0
    edges = [region.start for region in place.regions]
    for (one, other), group in groupby(zip(states, place.ends, strict=True), key=lambda it: it[0]):
        ends = [it for _, it in group]
        start, end = max(position, ends[0][0]), max(last for _, last in ends)
        position = max(position, end)
        if one == other or start >= end:
            continue
        cuts = [start, *edges[bisect_right(edges, start) : bisect_left(edges, end)], end]
        told = [Stretch(start, end, weight).state for weight in (one, other)]
        spans += [span_at(place.regions, first, last, place.text[first:last], *told) for first, last in pairwise(cuts)]
    return spans


def _label_span(one: Sample, other: Sample, place: _Place) -> Span:
    """The first token that has another label or weight."""
    sides = [list(zip(it.token_weights(), it.labels.to_pylist(), strict=True)) for it in (one, other)]
    at = next(at for at, pair in enumerate(zip(*sides, strict=True)) if pair[0] != pair[1])
    start, end = place.ends[at]
    told = [Stretch(start, end, side[at][0]).state for side in sides]
    if told[0] == told[1]:
        told = [f"label {side[at][1]}" for side in sides]
    return span_at(place.regions, start, end, place.text[start:end], *told)
