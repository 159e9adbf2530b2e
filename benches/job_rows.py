"""The rows of the whole job: real conversations as JSONL, and the texts that transformers renders of them.

Equal rows of a set are used once, and if more rows are asked than a set has, all are used. Only `copies` repeats them,
for jobs of more rows than there are. Fewer rows are taken evenly from the whole set, so that each language and each
source keeps its share.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import transformers

import rows

Row = dict[str, Any]
STOCK, TAGGED = "stock", "tagged"

# Rows of the run that measures the start: one for each of two processes.
START_ROWS = 2


@dataclass(frozen=True)
class Files:
    """Some rows in files.

    Attributes:
        rows: JSONL with `messages`, and with `tools` if the set has tools.
        texts: The rendered texts for each template: Arrow files with a column `text`.
        count: The number of rows.
    """

    rows: Path
    texts: dict[str, Path]
    count: int


@dataclass(frozen=True)
class Material:
    """What all contenders get of a set.

    Attributes:
        name: The set.
        note: How many rows were asked, are there and were left out; empty if there is nothing to say.
        tokenizer: A folder with a `tokenizer.json`.
        special_tokens: The special tokens that a template may print.
        templates: The template without tags and the one with tags, as files.
        has_tools: Whether rows have tools.
        whole: All rows.
        start: A few rows, to measure the start.
    """

    name: str
    note: str
    tokenizer: Path
    special_tokens: dict[str, str]
    templates: dict[str, Path]
    has_tools: bool
    whole: Files
    start: Files


def chats(*names: str) -> Iterator[Row]:
    """Yield the conversations of datasets."""
    for row in chain.from_iterable(map(rows.dataset, names)):
        yield {"messages": row["messages"]}


def tools() -> Iterator[Row]:
    """Yield conversations with tools: sgd, tau2, and glaive in English and Chinese."""
    for row in chain.from_iterable(map(rows.dataset, ("sgd_tools_17k", "tau2_tools"))):
        yield {"tools": row["tools"], "messages": row["messages"]}
    for row in chain.from_iterable(map(rows.dataset, ("glaive_toolcall_en_demo", "glaive_toolcall_zh_demo"))):
        yield {
            "tools": [{"type": "function", "function": tool} for tool in json.loads(row["tools"] or "[]")],
            "messages": [_message(turn["from"], turn["value"]) for turn in row["conversations"]],
        }


def _message(source: str, text: str) -> dict[str, Any]:
    """Return a turn of ShareGPT as a message."""
    if source == "function_call":
        call = json.loads(text)
        function = {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
        return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
    return {"role": {"human": "user", "gpt": "assistant", "observation": "tool"}[source], "content": text}


def questions() -> Iterator[Row]:
    """Yield the questions of xquad about their contexts, in 12 languages, with the answers."""
    for row in rows.dataset("xquad_12lang"):
        question = {"role": "user", "content": f"{row['context'].strip()}\n\n{row['question']}"}
        yield {"messages": [question, {"role": "assistant", "content": row["answer"]}]}


def examples() -> Iterator[Row]:
    """Yield the bundled examples."""
    with (rows.ROOT / "examples" / "conversations.jsonl").open(encoding="utf-8") as lines:
        yield from ({"messages": row["messages"]} for row in map(json.loads, lines))


SETS: dict[str, Callable[[], Iterator[Row]]] = {
    "chinese": lambda: chats("smilechat_zh_10k"),
    "english": lambda: chats("chitchat_en_4k"),
    "tools": tools,
    "reasoning": lambda: chats("sky_t1_think"),
    "languages": questions,
    "chats": lambda: chats("smilechat_zh_10k", "chitchat_en_4k"),
    "examples": examples,
}
# `chats` is Chinese and English together.
DEFAULT_SETS = ("chinese", "english", "tools", "reasoning", "languages") if rows.CORPUS.is_dir() else ("examples",)


def unseen(name: str, count: int | None) -> tuple[list[Row], str]:
    """Return rows of a set, none of them twice, and a note.

    Args:
        name: The set.
        count: The number of rows; None for all.

    Example:
        >>> found, note = unseen("examples", 10)
        >>> len(found), note
        (10, '')
    """
    every = list(SETS[name]())
    # TRL ends with an error at a row without an answer.
    found = [row for row in every if any(it["role"] == "assistant" for it in row["messages"])]
    different = list({json.dumps(row, ensure_ascii=False): row for row in found}.values())
    unanswered, twice = len(every) - len(found), len(found) - len(different)
    notes = [f"{unanswered:,} rows without an answer are left out"] if unanswered else []
    if twice:
        notes.append(f"{twice:,} rows occur again and are left out")
    if count is not None and count > len(different):
        notes.append(f"{count:,} rows were asked, but the set has {len(different):,}, and rows are not repeated")
    if count is not None and count < len(different):
        different = [different[at * len(different) // count] for at in range(count)]
    return different, "; ".join(notes)


def material(name: str, count: int | None, folder: Path, copies: int = 1) -> Material:
    """Write the files of a set.

    Args:
        name: The set.
        count: The number of rows; None for all.
        folder: A folder for the files.
        copies: How many times the files have all rows, one after the other.

    Raises:
        SystemExit: transformers renders none of the rows.
    """
    workload = rows.load(1)
    chosen, note = unseen(name, count)
    has_tools = "tools" in chosen[0]
    sources = _templates(workload, has_tools=has_tools)
    folder.mkdir(parents=True)
    templates = {kind: folder / f"{kind}.jinja" for kind in sources}
    for kind, path in templates.items():
        path.write_text(sources[kind], "utf-8")
    kept, texts = _rendered(workload, chosen, sources)
    if not kept:
        raise SystemExit(f"{name}: transformers renders none of the {len(chosen):,} rows with both templates")
    notes = [note] if note else []
    if len(kept) < len(chosen):
        notes.append(f"{len(chosen) - len(kept):,} rows that transformers does not render are left out")
    if copies > 1:
        notes.append(f"{len(kept):,} rows, {copies} times one after the other")
    start = _written(folder / "start", kept[:START_ROWS], {kind: it[:START_ROWS] for kind, it in texts.items()})
    return Material(
        name=name,
        note="; ".join(notes),
        tokenizer=workload.tokenizer,
        special_tokens=workload.special_tokens,
        templates=templates,
        has_tools=has_tools,
        whole=_written(folder / "whole", kept * copies, {kind: it * copies for kind, it in texts.items()}),
        start=start,
    )


def _templates(workload: rows.Workload, *, has_tools: bool) -> dict[str, str]:
    """Return the model's own template and ChatML with tags; with tools, the ChatML of Qwen2.5, which prints them."""
    if not rows.CORPUS.is_dir():
        return {STOCK: workload.untagged(), TAGGED: workload.template}
    settings = json.loads((workload.tokenizer / "tokenizer_config.json").read_text("utf-8"))
    named = rows.ROOT / "templates" / "qwen2.5.jinja"
    return {STOCK: settings["chat_template"], TAGGED: named.read_text("utf-8") if has_tools else workload.template}


