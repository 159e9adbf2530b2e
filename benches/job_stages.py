"""The processor time of the stages of `chatmill prepare`, each measured apart in one process over rows it has not seen.

    python benches/job_stages.py ROWS.jsonl START.jsonl TOKENIZER TEMPLATE FOLDER LABELS

`benches/job.py` runs this with one thread. A run of `prepare` tells only its whole time, so the stages run here one
after the other, each over all rows: read, render alone, mill, write. Before that they all run over the few rows of
START.jsonl, because some things load in the first call. Figures by difference say so in their name.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
from chatmill.inputs import find_inputs, read_blocks
from chatmill.inputs.mill import mill_block
from chatmill.outputs.shards import ShardWriter


def stages(source: Path, start: Path, tokenizer: Path, template: Path, folder: Path, labels: str) -> dict[str, float]:
    """Return the processor seconds of each stage over all rows of a file.

    Args:
        source: JSONL.
        start: JSONL with a few rows, over which the stages run first.
        tokenizer: The folder of a tokenizer.
        template: A template file.
        folder: A new folder for the shards.
        labels: The labels: `assistant` or `none`.
    """
    loaded = chatmill.Tokenizer.from_pretrained(tokenizer)
    chat = chatmill.ChatTemplate(template.read_text("utf-8"), **loaded.special_tokens)
    mill = chatmill.Mill(loaded, chat, threads=1, labels=labels)
    folder.mkdir()
    _run(start, folder / "start", mill, chat)
    return _run(source, folder / "whole", mill, chat)


def _run(source: Path, folder: Path, mill: chatmill.Mill, chat: chatmill.ChatTemplate) -> dict[str, float]:
    folder.mkdir()
    seconds: dict[str, float] = {}
    begun = time.process_time()

    def done(stage: str) -> None:
        nonlocal begun
        now = time.process_time()
        seconds[stage] = now - begun
        begun = time.process_time()

    blocks = list(read_blocks(find_inputs(str(source))))
    done("read")
    for block in blocks:
        chat.render_batch(block.batch, json_column=block.json_column)
    done("render")
    made = [pa.record_batch(mill_block(mill, block, statistics=True)) for block in blocks]
    done("mill")
    with ShardWriter(folder) as writer:
        for batch in made:
            writer.write(batch)
        writer.finish()
    done("write")
    return seconds


def command(source: Path, start: Path, tokenizer: Path, template: Path, folder: Path, labels: str) -> list[str]:
    """Return the command that measures the stages in a process of its own."""
    return [sys.executable, __file__, *map(str, (source, start, tokenizer, template, folder, labels))]


def lines(
    with_labels: dict[str, float], without: dict[str, float], count: int, bare: float | None, whole: float | None
) -> list[tuple[str, float]]:
    """Return the stages with their processor seconds a row.

    Args:
        with_labels: The stages with labels.
        without: The stages with `labels="none"`.
        count: The number of rows.
        bare: The processor seconds a row of the fastest exact bare tokenizer, in a process of its own.
        whole: The processor seconds a row of `prepare` with one thread, without its start.

    Example:
        >>> part = {"read": 1.0, "render": 2.0, "mill": 9.0, "write": 3.0}
        >>> dict(lines(part, {**part, "mill": 8.0}, 1, 5.0, 15.0))["rest of prepare, by difference"]
        2.0
    """
    read, render, mill, write = (with_labels[it] / count for it in ("read", "render", "mill", "write"))
    found = [
        ("read: the file into lines", read),
        ("mill: JSON to tokens and labels", mill),
        ("  of it: JSON to text, render_batch alone", render),
    ]
    if bare is not None:
        found.append(("  of it: tokens, the bare tokenizer in its own process", bare))
    found.append(("  of it: labels, by difference to labels none", mill - without["mill"] / count))
    if bare is not None:
        label = mill - without["mill"] / count
        found.append(("  of it: rest of the mill, by difference", mill - render - bare - label))
    found.append(("write: Parquet shards", write))
    if whole is not None:
        found.append(("rest of prepare, by difference", whole - read - mill - write))
        found.append(("prepare, 1 thread, without its start", whole))
    return found


def record(found: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """Return the stages for JSON."""
    return [{"stage": name.strip(), "row_processor_seconds": value} for name, value in found]


if __name__ == "__main__":
    source, start, tokenizer, template, folder = map(Path, sys.argv[1:6])
    print(json.dumps(stages(source, start, tokenizer, template, folder, sys.argv[6])))
