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
        aspect: The first aspect that differs, in this order: `failure` (the row fails on one side only, or with another
            code), `samples` (their number; only in a comparison with an output), `text`, `ids`, `labels`, `weights`.
        spans: The differing spans. For labels and weights: all of them. For ids: the first one, then the spans of
            differing weights. For texts: the first one. For failures: one span without characters.
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
    """The rows that differ. Iterate over it once; the counts cover the rows compared so far.

    Attributes:
        rows: The number of compared rows.
        differing: The number of rows that differ, by aspect.
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
