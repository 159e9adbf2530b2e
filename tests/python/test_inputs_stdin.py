"""Tests of standard input as an input: `-`."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from chatmill import DataError
from chatmill.inputs import find_inputs
from chatmill.inputs.replay import KEPT_BYTES
from input_rows import ROWS, command, expected, places_of, read, recorded_inputs, rejects, values_of, written
from samples import to_lines
from test_inputs_csv import to_csv


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let standard input bring these bytes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_prepare_from_a_pipe(in_tmp_path: Path) -> None:
    done = command("prepare", "-", "--template", "chatml", "--output", "out", stdin=to_lines(ROWS))
    assert done.exit_code == 0, done.output
    assert written() == expected()
    assert recorded_inputs() == [{"path": "standard input", "size": None, "rows": 20, "checked": False}]
    (reject,) = rejects()
    assert (reject["file"], reject["line"]) == ("standard input", 5)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("arrangement", ["lines", "array"])
def test_compressed_pipes_and_arrays(compress: Any, arrangement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, compress(to_lines(ROWS) if arrangement == "lines" else json.dumps(ROWS).encode()))
    for block_bytes in (100, 8 << 20):
        blocks = read("-", block_bytes=block_bytes)
        assert values_of(blocks) == ROWS
        assert places_of(blocks)[2].startswith("standard input, " + ("line 3" if arrangement == "lines" else "row 2"))


def test_csv_from_a_pipe(in_tmp_path: Path) -> None:
    for kind, delimiter in (("csv", ","), ("tsv", "\t")):
        text = to_csv(ROWS, delimiter)
        done = command(
            *("prepare", "-", "--input-format", kind, "--template", "chatml", "--output", "out", "--overwrite"),
            stdin=text,
        )
        assert done.exit_code == 0, done.output
        assert written() == expected()


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_kinds_that_need_a_file(kind: str) -> None:
    with pytest.raises(DataError, match="cannot be read from standard input, only JSON, CSV and TSV; give a file"):
        find_inputs("-", kind)


def test_parquet_in_a_pipe_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, b"PAR1" + bytes(100))
    with pytest.raises(DataError, match="standard input is a Parquet file"):
        read("-")


def test_show_and_lint_and_diff(in_tmp_path: Path) -> None:
    shown = command("show", "-", "--template", "chatml", "--row", "3", stdin=to_lines(ROWS))
    assert "What is 3 + 1?" in shown.output
    linted = command("lint", "chatml", "--data", "-", stdin=to_lines(ROWS[:3]))
    assert linted.exit_code == 0, linted.output
    same = command("diff", "-", "--template", "chatml", "--labels", "all", "--labels", "all", stdin=to_lines(ROWS[:3]))
    assert same.exit_code == 0, same.output
    Path("out").mkdir()
    command("prepare", "-", "--template", "chatml", "--output", "out", stdin=to_lines(ROWS))
    against = command("diff", "-", "--against", "out", "--template", "chatml", stdin=to_lines(ROWS))
    assert against.exit_code == 0, against.output


def test_other_inputs_beside_it(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.jsonl").write_bytes(to_lines(ROWS[:3]))
    pipe(monkeypatch, to_lines(ROWS[3:]))
    assert values_of(read(["a.jsonl", "-"])) == ROWS
    with pytest.raises(DataError, match="standard input \\(`-`\\) is given twice"):
        find_inputs(["-", "a.jsonl", "-"])
    Path("-").write_bytes(b"{}\n")
    assert values_of(read("./-", "jsonl")) == [{}]


def test_an_empty_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"\n"):
        pipe(monkeypatch, content)
        assert read("-") == []


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(DataError, match="which is a terminal; pipe rows into it"):
        find_inputs("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="`-` reads standard input"):
        find_inputs("-")


def test_only_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    line = json.dumps({"messages": [], "x": "y" * 100_000}).encode() + b"\n"
    count = KEPT_BYTES // len(line) + 20
    pipe(monkeypatch, line * count)
    files = find_inputs("-")
    assert sum(block.batch.num_rows for block in read(files, block_bytes=1 << 20)) == count
    with pytest.raises(DataError, match="standard input can be read only once, and more than 16,777,216 bytes"):
        read("-")


def test_a_pipe_larger_than_the_memory_it_takes(tmp_path: Path) -> None:
    """A process reads 300 MB from a pipe."""
    source = """
import resource, sys
from chatmill.inputs import find_inputs, read_blocks
def rows():
    return sum(block.batch.num_rows for block in read_blocks(find_inputs("-"), block_bytes=1 << 20))
from itertools import islice
print(len(list(islice(read_blocks(find_inputs("-"), block_bytes=1 << 20), 2))))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(rows(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000)
"""
    feed = "import sys\nfor _ in range(3000): sys.stdout.buffer.write(b'{\"x\": \"' + b'y' * 99990 + b'\"}\\n')"
    with subprocess.Popen([sys.executable, "-c", feed], stdout=subprocess.PIPE) as feeder:
        done = subprocess.run(
            [sys.executable, "-c", source],
            stdin=feeder.stdout,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
    assert done.stdout.split() == ["2", "3000", "True"], done.stderr
