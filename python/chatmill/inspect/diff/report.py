"""`DiffReport`: the rows that differ between two sides, and counts of both sides."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chatmill.inspect.diff.spans import Aspect, DifferingSpan


@dataclass(frozen=True)
class RowDifference:
    """One row that differs between the two sides.

    Attributes:
        row: Index of the row over all inputs, from 0.
        place: Its place, such as `chats.jsonl, line 3`.
        aspect: The first aspect that differs on the way from the row to the loss: the row fails on one side, or for
            another reason (`failure`), or `text`, `ids`, `labels` or `weights` differ. Compared with an output, also
            the number of `samples`.
        spans: The places: all places for labels and weights; for ids the first place, then places of differing weights;
            for texts the first place; for failures one span without characters.
    """

    row: int
    place: str
    aspect: Aspect
    spans: tuple[DifferingSpan, ...]


@dataclass
class Side:
    """Counts of the rows on one side.

    Attributes:
        tokens: Tokens of all rows.
        trained_tokens: Tokens that have a label.
        failed: Rows without tokens.
    """

    tokens: int = 0
    trained_tokens: int = 0
    failed: int = 0

    def add(self, *, tokens: int, trained: int) -> None:
        """Count a row that has tokens.

        Args:
            tokens: Its tokens.
            trained: Its trained tokens.
        """
        self.tokens += tokens
        self.trained_tokens += trained


class DiffReport(ABC):
    """The rows that differ, one after the other. Iterate once; the counts cover the rows seen so far.

    Attributes:
        rows: Rows seen.
        differing: Rows that differ, by aspect.
        left: Counts of the left side.
        right: Counts of the right side.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.differing: Counter[Aspect] = Counter()
        self.left = Side()
        self.right = Side()

    @abstractmethod
    def __iter__(self) -> Iterator[RowDifference]:
        """Yield the rows that differ, and count all rows."""
