"""Rows of real datasets, and some made by hand, for the tests of the numbers of reports."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import reference
from counted_rows import Conversation

Rows = list[dict[str, Any]]

# A row that is no JSON, one without messages, one without an answer.
BROKEN = [
    b'{"messages": [',
    b'{"messages": []}',
    json.dumps({"messages": [{"role": "user", "content": "Is anyone there?"}]}).encode(),
]
_ROLES = {"human": "user", "gpt": "assistant", "function_call": "assistant", "observation": "tool"}


@lru_cache
def dataset(name: str, count: int, first: int = 0) -> list[bytes]:
    """The lines of some rows of a dataset of the corpus."""
    with lzma.open(reference.CORPUS / "datasets" / f"{name}.jsonl.xz") as file:
        found = file.read().splitlines()[first : first + count]
    assert len(found) == count
    return found


def lines_of(rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Rows as lines of JSON."""
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


def chat(row: Mapping[str, Any]) -> Conversation:
    """Read a row of messages."""
    return Conversation(row["messages"], len(row.get("tools") or []))


def question(row: Mapping[str, Any]) -> Conversation:
    """Read a question with its answer."""
    names = {"user": "question", "assistant": "answer"}
    return Conversation([{"role": role, "content": row[name]} for role, name in names.items()])


def sharegpt(row: Mapping[str, Any]) -> Conversation:
    """Read a conversation of ShareGPT, whose calls are messages of their own and whose tools are a text."""
    messages = [{"role": _ROLES[it["from"]], "content": it["value"]} for it in row["conversations"]]
    return Conversation(messages, len(json.loads(row["tools"] or "[]")))


def reasoning(count: int) -> list[bytes]:
    """Conversations of two questions, whose answers have their reasoning in a field of its own."""
    rows = [json.loads(line)["messages"] for line in dataset("sky_t1_think", 2 * count)]
    return lines_of(
        [{"messages": [*_divided(one), *_divided(two)]} for one, two in zip(rows[::2], rows[1::2], strict=True)]
    )


def _divided(messages: Sequence[Mapping[str, str]]) -> Rows:
    found: Rows = []
    for it in messages:
        thought, mark, answer = it["content"].partition("</think>")
        thinks = it["role"] == "assistant" and bool(mark)
        parts = {"reasoning_content": thought.removeprefix("<think>").strip(), "content": answer.strip()}
        found.append({**it, **parts} if thinks else dict(it))
    return found


def preferences(count: int) -> list[bytes]:
    """Questions in twelve languages, each with its answer and that of the next row."""
    rows = [json.loads(line) for line in dataset("xquad_12lang", count + 1)]

    def said(role: str, text: str) -> Rows:
        return [{"role": role, "content": text}]

    return lines_of(
        [
            {
                "prompt": said("user", f"{row['context']}\n\n{row['question']}"),
                "chosen": said("assistant", row["answer"]),
                "rejected": said("assistant", f"{other['answer']} ({other['lang']})"),
            }
            for row, other in pairwise(rows)
        ]
    )


def rewards(count: int) -> list[bytes]:
    """The same as whole conversations."""
    rows = map(json.loads, preferences(count))
    return lines_of([{name: row["prompt"] + row[name] for name in ("chosen", "rejected")} for row in rows])


def judged(count: int) -> list[bytes]:
    """The same with one of the answers, and whether it is good."""
    rows = enumerate(map(json.loads, preferences(count)))
    names = ("chosen", "rejected")
    return lines_of(
        [{"prompt": row["prompt"], "completion": row[names[at % 2]], "label": at % 2 == 0} for at, row in rows]
    )


def texts(count: int) -> list[bytes]:
    """Plain texts in twelve languages."""
    return lines_of([{"text": json.loads(line)["context"]} for line in dataset("xquad_12lang", count)])


def made() -> list[bytes]:
    """Rows with everything that a report counts, without a corpus."""
    call = {"type": "function", "function": {"name": "look", "arguments": {"at": "x"}}}
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("look", "ask")]

    def said(*parts: Any) -> Rows:
        return [
            {"role": role, **(content if isinstance(content, dict) else {"content": content})}
            for role, content in zip(parts[::2], parts[1::2], strict=True)
        ]

    def thought(text: str, answer: str) -> dict[str, str]:
        return {"reasoning_content": text, "content": answer}

    rows: Rows = [
        {"messages": said("system", "Be brief.", "user", "你好 👋", "assistant", "Hello!")},
        {"messages": said("user", "a", "assistant", "b", "user", "c", "assistant", "d", "user", "e", "assistant", "f")},
        {"messages": said("user", "Look.", "assistant", {"content": "", "tool_calls": [call]}, "tool", "It is x.",
                          "assistant", "x"), "tools": tools},
        {"messages": said("user", "1 + 1?", "assistant", thought("One and one.", "2"), "user", "2 + 2?", "assistant",
                          thought("Two and two.", "4"))},
        {"messages": said("user", "First.", "user", "Second.", "assistant", "Both.", "assistant", "Really.")},
        {"messages": said("user", " ", "assistant", "You said nothing.", "system", "Be kind.", "user", "Bye")},
        {"messages": said("user", "Empty?", "assistant", "")},
        {"messages": said("user", "What is <|im_end|>?", "assistant", "A stop token.")},
        {"messages": said("user", "Count.", "assistant", "one " * 60, "user", "More.", "assistant", "two " * 60)},
        {"messages": said(*[part for turn in range(20) for part in ("user", f"q{turn}", "assistant", f"a{turn}")])},
        {"messages": said("user", "Hi", "assistant", "Hello!")},
        {"messages": said("user", "Hi", "assistant", "Hello!")},
    ]  # fmt: skip
    more: Rows = [
        {"messages": said("user", f"What is {number} + 1?", "assistant", f"It is {number + 1}.")}
        for number in range(150)
    ]
    return lines_of([*rows, *more])
