"""`AuditedPair`: one row on both sides of an audit, with its trained tokens by side and region."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, zip_longest
from typing import TypeAlias

from chatmill._chatmill import Encoding, Region, RowFailure
from chatmill.drawing.spans import known_regions, token_weights
from chatmill.inspect.diff.encodings import compare_sample, describe_row
from chatmill.inspect.diff.report import RowDifference
from chatmill.inspect.diff.spans import Aspect, DifferingSpan
from chatmill.reporting.audit_model import TrainedTokens

#: A role and a kind of region; both are empty if regions are unknown.
RegionName: TypeAlias = tuple[str, str]
# A token of a text: its first character, one past its last one, its id, and how many such tokens came before it,
# because the tokens of one character have the same place.
_Key: TypeAlias = tuple[int, int, int, int]

_UNKNOWN: RegionName = ("", "")


@dataclass
class TrainedCounts:
    """Counts of trained tokens by region and side. They are added up row by row."""

    by_region: dict[RegionName, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: "TrainedCounts") -> None:
        """Add the counts of a row.

        Args:
            other: The counts.
        """
        for region, counts in other.by_region.items():
            self.by_region[region].update(counts)

    def of(self, region: RegionName) -> TrainedTokens:
        """Return the counts of a region.

        Args:
            region: Its role and kind.
        """
        return _as_tokens(self.by_region[region])

    @property
    def total(self) -> TrainedTokens:
        """The counts of all regions."""
        return _as_tokens(sum(self.by_region.values(), Counter()))


@dataclass(frozen=True)
class AuditedPair:
    """One row on both sides.

    Attributes:
        row: The index of the row over all inputs, from 0.
        place: The file with the line or row.
        output: The row as the output has it; the reason if it has no tokens there.
        trainer: The row as the trainer makes it; the reason if it cannot.
    """

    row: int
    place: str
    output: Encoding | RowFailure
    trainer: Encoding | RowFailure

    @cached_property
    def trained(self) -> TrainedCounts:
        """The trained tokens by region and side.

        Tokens of one text are the same if they have the same id at the same characters. If the texts differ, the tokens
        before the first difference and after the last one are compared, and those between them are different ones.
        """
        counts = TrainedCounts()
        for output, trainer in zip_longest(_samples(self.output), _samples(self.trainer)):
            _count(output, trainer, counts)
        return counts

    def difference(self) -> RowDifference | None:
        """Return the difference of both sides; None if they train the same tokens in the same row."""
        if self.trained.total == TrainedTokens(0, 0, 0):
            # Neither side learns anything from this row, so it does not matter if one side lacks it.
            return None
        if isinstance(self.output, Encoding) and isinstance(self.trainer, Encoding):
            return self._difference_of_tokens(self.output, self.trainer)
        return self._whole_row("failure")

    def _difference_of_tokens(self, output: Encoding, trainer: Encoding) -> RowDifference | None:
        if len(output.samples) != len(trainer.samples):
            return self._whole_row("samples")
        pairs = zip(output.samples, trainer.samples, strict=True)
        found = [difference for difference in (compare_sample(*pair) for pair in pairs) if difference is not None]
        if not found:
            return None
        spans = tuple(span for _, spans in found for span in spans)
        return RowDifference(self.row, self.place, found[0][0], spans)

    def _whole_row(self, aspect: Aspect) -> RowDifference:
        span = DifferingSpan(0, 0, "", describe_row(self.output), describe_row(self.trainer))
        return RowDifference(self.row, self.place, aspect, (span,))


def _as_tokens(counts: Counter[str]) -> TrainedTokens:
    return TrainedTokens(counts["both"], counts["output"], counts["trainer"])


def _samples(row: Encoding | RowFailure) -> Sequence[Encoding]:
    return () if isinstance(row, RowFailure) else row.samples


@dataclass(frozen=True)
class _Tokens:
    """The tokens of a sample, and whether they are trained."""

    text: str
    ids: Sequence[int]
    trained: Sequence[bool]
    places: Sequence[tuple[int, int]]
    regions: Sequence[Region]

    @staticmethod
    def of(sample: Encoding) -> "_Tokens":
        trained = [weight > 0 for weight in token_weights(sample)]
        places = [(token.start, token.end) for token in sample.tokens]
        return _Tokens(sample.text, sample.input_ids, trained, places, known_regions(sample))

    def keys(self) -> list[_Key]:
        seen: Counter[tuple[int, int, int]] = Counter()
        keys = []
        for (start, end), token in zip(self.places, self.ids, strict=True):
            keys.append((start, end, token, seen[start, end, token]))
            seen[start, end, token] += 1
        return keys

    def count(self, sides: Sequence[str | None], counts: TrainedCounts) -> None:
        """Count the sides of the tokens, each in the region of its first character."""
        if not self.regions:
            _add(counts, _UNKNOWN, sides)
            return
        starts = [start for start, _ in self.places]
        edges = [bisect_left(starts, region.start) for region in self.regions[1:]]
        for region, (first, last) in zip(self.regions, pairwise([0, *edges, len(starts)]), strict=True):
            _add(counts, (region.role or "", region.kind), sides[first:last])


def _add(counts: TrainedCounts, region: RegionName, sides: Sequence[str | None]) -> None:
    found = Counter(side for side in sides if side is not None)
    if found:
        counts.by_region[region].update(found)


# The side of a token that both sides have, by whether they train it.
_SIDES = {(True, True): "both", (True, False): "output", (False, True): "trainer", (False, False): None}


def _count(output: Encoding | None, trainer: Encoding | None, counts: TrainedCounts) -> None:
    """Count the trained tokens of one sample by side: `both`, `output` or `trainer`."""
    if output is not None and trainer is not None and _has_same_tokens(output, trainer):
        tokens = _Tokens.of(output)
        by_trainer = [weight > 0 for weight in token_weights(trainer)]
        tokens.count([_SIDES[pair] for pair in zip(tokens.trained, by_trainer, strict=True)], counts)
        return
    ours, theirs = (None if sample is None else _Tokens.of(sample) for sample in (output, trainer))
    of_output = [] if ours is None else ["output" if it else None for it in ours.trained]
    of_trainer = [] if theirs is None else ["trainer" if it else None for it in theirs.trained]
    if ours is not None and theirs is not None:
        for one, other in _same_tokens(ours, theirs):
            if ours.trained[one] and theirs.trained[other]:
                of_output[one], of_trainer[other] = "both", None
    for side, sides in ((ours, of_output), (theirs, of_trainer)):
        if side is not None:
            side.count(sides, counts)


def _has_same_tokens(output: Encoding, trainer: Encoding) -> bool:
    return output.input_ids == trainer.input_ids and output.text == trainer.text


def _same_tokens(ours: _Tokens, theirs: _Tokens) -> Iterator[tuple[int, int]]:
    """Yield the indices of each token that both sides have."""
    if ours.text == theirs.text:
        places = {key: at for at, key in enumerate(theirs.keys())}
        yield from ((at, places[key]) for at, key in enumerate(ours.keys()) if key in places)
    else:
        shortest, shift = min(len(ours.ids), len(theirs.ids)), len(theirs.ids) - len(ours.ids)
        before = next((at for at in range(shortest) if ours.ids[at] != theirs.ids[at]), shortest)
        yield from ((at, at) for at in range(before))
        most = shortest - before
        after = next((at for at in range(most) if ours.ids[-1 - at] != theirs.ids[-1 - at]), most)
        yield from ((at, at + shift) for at in range(len(ours.ids) - after, len(ours.ids)))
