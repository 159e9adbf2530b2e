"""Tests of reports of large outputs: how long they take does not depend on the number of rows."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import process_time
from typing import Any

import pyarrow as pa
import pytest
from chatmill import PackPlan, report
from chatmill.cli.main import app
from chatmill.reporting.limits import packings
from chatmill.statistics.compact import numbers_text, pairs_text
from chatmill.statistics.seal import sealed
from click.testing import CliRunner
from prepared_outputs import edit_manifest, prepare_rows
from samples import conversation

ROWS = 1_000_000
# Of the processor, so that other work of the machine does not count.
MOST_SECONDS = 3.0
LONGEST = 200_000


def lengths() -> Counter[int]:
    """A million lengths, of which about a hundred thousand differ: more than real rows have."""
    drawn = random.Random(5)
    return Counter(min(LONGEST, 20 + int(drawn.paretovariate(0.5) * 100)) for _ in range(ROWS))


def enlarge(manifest: Any) -> None:
    """Give a manifest the statistics of a million rows, with lists as long as they get."""
    counted = lengths()
    tokens = sum(length * count for length, count in counted.items())
    text = pairs_text(sorted(counted.items()))
    record = {name: value for name, value in manifest["statistics"].items() if name != "sha256"}
    (role, kinds), *_ = record["rows"]["regions"].items()
    record["rows"] |= {
        "lengths": text,
        "trained_cells": numbers_text([tokens // 100] * 57),
        "messages": {str(number): 10 for number in range(1, 5000)},
        "roles": {f"{'user assistant ' * 10}{number}": 100 for number in range(200)},
        "tools": {str(number): 10 for number in range(2000)},
        "regions": {f"{role}{number}": kinds for number in range(42)},
        "turns": [{"turns": ROWS, "tokens": tokens // 16, "trained": tokens // 32}] * 16,
    }
    record["samples"]["train"] |= {"samples": ROWS, "tokens": tokens, "trained_tokens": tokens // 2, "lengths": text}
    record["sources"] = record["sources"] * 1000
    manifest["inputs"] = manifest["inputs"] * 1000
    manifest["counts"] |= {"rows_in": ROWS, "rows_out": ROWS}
    manifest["statistics"] = sealed(record)


@pytest.fixture
def large(in_tmp_path: Path) -> Path:
    """An output with the statistics of a million rows."""
    prepare_rows(*map(conversation, range(100)))
    edit_manifest(enlarge)
    return Path("out")


def test_a_report_of_a_million_rows(large: Path) -> None:
    started = process_time()
    made = report(large).report
    seconds = process_time() - started
    assert (made.totals.samples, len(made.lengths), len(made.sources)) == (ROWS, len(lengths()), 1000)
    assert len(made.lengths) > 30_000
    assert sum(made.lengths.values()) == ROWS
    assert seconds < MOST_SECONDS


def test_its_page_and_its_json(large: Path) -> None:
    started = process_time()
    done = CliRunner().invoke(app, ["report", str(large), "--html", "report.html", "--json", "report.json"])
    seconds = process_time() - started
    assert done.exit_code == 0, done.output
    assert f"{ROWS:,}" in Path("report.html").read_text("utf-8")
    assert Path("report.html").stat().st_size < 2_000_000
    assert json.loads(Path("report.json").read_text("utf-8"))["reports"][0]["totals"]["samples"] == ROWS
    assert seconds < MOST_SECONDS


def test_no_shard_is_read(large: Path) -> None:
    for shard in large.rglob("*.parquet"):
        shard.write_bytes(b"damaged")
    assert report(large).report.totals.samples == ROWS


def test_packs_of_many_lengths_are_close() -> None:
    """Of so many lengths only some are packed; all of them give nearly the same."""
    counted = lengths()
    found = packings(counted)
    assert [it.max_length for it in found] == [2048, 4096, 8192, 16384, 32768]
    for it in found:
        fitting = [length for length, count in counted.items() for _ in range(count) if length <= it.max_length]
        assert it.too_long == ROWS - len(fitting)
        plan = PackPlan.of(pa.array(fitting, pa.int32()), it.max_length)
        assert it.efficiency == pytest.approx(plan.efficiency, abs=0.001)
        assert it.packs == pytest.approx(len(plan), rel=0.001)


def test_the_command_as_users_start_it(large: Path) -> None:
    before = os.times()
    done = subprocess.run([sys.executable, "-m", "chatmill", "report", str(large)], capture_output=True, check=False)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert done.returncode == 0, done.stderr.decode()
    assert f"{ROWS:,}" in done.stdout.decode()
    assert seconds < MOST_SECONDS
