"""What an audit finds by itself, and what it refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chatmill
import pytest
from chatmill import ChatTemplate, DataError, convert, pack, prepare
from chatmill.cli.main import app
from chatmill.report.audit_source import AuditedOutput
from click.testing import CliRunner, Result
from folders import configure, write_byte_tokenizer
from prepared_outputs import TOKENIZER, edit_manifest, edit_rows, manifest, prepare_rows
from samples import LONG, SHORT, TURN, write_rows

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def audit(**options: Any) -> Any:
    return chatmill.audit("out", **{"trainer": "trl", "tokenizer": TOKENIZER, **options})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def prepare_with_folder(**options: Any) -> None:
    """Prepare two rows with a tokenizer from a folder."""
    write_byte_tokenizer(Path("models"))
    write_rows(Path("a.jsonl"), [SHORT, LONG])
    prepare("a.jsonl", tokenizer="models", template="chatml", output="out", **options)


def test_the_manifest_tells_all() -> None:
    prepare_with_folder(labels="last")
    result = run("out", "--trainer", "trl")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        "row 1 (a.jsonl, line 2): the labels differ\n"
        "  message 1 · assistant · content, 52 to 58: 'Hello!'\n"
        "    output: masked, trl: trained\n"
        "  message 1 · assistant · closer, 58 to 68: '<|im_end|>'\n"
        "    output: masked, trl: trained\n"
        "1 of 2 rows differ from what trl would train: labels 1\n"
        "output: 2 rows, trained 14 of 87 tokens (16.1 %)\n"
        "trl:    2 rows, trained 21 of 87 tokens (24.1 %)\n"
        "trained by both 14, only by the output 0, only by trl 7\n"
        "role       kind     both  only output  only trl\n"
        "assistant  content    12            0         6\n"
        "assistant  closer      2            0         1\n"
        "Both sides have the template of the output, and no max_length. The limits of trl may be others.\n"
    )
