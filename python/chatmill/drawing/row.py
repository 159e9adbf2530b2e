"""`DrawnRow`: a row as all views draw it: its text by region, and within a region by what is trained."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatmill._chatmill import CHOICES, Encoding, Region
from chatmill.drawing.describe import describe_notes
from chatmill.drawing.fields import Fields
from chatmill.drawing.spans import TextSpan, describe_weight, known_regions, name_region, token_spans

# Larger numbers cannot be ids of tokens, and cannot be lengths of texts in memory.
_MOST_ID, _MOST = (1 << 32) - 1, (1 << 53) - 1
# Views name the role several times, so a role that is a whole text would make them large.
_LONGEST_ROLE = 100


@dataclass(frozen=True)
class DrawnSpan:
    """Consecutive characters of a region whose tokens have the same weight.

    Attributes:
        text: The characters, as they are in the text. Empty if the tokens have no characters of their own, such as a
            begin-of-text token that the tokenizer adds.
        weight: 1 for trained, 0 for masked, other numbers if labels are weighted. None for text without tokens, which
            was cut off.
        ids: The tokens that end in this span.
        ends: Where each of them ends, in characters of `text`; ascending.
    """

    text: str
    weight: float | None
    ids: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def state(self) -> str:
        """The weight in words, such as `trained`, `trained × 0.5`, `masked` or `no token`."""
        return describe_weight(self.weight)

    @property
    def is_weighted(self) -> bool:
        """Whether the weight is a number other than 0 and 1."""
        return self.weight not in (None, 0, 1)

    def part(self, start: int, stop: int) -> "DrawnSpan":
        """Return some of the characters, with the tokens that end in them.

        Args:
            start: The first character.
            stop: One past the last character.

        Example:
            >>> DrawnSpan("abcdef", 1.0, (1, 2), (3, 6)).part(1, 4)
            DrawnSpan(text='bcd', weight=1.0, ids=(1,), ends=(2,))
        """
        inside = [(token, end - start) for token, end in zip(self.ids, self.ends, strict=True) if start < end <= stop]
        ids, ends = tuple(token for token, _ in inside), tuple(end for _, end in inside)
        return replace(self, text=self.text[start:stop], ids=ids, ends=ends)


@dataclass(frozen=True)
class DrawnRegion:
    """A region with its spans.

    Attributes:
        message: The index of its message; None outside of messages, or if regions are unknown.
        role: The role of the message; only its beginning if it has more than 100 characters.
        kind: The kind of the region, such as `content`; empty if regions are unknown.
        spans: Its spans, in order, without gaps.
    """

    message: int | None
    role: str | None
    kind: str
    spans: tuple[DrawnSpan, ...]

    @property
    def name(self) -> str:
        """The name for people, such as `message 1 · assistant · content`; empty if regions are unknown."""
        return name_region(self.message, self.role, self.kind)


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
        return "".join(span.text for span in self.spans())

    @property
    def has_regions(self) -> bool:
        """Whether the regions are known."""
        return any(region.kind for region in self.regions)

    def spans(self) -> Iterator[DrawnSpan]:
        """Yield the spans of all regions."""
        for region in self.regions:
            yield from region.spans

    @staticmethod
    def of(encoding: Encoding) -> "DrawnRow":
        """Return one sample of a row as views draw it.

        Args:
            encoding: A conversation, from `Mill.encode`, or another of its `samples`.

        Example:
            >>> import chatmill
            >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")
            >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), template)
            >>> row = DrawnRow.of(mill.encode([{"role": "assistant", "content": "b"}]))
            >>> [(region.name, region.spans) for region in row.regions]
            [('message 0 · assistant · content', (DrawnSpan(text='b', weight=1.0, ids=(98,), ends=(1,)),))]
        """
        regions: list[Region | None] = [*known_regions(encoding)] or [None]
        drawn: list[list[DrawnSpan]] = [[] for _ in regions]
        ends = [it.end if it else 0 for it in regions]
        text, ids, offsets = encoding.text, encoding.input_ids, encoding.offsets
        token_ends = [end for _, end in offsets]
        trained = used = 0
        for span, first, last in token_spans(encoding, offsets):
            trained += last - first if span.weight else 0
            for index, begin, end in _by_region(span, ends):
                # The tokens that end in this region, and all that are left in the last one.
                stop = last if end == span.end else bisect_right(token_ends, end, used, last)
                places = tuple([it - begin if it > begin else 0 for it in token_ends[used:stop]])
                drawn[index].append(DrawnSpan(text[begin:end], span.weight, tuple(ids[used:stop]), places))
                used = stop
        return DrawnRow(
            tuple(_region(region, spans) for region, spans in zip(regions, drawn, strict=True) if region or spans),
            len(encoding),
            trained,
            tuple(describe_notes(encoding, offsets)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as values for JSON. Fields that are empty or None are left out.

        Example:
            >>> region = DrawnRegion(0, "user", "content", (DrawnSpan("Hi", 0.0, (7,), (2,)),))
            >>> DrawnRow((region,), tokens=1, trained_tokens=0).to_dict()["regions"][0]["spans"]
            [{'text': 'Hi', 'weight': 0, 'ids': [7], 'ends': [2]}]
        """
        regions = [
            _without_empty(
                message=region.message,
                role=region.role,
                kind=region.kind or None,
                spans=[
                    _without_empty(
                        text=span.text, weight=_shortest(span.weight), ids=list(span.ids), ends=list(span.ends)
                    )
                    for span in region.spans
                ],
            )
            for region in self.regions
        ]
        row = _without_empty(notes=list(self.notes))
        return {"tokens": self.tokens, "trained_tokens": self.trained_tokens, **row, "regions": regions}

    @staticmethod
    def from_dict(value: Any) -> "DrawnRow":
        """Return the row of the values from `to_dict`, which may come from a file of anyone.

        Args:
            value: The values, as JSON gives them.

        Raises:
            ValueError: A field is missing, not known or has a value that no row has; the text names its place.

        Example:
            >>> DrawnRow.from_dict({"tokens": 0, "trained_tokens": -1})
            Traceback (most recent call last):
                ...
            ValueError: trained_tokens is another number; it must be a whole number from 0 to 0
        """
        fields = Fields(value, "", ("tokens", "trained_tokens", "notes", "regions"))
        tokens = fields.count("tokens", _MOST)
        row = DrawnRow(
            tuple(_read_region(*item) for item in fields.items("regions")),
            tokens,
            fields.count("trained_tokens", tokens),
            fields.texts("notes"),
        )
        if len(row.regions) > 1 and not all(region.kind for region in row.regions):
            raise ValueError("a region has no kind; if a row has several regions, each needs one")
        trained = sum(len(span.ids) for span in row.spans() if span.weight)
        masked = sum(len(span.ids) for span in row.spans()) - trained
        if trained > row.trained_tokens or masked > tokens - row.trained_tokens:
            raise ValueError(
                f"the spans have {trained} trained and {masked} masked ids, but trained_tokens and tokens say "
                f"{row.trained_tokens} and {tokens - row.trained_tokens}"
            )
        return row