def _rendered(
    workload: rows.Workload, chosen: Sequence[Row], sources: dict[str, str]
) -> tuple[list[Row], dict[str, list[str]]]:
    """Return the rows that transformers renders with all templates, and their texts."""
    load: Any = transformers.PreTrainedTokenizerFast
    tokenizer = load(tokenizer_file=str(workload.tokenizer / "tokenizer.json"), **workload.special_tokens)
    kept: list[Row] = []
    texts: dict[str, list[str]] = {kind: [] for kind in sources}
    for row in chosen:
        try:
            made = {
                kind: tokenizer.apply_chat_template(
                    row["messages"], tools=row.get("tools") or None, chat_template=source, tokenize=False
                )
                for kind, source in sources.items()
            }
        except Exception:  # noqa: BLE001  (templates raise what they like; rows left out are counted)
            continue
        kept.append(row)
        for kind, text in made.items():
            texts[kind].append(text)
    return kept, texts


def _written(folder: Path, kept: Sequence[Row], texts: dict[str, list[str]]) -> Files:
    folder.mkdir()
    lines = folder / "rows.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    paths = {kind: folder / f"{kind}.arrow" for kind in texts}
    for kind, path in paths.items():
        table = pa.table({"text": pa.array(texts[kind], pa.large_string())})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=rows.BATCH)
    return Files(lines, paths, len(kept))
