"""`DifferingSpan`: a range of characters of a row that differs between two sides."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from chatmill._chatmill import Region

#: The aspects of a row in the order in which they are compared; the first one that differs is reported.
Aspect: TypeAlias = Literal["failure", "samples", "text", "ids", "labels", "weights"]


@dataclass(frozen=True)
class DifferingSpan:
    """A range of characters of a row that differs between the two sides.

    Attributes:
        start: First character, an index into the text; if the texts differ, into the text of the left side.
        end: One past the last character; equal to `start` if the texts differ, because they differ from there on.
        text: The characters.
        left: The state on the left side: `trained`, `trained × 0.5`, `masked`, or `no token` (the row is truncated). If
            the texts differ, a quote; if ids differ, tokens with their ids; for a failure, its reason or the result of
            the row.
        right: The state on the right side.
        message: Index of the message of these characters, from 0; None if it is unknown, or for text of no message.
        role: The role of that message.
        kind: The kind of their region, or None if it is unknown.
    """

    start: int
    end: int
    text: str
    left: str
    right: str
    message: int | None = None
    role: str | None = None
    kind: str | None = None


class Interval(Protocol):
    """A range of characters."""

    @property
    def start(self) -> int:
        """First character."""

    @property
    def end(self) -> int:
        """One past the last character."""


_T = TypeVar("_T", bound=Interval)


def index_at(intervals: Sequence[_T], at: int) -> int:
    """Return the index of the interval that covers a character.

    Args:
        intervals: Intervals that cover a text, in order.
        at: Index of the character.

    Example:
        >>> from chatmill.drawing.spans import TextSpan
        >>> index_at([TextSpan(0, 3, 1), TextSpan(3, 9, 0)], 3)
        1
    """
    return bisect_right(intervals, at, key=lambda it: it.start) - 1


def span_at(regions: Sequence[Region], start: int, end: int, text: str, left: str, right: str) -> DifferingSpan:
    """Make a span with its message, role and kind, if the regions are known.

    Args:
        regions: The regions of the text that `start` refers to; empty if they are unknown.
        start: First character.
        end: One past the last character.
        text: The characters.
        left: The state on the left side.
        right: The state on the right side.
    """
    if not regions:
        return DifferingSpan(start, end, text, left, right)
    region = regions[index_at(regions, start)]
    return DifferingSpan(start, end, text, left, right, region.message, region.role, region.kind)
