"""`DrawnRow`: a row as all views draw it: its text by region, and within a region by what is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DrawnSpan:
    """Consecutive characters of a region whose tokens have the same weight.

    Attributes:
        text: The characters, as they are in the text.
        weight: 1 for trained, 0 for masked, other numbers if labels are weighted. None for text without tokens, which
            was cut off.
        ids: The tokens that end in this span.
        ends: Where each of them ends, in characters of `text`; ascending.
    """

    text: str
    weight: float | None
    ids: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


@dataclass(frozen=True)
class DrawnRegion:
    """A region with its spans.

    Attributes:
        message: The index of its message; None outside of messages, or if regions are unknown.
        role: The role of the message.
        kind: The kind of the region, such as `content`; empty if regions are unknown.
        spans: Its spans, in order, without gaps.
    """

    message: int | None
    role: str | None
    kind: str
    spans: tuple[DrawnSpan, ...]


@dataclass(frozen=True)
class DrawnRow:
    """A row with its regions.

    Attributes:
        regions: The regions, in order; one without a kind if they are unknown.
        tokens: The number of tokens.
        trained_tokens: The number of those that are trained.
        notes: What is unusual about the row, as sentences.
    """

    regions: tuple[DrawnRegion, ...]
    tokens: int
    trained_tokens: int
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(span.text for region in self.regions for span in region.spans)
