"""Lines and rows beyond the limit: each is one reject with its beginning, and is never held in memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, Mill
from chatmill.cli.main import app
from chatmill.inputs import Block, find_inputs, read_blocks
from chatmill.inputs.mill import encode_row_of
from click.testing import CliRunner
from folders import write_byte_tokenizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import WriteFile, conversation, to_lines

LIMIT = 1000


@pytest.fixture
def options(in_tmp_path: Path) -> dict[str, Any]:
    """The options of `prepare` besides the inputs."""
    write_byte_tokenizer(in_tmp_path / "bytes")
    return {"tokenizer": "bytes", "template": "chatml", "output": "out", "progress": False}


def rejects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/_rejects.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "a.jsonl.zst"])
def test_a_long_line_is_one_reject(name: str, options: dict[str, Any], write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(6)]
    rows[2]["messages"][1]["content"] = "é" * LIMIT
    # It is valid JSON even if it is cut: what follows is white space.
    rows[4]["id"] = 4
    write_file(name, rows)
    if name == "a.jsonl":
        lines = to_lines(rows).split(b"\n")
        lines[4] += b" " * 2 * LIMIT
        Path(name).write_bytes(b"\n".join(lines))
    for block_bytes in (1, 100, 8 << 20):
        report = chatmill.prepare(
            name, **options, keep_columns=["id"], max_line_bytes=LIMIT, block_bytes=block_bytes, overwrite=True
        )
        long = [2, 4] if name == "a.jsonl" else [2]
        assert (report.rows_in, report.rows_out) == (6, 6 - len(long))
        assert dict(report.reasons) == {"line_too_long": len(long)}
        found = rejects()
        assert [it["line"] for it in found] == [it + 1 for it in long]
        for it in found:
            row = rows[it["line"] - 1]
            assert it["code"] == "line_too_long"
            assert f"{LIMIT:,} of `max_line_bytes`" in it["reason"]
            assert json.dumps(row, ensure_ascii=False).startswith(it["data"][:LIMIT].rstrip())
            assert len(it["data"].encode()) >= LIMIT
        table = pq.read_table("out/train-00000.parquet")
        assert table.column("id").to_pylist() == [str(at) for at in range(6) if at not in long]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
def test_a_long_row_is_one_reject(name: str, options: dict[str, Any], write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(6)]
    rows[2]["messages"][1]["content"] = "é" * LIMIT
    write_file(name, rows)
    report = chatmill.prepare(name, **options, keep_columns=["id"], max_line_bytes=LIMIT)
    assert dict(report.reasons) == {"line_too_long": 1}
    [reject] = rejects()
    assert (reject["row"], reject["code"]) == (2, "line_too_long")
    assert reject["data"].keys() == {"id", "messages"}
    assert pq.read_table("out/train-00000.parquet").column("id").to_pylist() == [0, 1, 3, 4, 5]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.integers(0, 30), max_size=12),
    block_bytes=st.integers(1, 50),
    limit=st.integers(1, 25),
    ends=st.booleans(),
)
def test_every_line_is_read_or_long(lines: list[int], block_bytes: int, limit: int, ends: bool, tmp_path: Path) -> None:
    text = b"\n".join(b"x" * size for size in lines) + (b"\n" if ends else b"")
    path = tmp_path / "any.jsonl"
    path.write_bytes(text)
    found: dict[int, Any] = {}
    for block in read_blocks(find_inputs(path), block_bytes=block_bytes, max_line_bytes=limit):
        for row in range(block.batch.num_rows):
            line = block.batch.column(0)[row].as_py()
            long = block.long_rows.get(row)
            assert (line is None) == (long is not None)
            found[int(block.where(row)["line"])] = line if long is None else int(long.reason.split()[3])
            # More than the limit of the line was read before it was known to be long.
            assert long is None or "x" * 30 >= long.beginning > "x" * limit
    assert found == {number: b"x" * size if size <= limit else size for number, size in enumerate(lines, 1) if size}


def test_a_part_of_a_block_keeps_its_long_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n22\n333\n4444\n")
    [block] = read_blocks(find_inputs(path), max_line_bytes=2)
    part = block.within(range(1, 4))
    assert isinstance(part, Block)
    assert sorted(part.long_rows) == [1, 2]


def test_one_long_row_is_named(options: dict[str, Any], write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [conversation(0)])
    [block] = read_blocks(find_inputs(path), max_line_bytes=10)
    mill = Mill(chatmill.Tokenizer.from_pretrained("bytes"), chatmill.ChatTemplate.named("chatml"))
    with pytest.raises(chatmill.RowError, match=r"a\.jsonl, line 1: the line has .* bytes, more than the 10 of"):
        encode_row_of(mill, block, 0)


def test_the_limit_of_the_command(options: dict[str, Any], write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(3)]
    rows[1]["messages"][1]["content"] = "x" * LIMIT
    write_file("a.jsonl", rows)
    Path("c.yaml").write_text(
        "base_model: bytes\nchat_template: chatml\ndatasets: [{path: a.jsonl, type: chat_template}]"
    )
    given = ["--output", "out", "--max-line-bytes", str(LIMIT), "--overwrite", "--max-rejected", "50%"]
    for arguments in (["a.jsonl", "--tokenizer", "bytes", "--template", "chatml"], ["c.yaml"]):
        done = CliRunner().invoke(app, ["prepare", *arguments, *given])
        assert done.exit_code == 0, done.stderr
        assert "line_too_long" in done.stdout
        manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
        assert manifest["options"]["max_line_bytes"] == LIMIT
        assert manifest["counts"]["rejected_by_reason"] == {"line_too_long": 1}


def test_the_limit_must_be_positive(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(DataError, match="`max_line_bytes` is 0; use at least 1"):
        list(read_blocks(find_inputs(tmp_path / "a.jsonl"), max_line_bytes=0))


BOMB = """
import resource, sys
import chatmill
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
report = chatmill.prepare("bomb.jsonl.gz", tokenizer="bytes", template="chatml", output="out", progress=False)
# The peak of `getrusage` counts the memory of the process before it became this one.
peak = next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(dict(report.reasons), report.rows_out, peak)
"""


def test_a_small_file_of_one_huge_line_needs_little_memory(options: dict[str, Any]) -> None:
    """700 kB that hold a line of 700 MB: the line is read and forgotten."""
    piece = gzip.compress(b"x" * (100 << 20), 9)
    row = gzip.compress(to_lines([conversation(0)]))
    Path("bomb.jsonl.gz").write_bytes(row + piece * 7 + gzip.compress(b"\n") + row)
    done = subprocess.run([sys.executable, "-c", BOMB], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *counts, mebibytes = done.stdout.split()
    assert " ".join(counts) == "{'line_too_long': 1} 2"
    # The longest line that is held has 256 MiB. 700 MB would be above this limit, even if they were held once.
    assert int(mebibytes) < 256 + 350


def test_a_row_of_columns_that_are_not_read_is_not_long(tmp_path: Path) -> None:
    table = pa.table({"messages": ["[]"], "other": ["x" * 5000]})
    pq.write_table(table, tmp_path / "a.parquet")
    [block] = read_blocks(find_inputs(tmp_path / "a.parquet"), max_line_bytes=LIMIT)
    assert not block.long_rows
