"""Tests of reading files as blocks: every kind of file, the limits of blocks, every error."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from buckets import Bucket
from chatmill import DataError
from chatmill.inputs import Block, find_inputs, read_blocks
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from samples import Row, WriteFile, conversation, to_lines

LINES = ["a.jsonl", "a.ndjson", "a.json", "a.JSONL", "a.jsonl.gz", "a.jsonl.zst", "a.json.xz", "a.jsonl.bz2"]
COLUMNS = ["a.parquet", "a.pq", "a.arrow", "a.ipc", "a.feather"]


def read(*inputs: Any, **options: Any) -> list[Block]:
    return list(read_blocks(find_inputs(list(inputs)), **options))


def rows_of(blocks: list[Block]) -> list[Row]:
    return [
        json.loads(row[block.json_column]) if block.json_column else row
        for block in blocks
        for row in block.batch.to_pylist()
    ]


@pytest.mark.parametrize("block_bytes", [1, 300, 8 << 20])
@pytest.mark.parametrize("name", LINES + COLUMNS)
def test_every_kind_gives_all_rows_in_order(
    name: str, block_bytes: int, write_file: WriteFile, conversations: list[Row]
) -> None:
    blocks = read(write_file(name, conversations), keep_columns=["id"], block_bytes=block_bytes)
    assert rows_of(blocks) == conversations
    starts = [block.first_row for block in blocks]
    ends = [block.first_row + block.batch.num_rows for block in blocks]
    assert starts == [0, *ends[:-1]]
    sizes = [block.bytes_read for block in blocks]
    assert sizes == sorted(sizes)
    assert 0 < sizes[-1] <= (blocks[0].file.size or 0)


def test_places_of_lines_and_rows(write_file: WriteFile, conversations: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    path.write_bytes(b'\n{"a":1}\r\n \t\r\n{"a":2}\n\n\n{"a":3}')
    for block_bytes in (1, 8, 1000):
        blocks = read(path, block_bytes=block_bytes)
        lines = [block.where(row)["line"] for block in blocks for row in range(block.batch.num_rows)]
        assert lines == [2, 4, 7]
        assert [row["a"] for row in rows_of(blocks)] == [1, 2, 3]
    last = read(write_file("a.parquet", conversations), block_bytes=300)[-1]
    assert last.where(last.batch.num_rows - 1) == {"file": str(tmp_path / "a.parquet"), "row": 19}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.binary(max_size=80), block_bytes=st.integers(1, 50), is_split=st.booleans(), most=st.sampled_from([5, 1000])
)
@example(text=b"\n\x0b\n\x0c\n\r", block_bytes=50, is_split=False, most=1000)
@example(text=b"\n123456\n123456\n12345\n1234567", block_bytes=3, is_split=False, most=5)
def test_any_bytes_are_cut_into_their_lines(
    text: bytes, block_bytes: int, is_split: bool, most: int, tmp_path: Path
) -> None:
    # File starts with a special meaning have their own tests.
    text = b"x" + (text.replace(b"a", b"\n") if is_split else text)
    path = tmp_path / "any.jsonl"
    path.write_bytes(text)
    blocks = read(path, block_bytes=block_bytes, max_line_bytes=most)
    found = {
        block.where(row)["line"]: block.batch.column(0)[row].as_py()
        for block in blocks
        for row in range(block.batch.num_rows)
    }
    long = {block.where(row)["line"]: row_.beginning for block in blocks for row, row_ in block.long_rows.items()}
    blank = b" \t\n\x0c\r"
    expected = {number: line for number, line in enumerate(text.split(b"\n"), 1) if line.strip(blank)}
    # A line that is too long is not held, so it is a row even if it is blank.
    assert found == {
        number: line if len(line) <= most else None
        for number, line in enumerate(text.split(b"\n"), 1)
        if number in expected or number in long
    }
    assert {*long} >= {number for number, line in expected.items() if len(line) > most}
    assert all(found[number] is None for number in long)


def test_a_line_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"a":"' + b"x" * 10_000 + b'"}\n{"a":"y"}\n')
    assert [len(row["a"]) for row in rows_of(read(path, block_bytes=100))] == [10_000, 1]


def test_empty_files_have_no_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"\n\n"))
    pq.write_table(pa.table({"messages": pa.array([], pa.string())}), tmp_path / "c.parquet")
    assert read(*sorted(tmp_path.iterdir())) == []


def test_utf8_mark_and_missing_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\n{"a":2}')
    assert rows_of(read(path)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, lzma.compress])
def test_files_of_several_frames_are_read_to_the_end(compress: Any, tmp_path: Path) -> None:
    suffix = {gzip.compress: "gz", zstandard.compress: "zst", lzma.compress: "xz"}[compress]
    path = tmp_path / f"a.jsonl.{suffix}"
    path.write_bytes(compress(b'{"a":1}\n{"a"') + compress(b":2}\n"))
    assert rows_of(read(path)) == [{"a": 1}, {"a": 2}]


def test_only_needed_columns_are_read(write_file: WriteFile, conversations: list[Row]) -> None:
    rows = [{**row, "other": "x" * 100} for row in conversations]
    for name in COLUMNS:
        path = write_file(name, rows)
        assert read(path)[0].batch.schema.names == ["messages"]
        assert read(path, keep_columns=["id"])[0].batch.schema.names == ["id", "messages"]


def test_rows_of_a_large_row_group_come_in_parts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"messages": ["x" * 1000] * 10_000}), tmp_path / "a.parquet", use_dictionary=False)
    blocks = read(tmp_path / "a.parquet", block_bytes=100_000)
    assert max(block.batch.nbytes for block in blocks) < 150_000
    # With dictionary encoding, the sizes in the footer are too small, so batches are cut after reading.
    pq.write_table(pa.table({"messages": ["x" * 1000] * 10_000}), tmp_path / "b.parquet")
    blocks = read(tmp_path / "b.parquet", block_bytes=100_000)
    assert max(block.batch.nbytes for block in blocks) < 150_000
    assert sum(block.batch.num_rows for block in blocks) == 10_000


def test_inputs_in_the_order_given_and_globs_sorted(write_file: WriteFile, in_tmp_path: Path) -> None:
    for number, name in enumerate(["z.jsonl", "data/b.jsonl", "data/a.jsonl.gz", "data/deep/c.jsonl"]):
        write_file(name, [conversation(number)])
    blocks = read("z.jsonl", "data/*", str(in_tmp_path / "data/**/c.jsonl"), "z.jsonl")
    assert [block.file.path for block in blocks] == [
        "z.jsonl",
        "data/a.jsonl.gz",
        "data/b.jsonl",
        str(in_tmp_path / "data/deep/c.jsonl"),
        "z.jsonl",
    ]
    assert [block.file.position for block in blocks] == [0, 1, 2, 3, 4]


def test_a_name_with_brackets_is_a_file(write_file: WriteFile) -> None:
    path = write_file("chats[1].jsonl", [conversation(0)])
    assert rows_of(read(path)) == [conversation(0)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "a.parquet", "a.arrow", "a.feather"])
def test_remote_files(name: str, bucket: Bucket, write_file: WriteFile, conversations: list[Row]) -> None:
    bucket.write(name, write_file(name, conversations).read_bytes())
    for url in (f"{bucket.url}/{name}", f"{bucket.url}/a*"):
        blocks = read(url, keep_columns=["id"], block_bytes=300)
        assert rows_of(blocks) == conversations
        assert blocks[0].file.path == (url if url.endswith(name) else f"memory:///{bucket.name}/{name}")


def complaint(*inputs: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(*inputs, **options)
    return str(caught.value)


def test_complaints_about_names(tmp_path: Path, in_tmp_path: Path) -> None:
    assert "there are no inputs" in complaint()
    assert "there is no file gone.jsonl" in complaint("gone.jsonl")
    assert "no file matches *.jsonl" in complaint("*.jsonl")
    (tmp_path / "data").mkdir()
    assert "the folder data/ has no data file" in complaint("data/")
    for name in ("a.txt", "a.gz", "a.parquet.gz", "a"):
        (tmp_path / name).touch()
        message = complaint(name)
        assert name in message
        assert ".jsonl" in message
        assert ".parquet" in message
        problem = {"a": "has no suffix", "a.gz": "file type .gz;"}.get(name, f"file type {name[1:]};")
        assert problem in message
    assert "gone://x" in complaint("gone://x/a.jsonl")


@pytest.mark.parametrize("name", [*LINES[4:], *COLUMNS])
@pytest.mark.parametrize("damage", ["cut", "junk", "empty"])
def test_damaged_files(name: str, damage: str, write_file: WriteFile, conversations: list[Row]) -> None:
    path = write_file(name, conversations)
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) * 2 // 3], "junk": b"no such thing " * 20, "empty": b""}[damage])
    message = complaint(path)
    assert str(path) in message
    assert "damaged, truncated or not" in message


def test_an_undamaged_start_is_read_before_the_complaint(write_file: WriteFile) -> None:
    path = write_file("a.jsonl.gz", [conversation(number) for number in range(20_000)])
    path.write_bytes(path.read_bytes()[:-20])
    blocks = read_blocks(find_inputs(path), block_bytes=10_000)
    assert next(blocks).first_row == 0
    with pytest.raises(DataError, match=r"a\.jsonl\.gz, line \d{4,} or later \(the file is damaged, truncated or not"):
        list(blocks)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (json.dumps([conversation(0)]).encode(), "rename it to end in .json"),
        (b'\n [\n  {"a": 1}\n]\n', "rename it to end in .json"),
        (json.dumps(conversation(0), indent=2).encode(), "jq -c . "),
        (to_lines([conversation(0)]).decode().encode("utf-16"), "iconv"),
    ],
)
def test_json_that_is_not_lines(content: bytes, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    message = complaint(path)
    assert str(path) in message
    assert remedy in message


@pytest.mark.parametrize(
    ("content", "kind", "suffix"),
    [
        (gzip.compress(b"{}\n"), "gzip-compressed", ".jsonl.gz"),
        (zstandard.compress(b"{}\n"), "zstd-compressed", ".jsonl.zst"),
        (lzma.compress(b"{}\n"), "xz-compressed", ".jsonl.xz"),
        (bz2.compress(b"{}\n"), "bzip2-compressed", ".jsonl.bz2"),
        (b"PAR1....", "a Parquet file", ".parquet"),
        (b"ARROW1..", "an Arrow IPC file", ".arrow"),
    ],
)
def test_other_files_with_the_suffix_of_jsonl(content: bytes, kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    assert complaint(path) == f"{path} is {kind}, not plain JSONL; rename it to end in {suffix}"


@pytest.mark.parametrize("inputs", [3, [3], ["a.jsonl", 3], [None], None])
def test_inputs_of_other_types(inputs: Any, in_tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`inputs` .* type (int|NoneType); give paths, folders, globs, URLs, `-` for"):
        find_inputs(inputs)


def test_the_name_of_a_kind(tmp_path: Path) -> None:
    (tmp_path / "rows.txt.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert rows_of(list(read_blocks(find_inputs(tmp_path / "rows.txt.gz", "jsonl")))) == [{"a": 1}]
    with pytest.raises(DataError, match=r"`input_format` is 'jsnl', which is not a kind of file; did you mean 'jsonl'"):
        find_inputs(tmp_path / "rows.txt.gz", "jsnl")
    with pytest.raises(DataError, match=r"is 'x', .*; give one of jsonl, json, csv, tsv, parquet, arrow"):
        find_inputs(tmp_path / "rows.txt.gz", "x")


def test_missing_columns(write_file: WriteFile, conversations: list[Row]) -> None:
    for name in COLUMNS:
        path = write_file(name, [{"chat": row["messages"], "id": row["id"]} for row in conversations])
        message = complaint(path)
        assert f"{path} has no column messages or conversations, only chat, id; rename" in message
        path = write_file(name, conversations)
        told = complaint(path, keep_columns=["source", "id"])
        assert told.startswith(f"{path} has no column 'source' to keep; use one of ")
        assert f"{path} has no column 'ids' to keep; did you mean 'id'?" in complaint(path, keep_columns=["ids"])


def test_the_beginning_of_a_file_is_judged_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{" + b" " * 5000 + b'"a":1}\n')
    assert rows_of(read(path)) == [{"a": 1}]
    path.write_bytes(b"\n" * 5000 + b'[{"a":1}]\n')
    for block_bytes in (100, 8 << 20):
        with pytest.raises(DataError, match="is one JSON array"):
            read(path, block_bytes=block_bytes)
    path.write_bytes(b"\n \n{\n")
    with pytest.raises(DataError, match="takes several lines"):
        read(path)


def test_the_mark_of_utf8_is_no_part_of_a_long_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf12345678\n123456789\n")
    for block_bytes in (1, 100):
        blocks = read(path, block_bytes=block_bytes, max_line_bytes=8)
        assert [block.place(row) for block in blocks for row in block.long_rows] == [f"{path}, line 2"]
