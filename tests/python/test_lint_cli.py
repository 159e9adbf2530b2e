"""Tests of `chatmill lint`: its output and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chatmill.cli.main import app
from click.testing import CliRunner
from folders import write_tiny
from samples import WriteFile, conversation

FINE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"


@pytest.fixture
def lint(in_tmp_path: Path) -> Any:
    """Run the command in a fresh folder."""
    return lambda *arguments: CliRunner().invoke(app, ["lint", *arguments])


def test_levels_decide_the_status(lint: Any) -> None:
    done = lint("chatml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("chatml: ")
    assert "  note tools-refused (template line" in done.stdout
    assert "    remedy: " in done.stdout
    assert lint("chatml", "--strict").exit_code == 0
    assert lint(FINE).exit_code == 0
    assert lint(FINE, "--strict").exit_code == 1


def test_a_broken_file(lint: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "bad.jinja").write_text("{% for m in messages %}\n{{ m.content }\n{% endfor %}", "utf-8")
    done = lint("bad.jinja", "chatml")
    assert done.exit_code == 1
    assert done.stderr == ""
    assert done.stdout.startswith("bad: 1 error\n  error syntax (template line 2): ")
    assert "      2 | {{ m.content }\n        |              ^\n" in done.stdout
    assert "\nchatml: " in done.stdout


def test_json(lint: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "bad.jinja").write_text("{{", "utf-8")
    done = lint("bad.jinja", "chatml", "--json")
    assert done.exit_code == 1
    listed = json.loads(done.stdout)
    assert {"template": "bad", "code": "syntax", "level": "error", "line": 1}.items() <= listed[0].items()
    assert {finding["template"] for finding in listed} == {"bad", "chatml"}


def test_what_cannot_be_loaded_is_one_message(lint: Any) -> None:
    for arguments, text in (
        (("gone.jinja",), "there is no gone.jinja"),
        (("chatml", "--data", "gone.jsonl"), "there is no file gone.jsonl"),
        (("chatml", "--tokenizer", "./gone"), "gone"),
    ):
        failed = lint(*arguments)
        assert failed.exit_code == 1
        assert failed.stderr.startswith("error: ")
        assert text in failed.stderr
    assert lint("chatml", "--now", "soon").exit_code == 2
    assert lint("chatml", "--chat-template-kwargs", "[1]").exit_code == 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst", "a.parquet", "a.arrow"])
def test_data(name: str, lint: Any, write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(30)]
    rows[20]["messages"][1]["mood"] = "good"
    write_file(name, rows)
    done = lint("chatml", "--data", name)
    assert done.exit_code == 0
    assert "warning key-unread: the template never reads the key 'mood' (in 1 message)" in done.stdout
    assert "row 20: 'good'" in done.stdout
    assert "mood" not in lint("chatml", "--data", name, "--rows", "20").stdout


def test_a_line_that_is_not_json(lint: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "a.jsonl").write_text('{"messages": []}\n{\n', "utf-8")
    failed = lint("chatml", "--data", "a.jsonl")
    assert failed.exit_code == 1
    assert "line 2: not JSON" in failed.stderr


def test_options_reach_the_template(lint: Any, in_tmp_path: Path) -> None:
    source = "{{ strftime_now('%Y') }}{{ bos_token }}{{ mood }}" + FINE
    assert {"reads-clock", "special-token-unknown"} <= codes(lint(source, "--json"))
    write_tiny(in_tmp_path / "tiny")
    given = lint(source, "--json", "--now", "2001-02-03T04:05", "--chat-template-kwargs", '{"mood": "x"}')
    assert "reads-clock" not in codes(given)
    assert "stop-token-split" in codes(lint(FINE, "--json", "--tokenizer", "tiny"))


def codes(done: Any) -> set[str]:
    return {finding["code"] for finding in json.loads(done.stdout)}
