"""`Audit`: where an output differs from what a trainer would have trained on the same rows, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    # The page needs these values, and not the comparison of rows.
    from chatmill.inspect.diff.spans import Aspect

#: One of the two sides of an audit.
AuditSide = Literal["output", "trainer"]


@dataclass(frozen=True)
class TrainedTokens:
    """Trained tokens by the side that trains them.

    Attributes:
        both: Tokens that both sides have and train.
        only_output: Tokens that only the output trains.
        only_trainer: Tokens that only the trainer would train.
    """

    both: int
    only_output: int
    only_trainer: int

    @property
    def differing(self) -> int:
        """The tokens that one side alone trains."""
        return self.only_output + self.only_trainer


@dataclass(frozen=True)
class AuditedRegion:
    """The trained tokens of one role and one kind of region.

    Attributes:
        role: The role; empty for text outside of messages, or if it is unknown.
        kind: The kind, such as `content`; empty if the regions of the rows are unknown.
        trained: The trained tokens of these regions by side. A token belongs to the region of its first character.
    """

    role: str
    kind: str
    trained: TrainedTokens


@dataclass(frozen=True)
class AuditedFailure:
    """Rows that have no tokens on one side, for one reason.

    Attributes:
        side: The side.
        code: The code of the failure, such as `merged`.
        rows: The number of rows.
        differing: The number of those that have trained tokens on the other side.
        place: The place of the first one.
        reason: The reason of the first one.
    """

    side: AuditSide
    code: str
    rows: int
    differing: int
    place: str
    reason: str


@dataclass(frozen=True)
class AuditedSpan:
    """Consecutive characters of a row that differ.

    Attributes:
        start: The first character, an index into the text of the row.
        end: One past the last character.
        text: The characters; long ones are shortened, with `…` in the middle.
        output: The state in the output: `trained`, `trained × 0.5`, `masked` or `no token`. If texts or tokens differ:
            a quote of them. If the row has no tokens on one side: the reason there, the number of tokens here.
        trainer: The state that the trainer would give.
        message: The index of the message of these characters; None outside of messages, or if it is unknown.
        role: The role of this message; None as above.
        kind: The kind of the region; None if it is unknown.
    """

    start: int
    end: int
    text: str
    output: str
    trainer: str
    message: int | None = None
    role: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class AuditedRow:
    """A row that differs.

    Attributes:
        row: The index of the row over all inputs, from 0.
        place: The file with the line or row.
        aspect: The first aspect that differs.
        trained: The trained tokens of the row by side.
        spans: The differing spans, in order; the first ones, if there are many.
        more_spans: The number of spans that `spans` leaves out.
    """

    row: int
    place: str
    aspect: "Aspect"
    trained: TrainedTokens
    spans: Sequence[AuditedSpan]
    more_spans: int = 0


@dataclass(frozen=True)
class AuditedSide:
    """The totals of one side.

    Attributes:
        rows: Rows that have tokens.
        tokens: Their tokens.
        trained_tokens: Those of them that are trained.
        untrained: Rows with tokens of which none is trained.
    """

    rows: int
    tokens: int
    trained_tokens: int
    untrained: int


@dataclass(frozen=True)
class Audit:
    """The differences between an output and what a trainer would have trained on the same rows.

    Attributes:
        output: The output folder.
        trainer: The name of the trainer, such as `trl`.
        options: The options of the trainer that were given.
        labels: The labels of the output as text, as in a report: `assistant`, or the fields as JSON.
        template: The name of the chat template.
        tokenizer: The name of the tokenizer.
        rows: The compared rows.
        of: All rows of the inputs.
        differing: Rows that differ by the first aspect that differs.
        of_output: The totals of the output.
        of_trainer: The totals of the trainer.
        trained: All trained tokens by side.
        regions: The same by role and kind, most differing tokens first; regions without trained tokens are left out.
        failures: Rows without tokens on one side by reason, most frequent first.
        first: The first rows that differ.
        notes: What was assumed, as sentences.
    """

    output: str
    trainer: str
    options: Mapping[str, Any]
    labels: str
    template: str
    tokenizer: str
    rows: int
    of: int
    differing: Mapping["Aspect", int]
    of_output: AuditedSide
    of_trainer: AuditedSide
    trained: TrainedTokens
    regions: Sequence[AuditedRegion]
    failures: Sequence[AuditedFailure]
    first: Sequence[AuditedRow]
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def differing_rows(self) -> int:
        """The number of rows that differ."""
        return sum(self.differing.values())

    @property
    def is_equal(self) -> bool:
        """Whether no row differs."""
        return not self.differing_rows

    def to_dict(self) -> dict[str, Any]:
        """Return all values as JSON can hold them, in the order of the fields."""
        return {**asdict(self), "differing_rows": self.differing_rows}
