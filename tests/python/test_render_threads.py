"""Rendering in many threads at once gives the same texts as rendering in one thread."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import reference
from chatmill import ChatmillError, ChatTemplate, Mill, Tokenizer

RENDERS, THREADS, TEMPLATES = 100_000, 8, 50
Row = tuple[ChatTemplate, dict[str, Any]]


def text(row: Row) -> str | None:
    template, conversation = row
    try:
        return template.render(now=reference.NOW, **conversation)
    except ChatmillError as error:
        return f"refused: {error}"


def conversations() -> list[dict[str, Any]]:
    """Conversations of one to nine turns; some have tools and calls."""
    tool = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {}}}
    made: list[dict[str, Any]] = []
    for count in range(1, 10):
        roles = ["user", "assistant"] * count
        messages: list[dict[str, Any]] = [
            {"role": role, "content": f"{role} says {number} 你好 " * (number + 1)}
            for number, role in enumerate(roles[:count])
        ]
        made += [{"messages": messages}, {"messages": messages, "tools": [tool], "add_generation_prompt": True}]
    return made


def test_named_templates_in_threads() -> None:
    templates = [ChatTemplate.named(name) for name in ChatTemplate.names()]
    in_threads([(template, row) for template in templates for row in conversations()], accepted=414)


@reference.needs_corpus
def test_templates_of_the_corpus_in_threads() -> None:
    files = sorted((reference.CORPUS / "corpus" / "templates").rglob("*.jinja"))
    sources = [path.read_bytes().decode("utf-8") for path in files[:: len(files) // TEMPLATES]][:TEMPLATES]
    assert len(sources) == TEMPLATES
    templates = [ChatTemplate(source, bos_token="<s>", eos_token="</s>") for source in sources]
    in_threads([(template, row) for template in templates for row in conversations()], accepted=900)


def in_threads(rows: list[Row], accepted: int) -> None:
    alone = [text(row) for row in rows]
    assert sum(not str(it).startswith("refused") for it in alone) == accepted
    order = [random.Random(seed).randrange(len(rows)) for seed in range(RENDERS)]
    shares = [order[thread::THREADS] for thread in range(THREADS)]

    def work(share: list[int]) -> int:
        return sum(text(rows[index]) != alone[index] for index in share)

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, shares)) == 0


def test_labels_of_tags_in_threads(tokenizer: Path) -> None:
    """The tags of one template in eight threads. In transformers, the threads share one tracker."""
    mill = Mill(Tokenizer.from_pretrained(tokenizer), ChatTemplate.named("chatml"), threads=1)
    messages = [row["messages"] for row in conversations()]
    alone = [mill.encode(it).labels for it in messages]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda it: mill.encode(it).labels, messages * 40)) == alone * 40
