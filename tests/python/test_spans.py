"""Tests of parts of files: together they give the same blocks as the whole file."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill.inputs import Block, InputFile, find_inputs, read_blocks
from chatmill.inputs.spans import spans_of
from samples import conversation, write_rows


def blocks_of(file: InputFile, block_bytes: int, longest: int) -> list[tuple[pa.RecordBatch, list[int]]]:
    def shown(block: Block) -> tuple[pa.RecordBatch, list[int]]:
        return block.batch, sorted(block.long_rows)

    blocks = read_blocks([file], columns=["json", "a"], block_bytes=block_bytes, max_line_bytes=longest)
    return [shown(block) for block in blocks]


def random_lines(generator: random.Random) -> bytes:
    mark = b"\xef\xbb\xbf" if generator.random() < 0.2 else b""
    kinds = (b"", b"  ", b"{}", b'{"messages": []}', '{"é": "你好"}'.encode())
    lines = [
        generator.choice(kinds) if generator.random() < 0.7 else b'{"x": "' + b"y" * generator.randrange(120) + b'"}'
        for _ in range(generator.randrange(1, 60))
    ]
    end = generator.choice((b"\n", b"\r\n"))
    return mark + b'{"first": 1}' + end + end.join(lines) + generator.choice((b"", end, end * 3))


@pytest.mark.parametrize("seed", range(300))
def test_spans_of_lines(seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)
    path = tmp_path / "a.jsonl"
    path.write_bytes(random_lines(generator))
    block_bytes, longest = generator.choice((1, 3, 7, 20, 64, 300)), generator.choice((10, 50, 100_000))
    (file,) = find_inputs(path)
    spans = spans_of(file, block_bytes, block_bytes * generator.randrange(1, 5))
    parts = [blocks_of(replace(file, span=span), block_bytes, longest) for span in spans]
    assert [block for part in parts for block in part] == blocks_of(file, block_bytes, longest)
    assert len(spans) > 1 or file.size is None or file.size <= 4 * block_bytes


@pytest.mark.parametrize("seed", range(60))
def test_spans_of_row_groups(seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)
    path = tmp_path / "a.parquet"
    rows = generator.randrange(0, 200)
    table = pa.table({"a": pa.array(["x" * generator.randrange(300) for _ in range(rows)], pa.string())})
    pq.write_table(table, path, row_group_size=generator.choice((1, 5, 40, 1000)))
    block_bytes = generator.choice((1, 100, 1000, 10_000))
    (file,) = find_inputs(path)
    spans = spans_of(file, block_bytes, block_bytes * generator.randrange(1, 5))
    parts = [blocks_of(replace(file, span=span), block_bytes, 100_000) for span in spans]
    assert [block for part in parts for block in part] == blocks_of(file, block_bytes, 100_000)
    assert sum(block.num_rows for part in parts for block, _ in part) == rows


def test_an_appended_file_changes_only_its_last_span(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 1000)
    before = find_inputs(path)[0]
    spans = spans_of(before, 500, 1000)
    old = [blocks_of(replace(before, span=span), 500, 1000) for span in spans]
    with path.open("ab") as file:
        file.write(b'{"b": 2}\n' * 300)
    now = find_inputs(path)[0]
    new = [blocks_of(replace(now, span=span), 500, 1000) for span in spans_of(now, 500, 1000)]
    assert len(new) > len(old)
    assert new[: len(old) - 1] == old[:-1]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json", "a.csv", "a.arrow"])
def test_other_files_are_read_as_a_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.csv":
        path.write_text("messages\n[]\n")
    elif name == "a.json":
        path.write_text("[{}]")
    else:
        write_rows(path, [conversation(1)])
    assert spans_of(find_inputs(path)[0], 10, 10) == [None]
