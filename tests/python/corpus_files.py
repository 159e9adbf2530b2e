"""Reads the files of `tests/corpus`, for the script that writes them and for the tests, without chatmill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import template_files

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "corpus"

Spans = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Conversation:
    """A conversation of `conversations.json`.

    Attributes:
        messages: The messages.
        tools: The declared tools, or None.
        documents: The documents, or None.
        variables: The template variables.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None
    documents: list[dict[str, Any]] | None
    variables: dict[str, Any]

    @property
    def context(self) -> dict[str, Any]:
        """The keyword arguments of a render."""
        return {"tools": self.tools, "documents": self.documents, **self.variables}


@lru_cache
def definitions() -> dict[str, Any]:
    """The content of `conversations.json`."""
    read: dict[str, Any] = json.loads((FOLDER / "conversations.json").read_text("utf-8"))
    return read


def now() -> datetime:
    """The time that `strftime_now` prints in all renders."""
    return datetime.fromisoformat(definitions()["now"])


def conversation_names() -> list[str]:
    return list(definitions()["conversations"])


@lru_cache
def conversation(name: str, template: str) -> Conversation:
    """A conversation; if `template` requires tools or documents and there are none, the default ones are added."""
    it = definitions()["conversations"][name]
    given = {key: definitions()["given"][key] for key in template_files.settings(template).get("requires", [])}
    return Conversation(
        it["messages"],
        it.get("tools", given.get("tools")),
        it.get("documents", given.get("documents")),
        it.get("variables", {}),
    )


def tokenizer_names() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "tokenizers").glob("*.json"))


def tokenizer_definition(name: str) -> str:
    return (FOLDER / "tokenizers" / f"{name}.json").read_text("utf-8")


def lines(name: str) -> list[dict[str, Any]]:
    """The objects of a JSONL file of the corpus."""
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").split("\n") if line]


def to_bytes(text: str, spans: Spans) -> list[tuple[int, int]]:
    """Spans in characters of `text` as spans in bytes of its UTF-8."""
    return [(len(text[:start].encode()), len(text[:end].encode())) for start, end in spans]


def to_characters(text: str, spans: Spans) -> list[tuple[int, int]]:
    """Spans in bytes of the UTF-8 of `text` as spans in characters."""
    data = text.encode()
    return [(len(data[:start].decode()), len(data[:end].decode())) for start, end in spans]


def trained_tokens(offsets: Spans, spans: Spans) -> list[bool]:
    """For each token whether it shares a character with a span.

    A token begins at the end of the previous token, because offsets leave out characters that the tokenizer drops.

    Args:
        offsets: The characters of each token, from tokenizers.
        spans: The trained spans, in characters of the text.
    """
    trained, end = [], 0
    for start, stop in offsets:
        begin, end = min(start, end), max(end, stop)
        trained.append(any(max(begin, left) < min(stop, right) for left, right in spans))
    return trained


def ranges_of(trained: Sequence[bool]) -> list[tuple[int, int]]:
    """The ranges of tokens that are trained."""
    edges = [index for index in range(len(trained) + 1) if [False, *trained, False][index : index + 2].count(True) == 1]
    return list(zip(edges[::2], edges[1::2], strict=True))