def _by_region(span: TextSpan, ends: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the parts of a span, cut at the ends of regions: the index of the region, the begin and the end."""
    start = span.start
    while True:
        index = min(bisect_right(ends, start), len(ends) - 1)
        end = span.end if index == len(ends) - 1 else min(span.end, ends[index])
        yield index, start, end
        if end == span.end:
            return
        start = end


def _region(region: Region | None, spans: list[DrawnSpan]) -> DrawnRegion:
    if region is None:
        return DrawnRegion(None, None, "", tuple(spans))
    role = region.role
    if role is not None and len(role) > _LONGEST_ROLE:
        role = f"{role[: _LONGEST_ROLE - 1]}…"
    return DrawnRegion(region.message, role, region.kind, tuple(spans))


def _without_empty(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _shortest(weight: float | None) -> float | None:
    """Return the number that JSON writes in the fewest characters: 1 instead of 1.0."""
    return int(weight) if weight is not None and weight.is_integer() else weight


def _read_region(value: Any, place: str) -> DrawnRegion:
    fields = Fields(value, place, ("message", "role", "kind", "spans"))
    kind = fields.optional_text("kind") or ""
    if kind and kind not in CHOICES["region_kind"]:
        raise ValueError(
            f"{place}.kind is not a kind of regions; it must be one of {', '.join(CHOICES['region_kind'])}"
        )
    message, role = fields.optional_count("message", _MOST), fields.optional_text("role")
    if role is not None and len(role) > _LONGEST_ROLE:
        raise ValueError(f"{place}.role has {len(role):,} characters; it may have {_LONGEST_ROLE}")
    return DrawnRegion(message, role, kind, tuple(_read_span(*item) for item in fields.items("spans")))


def _read_span(value: Any, place: str) -> DrawnSpan:
    fields = Fields(value, place, ("text", "weight", "ids", "ends"))
    text, weight = fields.text("text"), fields.optional_weight("weight")
    ids, ends = fields.counts("ids", _MOST_ID), fields.counts("ends", len(text))
    if len(ids) != len(ends):
        raise ValueError(f"{place} has {len(ids)} ids and {len(ends)} ends; each token has one id and one end")
    if list(ends) != sorted(ends):
        raise ValueError(f"{place}.ends are not ascending")
    if ids and weight is None:
        raise ValueError(f"{place} has ids, but no weight; text without a weight has no tokens")
    return DrawnSpan(text, weight, ids, ends)
