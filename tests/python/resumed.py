"""Runs that are interrupted and go on: their options and inputs, a count of the blocks they make, and their files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import pytest
from folders import files_in
from samples import Row, conversation, write_rows

TOKENIZER = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
CHATML = chatmill.ChatTemplate.named("chatml").source
CLOCK = "{{ strftime_now('%H:%M:%S.%f') }}"
TIME = datetime(2026, 1, 2)  # noqa: DTZ001  # templates have no time zone
BASE: dict[str, Any] = {"tokenizer": TOKENIZER, "template": CHATML, "block_bytes": 4000, "now": TIME}
#: Options of runs whose outputs have all kinds of files.
RUN_OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "shards": {"shard_tokens": 900},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.1},
    "packs": {"pack": 256, "validation": 20},
    "megatron": {"to": "megatron"},
    "trainer": {"trainer": "llama-factory"},
    "kept": {"keep_columns": ["id"], "split": "per_turn"},
}


@pytest.fixture(autouse=True)
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short runs keep blocks too."""
    monkeypatch.setattr("chatmill.pipeline.resumable.WORTH_KEEPING_SECONDS", 0.0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """A count of the blocks that runs make."""
    return Made(monkeypatch)


class Made:
    """Counts the blocks that are made, and interrupts a run before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks = 0
        self.stop_at: int | None = None
        self.error: BaseException = KeyboardInterrupt()
        mill_block = chatmill.inputs.mill.mill_block

        def counting(*arguments: Any, **named: Any) -> Any:
            if self.blocks == self.stop_at:
                raise self.error
            self.blocks += 1
            return mill_block(*arguments, **named)

        monkeypatch.setattr("chatmill.resume.run.mill_block", counting)

    def by(self, run: Callable[[], Any]) -> int:
        """The number of blocks that a run makes."""
        self.blocks, self.stop_at = 0, None
        run()
        return self.blocks

    def until(self, blocks: int, run: Callable[[], Any], error: BaseException | None = None) -> None:
        """Interrupt a run after it made some blocks."""
        self.blocks, self.stop_at, self.error = 0, blocks, error or KeyboardInterrupt()
        with pytest.raises(type(self.error)):
            run()
        self.stop_at = None


def rows(count: int = 300, first: int = 0) -> list[Row]:
    return [{**conversation(number), "id": number} for number in range(first, first + count)]


@pytest.fixture
def inputs(in_tmp_path: Path) -> list[str]:
    """Two files in a fresh folder, of more than twenty blocks with `BASE`."""
    write_rows(Path("a.jsonl"), rows())
    # A row without messages is rejected, and a doubled one is left out by `deduplicate`.
    write_rows(Path("b.jsonl"), [*rows(200, first=300), {"messages": [], "id": 0}, *rows(20)])
    return ["a.jsonl", "b.jsonl"]


def files_of(folder: str | Path) -> dict[str, bytes]:
    """The files of an output; of its manifest all but the times and its checksum."""
    found = files_in(Path(folder))
    manifest = json.loads(found.pop("_manifest.json"))
    for name in ("created", "sha256"):
        manifest.pop(name)
    found["_manifest.json"] = json.dumps(manifest).encode()
    return found


@pytest.fixture
def definitions(inputs: list[str]) -> None:
    """A tokenizer with another added token in `other.json`, and rows with a second column of messages."""
    found = json.loads(TOKENIZER.read_text())
    found["added_tokens"].append(
        {"id": max(found["model"]["vocab"].values()) + 900, "content": "Hello", "special": True, "single_word": False}
        | dict.fromkeys(("lstrip", "rstrip", "normalized"), False)
    )
    Path("other.json").write_text(json.dumps(found))
    lines = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    write_rows(Path("a.jsonl"), [{**line, "chat": line["messages"][:1] + line["messages"]} for line in lines])


def appended() -> None:
    with Path("b.jsonl").open("a") as file:
        file.write(json.dumps(conversation(999)) + "\n")


#: What happens to the inputs, which files are inputs then, and how many of their blocks are made again.
INPUT_CHANGES: dict[str, tuple[Callable[[], Any], list[str], int]] = {
    "nothing": (lambda: None, ["a.jsonl", "b.jsonl"], 0),
    "touched": (lambda: os.utime("a.jsonl", ns=(1, 1)), ["a.jsonl", "b.jsonl"], 0),
    "moved": (lambda: Path("a.jsonl").rename("c.jsonl"), ["b.jsonl", "c.jsonl"], 0),
    "copied": (lambda: shutil.copy("a.jsonl", "c.jsonl"), ["a.jsonl", "c.jsonl", "b.jsonl"], 0),
    "appended": (appended, ["a.jsonl", "b.jsonl"], 1),
    "added": (lambda: write_rows(Path("c.jsonl"), rows(3, 5000)), ["a.jsonl", "c.jsonl", "b.jsonl"], 1),
    "removed": (lambda: Path("a.jsonl").unlink(), ["b.jsonl"], 0),
}
