"""Tests of rows printed token by token: as text, in colors, from an encoding, from an output, and by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, Mill, Tokenizer, prepare
from chatmill.cli.main import app
from chatmill.inspect.debug import debug_encoding, debug_output, debug_tokens, print_debug
from click.testing import CliRunner

ROWS = [{"prompt": "Hi", "completion": f"{number}\n"} for number in range(3)]
FORMAT = {
    "name": "pairs",
    "fields": {"prompt": "text", "completion": "text"},
    "text": "{{ prompt }}{% generation %}{{ completion }}{{ eos_token }}{% endgeneration %}",
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """One token per byte."""
    return byte_tokenizer(eos_token="</s>", pad_token="<s>")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS), "utf-8")
    return path


def written(rows: Path, tokenizer: Tokenizer, **options: Any) -> Path:
    folder = rows.parent / "out"
    prepare(rows, tokenizer=tokenizer, format=FORMAT, output=folder, progress=False, **options)
    return folder


def line(number: int, end: int) -> str:
    return rf"H(-100, 72) i(-100, 105) {number}({48 + number}, {48 + number}) \n(10, 10) </s>({end}, {end})"


def test_trained_tokens_are_green_and_masked_ones_red() -> None:
    tokens = [("Hello", 15339, 15339), (" world", -100, 1917)]
    text = debug_tokens(tokens)
    assert text.plain == "Hello(15339, 15339)  world(-100, 1917)"
    assert [(text.plain[it.start : it.end], it.style) for it in text.spans] == [("Hello", "green"), (" world", "red")]
    plain = debug_tokens(tokens, color=False)
    assert (plain.plain, plain.spans) == (text.plain, [])
    assert debug_tokens([]).plain == ""


def test_a_row_stays_one_line_and_harms_no_terminal() -> None:
    given = ["\n\n", "\r", "\t", "\\n", "\u2028", "\x1b[2J", "[bold]", ""]
    shown = debug_tokens([(text, 1, 1) for text in given]).plain.split("(1, 1)")
    assert [it.removeprefix(" ") for it in shown[:-1]] == [
        *(r"\n\n", r"\r", r"\t", r"\n", r"\u2028", "␛[2J", "[bold]", "")
    ]


def test_an_encoding(tokenizer: Tokenizer) -> None:
    encoding = Mill(tokenizer, format=FORMAT).encode(ROWS[0])
    assert debug_encoding(encoding).plain == line(0, encoding.input_ids[-1])
    assert debug_encoding(encoding, color=False).spans == []


def test_the_first_rows_of_an_output(rows: Path, tokenizer: Tokenizer) -> None:
    end = tokenizer.token_to_id("</s>")
    assert end is not None
    # Each row is a shard; padding is left out.
    folder = written(rows, tokenizer, shard_tokens=1, padding="max_length", max_length=9)
    assert len(list(folder.glob("train-*"))) == 3
    for wanted in (1, 2, 3, 9):
        found = [it.plain for it in debug_output(folder, tokenizer, wanted)]
        assert found == [line(number, end) for number in range(min(wanted, 3))]


def test_what_is_cut_is_not_shown(rows: Path, tokenizer: Tokenizer) -> None:
    folder = written(rows, tokenizer, max_length=3)
    assert [it.plain for it in debug_output(folder, tokenizer, 1)] == ["H(-100, 72) i(-100, 105) 0(48, 48)"]


def test_a_part_of_a_character(rows: Path, tokenizer: Tokenizer) -> None:
    rows.write_text(json.dumps({"prompt": "P", "completion": "é"}), "utf-8")
    (shown,) = debug_output(written(rows, tokenizer), tokenizer, 1)
    assert shown.plain.startswith("P(-100, 80) �(195, 195) �(169, 169) </s>(")
    encoding = Mill(tokenizer, format=FORMAT).encode({"prompt": "P", "completion": "é"})
    assert debug_encoding(encoding).plain.startswith("P(-100, 80) é(195, 195) é(169, 169) </s>(")


def test_a_shard_that_cannot_be_read(rows: Path, tokenizer: Tokenizer) -> None:
    folder = written(rows, tokenizer)
    (folder / "train-00000.parquet").write_bytes(b"no Parquet")
    with pytest.raises(ChatmillError, match=r"cannot read .*train-00000\.parquet"):
        list(debug_output(folder, tokenizer, 1))


def test_colours_on_a_terminal_only(
    rows: Path, tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = tokenizer.token_to_id("</s>")
    assert end is not None
    folder = written(rows, tokenizer)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    print_debug(folder, tokenizer, 2)
    assert capsys.readouterr().out == f"{line(0, end)}\n\n{line(1, end)}\n\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    print_debug(folder, tokenizer, 1)
    out = capsys.readouterr().out
    assert "\x1b[31mH\x1b[0m" in out
    assert "\x1b[32m0\x1b[0m" in out
    monkeypatch.setenv("NO_COLOR", "1")
    print_debug(folder, tokenizer, 1)
    assert capsys.readouterr().out == f"{line(0, end)}\n\n"


def test_the_command_prints_rows_before_the_report(folder: Path, rows: Path, in_tmp_path: Path) -> None:
    rows.write_text('{"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A\\n"}]}\n')
    options = ["--tokenizer", str(folder), "--template", "{% for m in messages %}{{ m.content }}{% endfor %}"]
    done = CliRunner().invoke(app, ["prepare", str(rows), "--output", "out", "--debug", "5", *options])
    assert done.exit_code == 0, done.stderr
    ids = Tokenizer.from_pretrained(folder).encode("UA")
    first, blank, rest = done.stdout.split("\n", 2)
    assert first.startswith(f"U(-100, {ids[0]}) A({ids[1]}, {ids[1]})")
    assert blank == ""
    assert "rows in" in rest
    failed = CliRunner().invoke(app, ["prepare", str(rows), "--output", "other", "--debug", "0", *options])
    assert failed.exit_code == 2
