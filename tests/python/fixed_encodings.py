"""Encodings written by hand, for results that no mill has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from chatmill import ChatmillError, Encoding, Region


@dataclass
class FixedToken:
    """A token made by hand."""

    id: int
    start: int
    end: int
    text: str
    label: int


@dataclass
class FixedEncoding:
    """An encoding made by hand, for results that no mill makes."""

    tokens: list[FixedToken]
    text: str = "ab"
    weights: list[float] | None = None
    notes: list[str] = field(default_factory=list)
    parts: list[Any] | None = None

    @property
    def samples(self) -> list[FixedEncoding]:
        return [self]

    @property
    def input_ids(self) -> list[int]:
        return [token.id for token in self.tokens]

    @property
    def labels(self) -> list[int]:
        return [token.label for token in self.tokens]

    @property
    def offsets(self) -> list[tuple[int, int]]:
        return [(token.start, token.end) for token in self.tokens]

    @property
    def regions(self) -> list[Region]:
        if self.parts is None:
            raise ChatmillError("the regions do not cover the text")
        return self.parts

    def __len__(self) -> int:
        return len(self.tokens)


def encoding_of(tokens: Sequence[tuple[int, int, bool]], **options: Any) -> Encoding:
    """An encoding with tokens at these characters, some of them trained; its regions are unknown."""
    text = options.get("text", "ab")
    listed = [
        FixedToken(number, start, end, text[start:end], number if trained else -100)
        for number, (start, end, trained) in enumerate(tokens)
    ]
    return cast(Encoding, FixedEncoding(listed, **options))
