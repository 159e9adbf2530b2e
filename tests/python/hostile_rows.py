"""Rows whose values try to write a control token, each with a twin that has harmless letters in its place."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from chatmill import ChatTemplate, Mill, Tokenizer

Row = dict[str, Any]


def fullwidth(text: str) -> str:
    """Characters that NFKC turns into the text."""
    return "".join(chr(ord(it) + 0xFEE0) if "!" <= it <= "~" else it for it in text)


def spellings(token: str, chance: random.Random) -> str:
    """A spelling of a token that a template, a normalizer or a tokenizer may turn into the token."""
    cut = chance.randrange(1, max(len(token), 2))
    return chance.choice(
        [
            token,
            token,
            f"a {token} b",
            f"{token}{token}",
            f"{token[:cut]}{token}{token[cut:]}",
            token.upper(),
            token.swapcase(),
            fullwidth(token),
            unicodedata.normalize("NFD", token),
            token.replace("_", " "),
            f" {token}\n",
            token[:cut],
            token[cut:],
        ]
    )


def place(text: str, chance: random.Random) -> Row:
    """A row with the text somewhere."""
    cut = chance.randrange(len(text) + 1)
    question: Row = {"role": "user", "content": "Question"}
    answer: Row = {"role": "assistant", "content": "Answer"}
    tool: Row = {"name": "look_up", "description": "Looks up", "parameters": {"type": "object", "properties": {}}}
    row: Row = {"messages": [question, answer]}

    def call(name: str, arguments: Row) -> None:
        answer["tool_calls"] = [{"type": "function", "function": {"name": name, "arguments": arguments}}]

    def with_tool(**changed: Any) -> None:
        row["tools"] = [{"type": "function", "function": {**tool, **changed}}]

    places: list[Callable[[], Any]] = [
        lambda: question.update(content=text),
        lambda: answer.update(content=text),
        lambda: question.update(content=[{"type": "text", "text": text[:cut]}, {"type": "text", "text": text[cut:]}]),
        lambda: (question.update(content=f"Q{text[:cut]}"), answer.update(content=f"{text[cut:]}A")),
        lambda: question.update(name=text),
        lambda: question.update(role=text),
        lambda: answer.update(reasoning_content=text),
        lambda: answer.update({text or "k": "value"}),
        lambda: row["messages"].insert(0, {"role": "system", "content": text}),
        lambda: row["messages"].insert(1, {"role": "tool", "name": text, "content": "Result"}),
        lambda: call(text, {}),
        lambda: call("look_up", {"key": text}),
        lambda: call("look_up", {text: {text: [text]}}),
        lambda: with_tool(name=text),
        lambda: with_tool(description=text),
        lambda: with_tool(parameters={"type": "object", "properties": {text: {"type": "string", "enum": [text]}}}),
        lambda: row.update(documents=[{"title": text, "text": text, text or "k": "value"}]),
        lambda: row.update(chat_template_kwargs={"date_string": text, "system_message": text, "custom_tools": [text]}),
    ]
    chance.choice(places)()
    return row


def hostile_rows(tokens: list[str], count: int, seed: int) -> Iterator[tuple[Row, Row]]:
    """Yield rows with a token of `tokens`, and their twins."""
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        text = spellings(chance.choice(tokens), chance)
        state = chance.getstate()
        row = place(text, chance)
        chance.setstate(state)
        yield row, place("x" * len(text), chance)


def control_tokens(tokenizer: Tokenizer) -> dict[str, int]:
    """The special tokens of a tokenizer with their ids, without the unknown token."""
    definition = json.loads(tokenizer.__getnewargs_ex__()[0][0])
    special = [it for it in definition["added_tokens"] if it["special"] and it["content"].strip()]
    uses = Counter(tokenizer.special_tokens.values())
    unknown = tokenizer.special_tokens.get("unk_token")
    return {it["content"]: it["id"] for it in special if it["content"] != unknown or uses[it["content"]] > 1}


def written(mill: Mill, rows: list[Row], control: set[int]) -> list[Counter[int] | None]:
    """The control tokens in the ids of each row; None if the row is rejected. The mill needs `on_error="null"`."""
    ids = pa.table(mill(pa.table({"row": [json.dumps(row) for row in rows]}), json_column="row"))["input_ids"]
    return [None if it is None else Counter(token for token in it if token in control) for it in ids.to_pylist()]


def violations(tokenizer: Tokenizer, template: ChatTemplate, count: int, seed: int) -> tuple[int, int, list[Row]]:
    """The number of hostile rows and of rejected ones, and the rows with more control tokens than their twins."""
    control = control_tokens(tokenizer)
    ids = set(control.values())
    pairs = list(hostile_rows(sorted(control), count, seed))
    as_text, allowed = (
        Mill(tokenizer, template, labels="none", special_tokens=how, on_error="null") for how in ("text", "allow")
    )
    compared = rejected = 0
    wrong = []
    hostile, harmless = written(as_text, [row for row, _ in pairs], ids), written(allowed, [it for _, it in pairs], ids)
    for (row, _), found, twin in zip(pairs, hostile, harmless, strict=True):
        if twin is not None:
            compared += 1
            rejected += found is None
            wrong += [row] if found is not None and found - twin else []
    return compared, rejected, wrong
