"""`AuditedPair`: one row on both sides of an audit, with its trained tokens by side and region."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import TypeAlias

from chatmill._chatmill import Encoding, Region, RowFailure
from chatmill.inspect.diff.encodings import compare_sample, count_trained, describe_row
from chatmill.inspect.diff.report import RowDifference
from chatmill.inspect.diff.spans import Aspect, DifferingSpan, index_at
from chatmill.inspect.spans import known_regions, token_weights
from chatmill.report.audit_model import AuditSide, TrainedTokens

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
            for region, side in _trained(output, trainer):
                counts.by_region[region][side] += 1
        return counts

    def difference(self) -> RowDifference | None:
        """Return the difference of both sides; None if they train the same tokens in the same row."""
        if isinstance(self.output, Encoding) and isinstance(self.trainer, Encoding):
            return self._difference_of_tokens(self.output, self.trainer)
        if not (self.trained.total.only_output or self.trained.total.only_trainer):
            # A row that one side lacks does not matter if the other side learns nothing from it.
            return None
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


def trains_nothing(row: Encoding | RowFailure) -> bool:
    """Return whether a row has no trained token.

    Args:
        row: The row.
    """
    return isinstance(row, RowFailure) or not count_trained(row)


def _as_tokens(counts: Counter[str]) -> TrainedTokens:
    return TrainedTokens(counts["both"], counts["output"], counts["trainer"])


def _samples(row: Encoding | RowFailure) -> Sequence[Encoding]:
    return () if isinstance(row, RowFailure) else row.samples


@dataclass(frozen=True)
class _Tokens:
    """The tokens of a sample with their weights and regions."""

    text: str
    ids: Sequence[int]
    weights: Sequence[float]
    places: Sequence[tuple[int, int]]
    regions: Sequence[Region]

    @staticmethod
    def of(sample: Encoding) -> "_Tokens":
        places = [(token.start, token.end) for token in sample.tokens]
        return _Tokens(sample.text, sample.input_ids, token_weights(sample), places, known_regions(sample))

    def region(self, token: int) -> RegionName:
        if not self.regions:
            return _UNKNOWN
        found = self.regions[index_at(self.regions, self.places[token][0])]
        return found.role or "", found.kind

    def keys(self) -> list[_Key]:
        seen: Counter[tuple[int, int, int]] = Counter()
        keys = []
        for (start, end), token in zip(self.places, self.ids, strict=True):
            keys.append((start, end, token, seen[start, end, token]))
            seen[start, end, token] += 1
        return keys


def _trained(output: Encoding | None, trainer: Encoding | None) -> Iterator[tuple[RegionName, AuditSide | str]]:
    """Yield the region and the side of each trained token: `output`, `trainer` or `both`."""
    ours, theirs = (None if sample is None else _Tokens.of(sample) for sample in (output, trainer))
    same = {} if ours is None or theirs is None else dict(_same_tokens(ours, theirs))
    for at, weight in enumerate([] if ours is None else ours.weights):
        other = same.get(at)
        is_both = other is not None and theirs is not None and theirs.weights[other] > 0
        if weight > 0 and ours is not None:
            yield ours.region(at), "both" if is_both else "output"
    shared = {other: at for at, other in same.items()}
    for at, weight in enumerate([] if theirs is None else theirs.weights):
        other = shared.get(at)
        is_both = other is not None and ours is not None and ours.weights[other] > 0
        if weight > 0 and theirs is not None and not is_both:
            yield theirs.region(at), "trainer"


def _same_tokens(ours: _Tokens, theirs: _Tokens) -> Iterator[tuple[int, int]]:
    """Yield the indices of each token that both sides have."""
    if ours.ids == theirs.ids and ours.text == theirs.text:
        yield from ((at, at) for at in range(len(ours.ids)))
    elif ours.text == theirs.text:
        places = {key: at for at, key in enumerate(theirs.keys())}
        yield from ((at, places[key]) for at, key in enumerate(ours.keys()) if key in places)
    else:
        shortest, shift = min(len(ours.ids), len(theirs.ids)), len(theirs.ids) - len(ours.ids)
        before = next((at for at in range(shortest) if ours.ids[at] != theirs.ids[at]), shortest)
        yield from ((at, at) for at in range(before))
        most = shortest - before
        after = next((at for at in range(most) if ours.ids[-1 - at] != theirs.ids[-1 - at]), most)
        yield from ((at, at + shift) for at in range(len(ours.ids) - after, len(ours.ids)))
