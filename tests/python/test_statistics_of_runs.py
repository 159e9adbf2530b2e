"""Tests that statistics and the rows to look at do not depend on how a run came to its end."""

from __future__ import annotations

import json
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chatmill import ChatTemplate, Mill, Tokenizer, prepare, report
from chatmill.distributed.merge import merge
from chatmill.distributed.plan import make_plan
from chatmill.distributed.unit import run_unit
from chatmill.reporting.as_json import to_json
from report_cases import ROOT
from report_sets import BROKEN, made
from resumed import TIME, TOKENIZER, Made, keeping
from resumed import made as made_blocks

__all__ = ["keeping", "made_blocks"]

BASE: dict[str, Any] = {
    "tokenizer": TOKENIZER,
    "template": str(ROOT / "templates" / "qwen3.jinja"),
    "block_bytes": 1500,
    "now": TIME,
    "max_rejected": 1.0,
    "progress": False,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"labels": {"tags": False}},
    "tagged": {},
    "cut": {"max_length": 100, "truncation": "split"},
    "per_turn": {"split": "per_turn", "labels": {"tags": False}, "max_length": 300, "truncation": "drop"},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.2},
    "packs": {"pack": 512, "validation": 20},
    "trainer": {"trainer": "llama-factory"},
    "untrained": {"labels": "none"},
}
# Kills itself before a block is made.
KILLED = """
import json, os, signal, sys
import chatmill, chatmill.resume.run as run
from datetime import datetime
import chatmill.pipeline.resumable as resumable
resumable.WORTH_KEEPING_SECONDS = 0.0
options = json.loads(sys.argv[1])
make, blocks = run.mill_block, []
def dying(*arguments, **named):
    blocks.append(1)
    if len(blocks) > 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return make(*arguments, **named)
run.mill_block = dying
chatmill.prepare(**{**options, "now": datetime.fromisoformat(options["now"])})
"""


@pytest.fixture(params=OPTIONS)
def options(request: pytest.FixtureRequest, in_tmp_path: Path) -> dict[str, Any]:
    """The options of a run; an undisturbed one is in `whole`."""
    lines = made()
    rows = {"a.jsonl": [*lines[:60], *BROKEN, *lines[60:]], "b.jsonl": [*lines[12:], *BROKEN, *lines[:12], *lines]}
    for name, its in rows.items():
        Path(name).write_bytes(b"".join(line + b"\n" for line in its))
    options = {**BASE, **OPTIONS[request.param], "inputs": list(rows)}
    prepare(output="whole", **options)
    return options


def parts_of(folder: str) -> tuple[Any, list[Any], dict[str, Any]]:
    """The statistics of an output, its rows to look at, and its report without its name."""
    statistics = json.loads(Path(folder, "_manifest.json").read_text("utf-8"))["statistics"]
    shown = [json.loads(line) for line in Path(folder, "_samples.jsonl").read_text("utf-8").splitlines()]
    told = to_json(report(folder).report)
    told.pop("run")
    return statistics, shown, told


def is_equal_to_whole(folder: str) -> bool:
    """Whether an output has what the undisturbed one has, which is not nothing."""
    statistics, shown, told = parts_of("whole")
    assert statistics["rows"]["region_rows"] > 30
    assert told["totals"]["rejected"] >= 2 * len(BROKEN) - 2
    assert {why for it in shown for why in it["why"]} > {"random", "longest", "most_turns", "rejected"}
    return parts_of(folder) == (statistics, shown, told)


def test_an_interrupted_run(options: dict[str, Any], made_blocks: Made) -> None:
    """It is interrupted at several blocks, also in the first one."""
    blocks = made_blocks.by(lambda: prepare(output="again", **options))
    assert blocks > 30
    for more in (0, 3, 9, 1):
        made_blocks.until(more, lambda: prepare(output="out", **options))
    assert made_blocks.by(lambda: prepare(output="out", **options)) < blocks
    assert is_equal_to_whole("out")
    assert is_equal_to_whole("again")


def test_a_killed_run(options: dict[str, Any]) -> None:
    told = json.dumps({**options, "output": "out", "tokenizer": str(TOKENIZER), "now": TIME.isoformat()})
    died = subprocess.run([sys.executable, "-c", KILLED, told], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    done = prepare(output="out", **options)
    assert 0 < done.reused_blocks < done.blocks
    assert is_equal_to_whole("out")


def test_blocks_of_a_cache(options: dict[str, Any], made_blocks: Made) -> None:
    prepare(output="first", **options, cache="cache")
    assert made_blocks.by(lambda: prepare(output="out", **options, cache="cache")) == 0
    assert is_equal_to_whole("first")
    assert is_equal_to_whole("out")


def test_merged_units(options: dict[str, Any], made_blocks: Made) -> None:
    plan = make_plan({**options, "output": "out"}, unit_bytes=4000)
    order = list(range(len(plan.units)))
    assert len(order) > 8
    random.Random(7).shuffle(order)
    for number in [*order, *order[:2]]:
        run_unit(plan, number)
    assert made_blocks.by(lambda: merge(plan)) == 0
    assert is_equal_to_whole("out")


def test_kept_statistics_are_the_same() -> None:
    """The shares of a kept block are the same to the last bit; otherwise another row would be the least trained one."""
    mill = Mill(Tokenizer.from_pretrained(TOKENIZER), ChatTemplate.named("chatml"))
    differing = []
    for length in range(1, 300):
        row = {"messages": [said("user", "x" * length), said("assistant", "y" * (length * 7 % 53 + 1))]}
        batch = mill([row], statistics=True)
        before, after = batch.statistics, pickle.loads(pickle.dumps(batch)).statistics
        assert before is not None
        if before.to_json() != after.to_json():
            differing.append((before.extremes["least_trained"], after.extremes["least_trained"]))
    assert differing == []


def said(role: str, content: str) -> dict[str, str]:
    """A message."""
    return {"role": role, "content": content}


def test_one_thread(options: dict[str, Any]) -> None:
    prepare(output="out", **options, threads=1)
    assert is_equal_to_whole("out")
