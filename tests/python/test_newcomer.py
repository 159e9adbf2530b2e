"""Mistakes of a new user: each ends with a message that names the place and the remedy, and with the right status."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from chatmill.cli.main import app
from click.testing import CliRunner
from folders import write_byte_tokenizer
from samples import to_lines

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "faults" / "newcomer.json").read_text("utf-8"))


def write(path: Path, content: Any) -> None:
    """Write a file of a case: a text, lines and rows, or rows to compress."""
    if isinstance(content, str):
        path.write_text(content, "utf-8")
    elif isinstance(content, dict):
        path.write_bytes(gzip.compress(to_lines(content["gzip"])))
    else:
        path.write_text("".join(f"{it if isinstance(it, str) else json.dumps(it)}\n" for it in content), "utf-8")


def test_there_are_thirty_cases() -> None:
    assert len(CASES) >= 30
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_mistake_is_one_clear_message(case: dict[str, Any], in_tmp_path: Path) -> None:
    write_byte_tokenizer(in_tmp_path / "bytes")
    for name, content in case["files"].items():
        write(in_tmp_path / name, content)
    # A narrow terminal would wrap the message.
    failed = CliRunner(env={"COLUMNS": "1000"}).invoke(app, case["arguments"])
    assert failed.exit_code == case["status"], failed.output
    told = " ".join(failed.stderr.split())
    for text in case["told"]:
        assert text in told
    assert "Traceback" not in failed.output
    # An output is complete or absent.
    assert (in_tmp_path / "out").exists() == (case["status"] == 3)
