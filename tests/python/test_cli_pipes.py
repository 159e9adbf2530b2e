"""Commands whose output pipe is closed, as with `head`: they exit silently, and written files are complete."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from processes import start_chatmill
from samples import WriteFile, conversation

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")

NOBODY_READS = 141
# More than the buffer of a pipe, even for a single row.
ROWS, LONG_ROW = 500, 50_000


@pytest.fixture
def options(folder: Path, write_file: WriteFile, in_tmp_path: Path) -> list[str]:
    """Write rows to `a.jsonl` and one long row to `long.jsonl`, and return the options to encode them."""
    write_file("a.jsonl", [conversation(number) for number in range(ROWS)])
    messages = [{"role": "user", "content": "Q\n" * LONG_ROW}, {"role": "assistant", "content": "A"}]
    write_file("long.jsonl", [{"messages": messages}])
    return ["--tokenizer", str(folder), "--template", "chatml"]


@pytest.fixture(autouse=True)
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use Python's default. Without a buffer, Python silently loses output that a pipe does not accept at once."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def read_and_leave(*arguments: str, lines: int) -> tuple[list[str], str, int]:
    """Read some lines of a command and close the pipe; return the lines, stderr and the exit status."""
    with start_chatmill(*arguments) as process:
        assert process.stdout
        assert process.stderr
        read = [process.stdout.readline() for _ in range(lines)]
        process.stdout.close()
        return read, process.stderr.read(), process.wait(60)


def test_prepare_is_done_when_it_prints(options: list[str]) -> None:
    common = ("prepare", "a.jsonl", *options, "--now", "2025-07-01", "--debug", str(ROWS))
    with start_chatmill(*common, "--output", "whole") as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    read, err, status = read_and_leave(*common, "--output", "out", lines=5)
    assert (err, status) == ("", NOBODY_READS)
    assert read == out.splitlines(keepends=True)[:5]
    assert {path.name for path in Path().iterdir()} == {"a.jsonl", "long.jsonl", "tiny", "whole", "out"}
    assert {path.name for path in Path("out").iterdir()} == {path.name for path in Path("whole").iterdir()}
    assert Path("out/train-00000.parquet").read_bytes() == Path("whole/train-00000.parquet").read_bytes()
    whole, written = (json.loads(Path(name, "_manifest.json").read_text("utf-8")) for name in ("whole", "out"))
    assert written["counts"] == whole["counts"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "long.jsonl"),
        ("show", "long.jsonl", "--regions"),
        ("diff", "a.jsonl", "--labels", "all", "--labels", "last", "--show", str(ROWS)),
    ],
)
def test_rows_are_printed_as_far_as_they_are_read(arguments: tuple[str, ...], options: list[str]) -> None:
    read, err, status = read_and_leave(*arguments, *options, lines=2)
    assert (err, status) == ("", NOBODY_READS)
    assert all(read)


@pytest.mark.parametrize(
    "arguments",
    [
        *(("formats",), ("formats", "alpaca"), ("templates",), ("schema",)),
        *(("lint", "chatml"), ("lint", "chatml", "--json")),
        *(("--help",), ("prepare", "--help"), ("--version",)),
    ],
)
def test_nothing_is_read(arguments: tuple[str, ...]) -> None:
    assert read_and_leave(*arguments, lines=0) == ([], "", NOBODY_READS)


def test_the_summary_of_prepare_is_not_read(options: list[str]) -> None:
    arguments = ("prepare", "a.jsonl", *options, "--output", "out")
    assert read_and_leave(*arguments, lines=0) == ([], "", NOBODY_READS)
    assert Path("out/_manifest.json").exists()


@pytest.mark.parametrize("arguments", [("a.jsonl", "--progress"), ("gone.jsonl",)])
def test_nobody_reads_what_stands_on_stderr(arguments: tuple[str, ...], options: list[str]) -> None:
    """The command ends at once, as with SIGPIPE, and leaves no files."""
    with start_chatmill("prepare", *arguments, *options, "--output", "out") as process:
        assert process.stdout
        assert process.stderr
        process.stderr.close()
        assert process.stdout.read() == ""
        assert process.wait(60) == NOBODY_READS
    assert {path.name for path in Path().iterdir()} == {"a.jsonl", "long.jsonl", "tiny"}
