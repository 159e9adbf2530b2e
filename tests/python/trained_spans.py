"""Spans of text: those that the labels of the assistant train, by the regions of an encoding."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chatmill import Region

MASKED = -100
# The kinds of regions that a model generates.
GENERATED = {"prefix", "reasoning", "content", "tool_call", "closer"}
Spans = list[tuple[int, int]]


def joined(spans: Spans) -> Spans:
    """The spans without empty ones, with adjacent spans joined."""
    out: Spans = []
    for start, end in spans:
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], end)
        elif start < end:
            out.append((start, end))
    return out


def generated(regions: Sequence[Region], turns: Collection[int]) -> Spans:
    """The spans of these turns that a model generates."""
    return joined([(it.start, it.end) for it in regions if it.message in turns and it.kind in GENERATED])
