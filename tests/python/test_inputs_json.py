"""Tests of `.json` files: arrays, rows under a key, objects one after the other, and lines with that suffix."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from chatmill import DataError
from chatmill.inputs import find_inputs, read_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from input_rows import ROWS, complaint, expected, places_of, read, recorded_inputs, rejects, run, values_of, written

ODD: list[Any] = [
    {"text": 'quote " and \\ and \\" and ]}[{', "n": 10**30, "f": 1.0},
    {"deep": [[[{"a": []}]], {}]},
    {"é": "你好 👋 \u2028", "": None},
]
ARRANGEMENTS: dict[str, Callable[[Any], str]] = {
    "array": json.dumps,
    "array on many lines": lambda rows: json.dumps(rows, indent=2, ensure_ascii=False),
    "under a key": lambda rows: json.dumps({"data": rows}),
    "under the only key": lambda rows: json.dumps({"my rows": rows}, indent=1),
    "under a key among others": lambda rows: json.dumps({"version": 1, "about": {"data": [1]}, "rows": rows, "x": []}),
    "lines": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "objects": lambda rows: "\n".join(json.dumps(row, indent=4) for row in rows),
}


@pytest.mark.parametrize("block_bytes", [1, 100, 8 << 20])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_gives_all_rows(arrangement: str, block_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for rows in (ROWS, ODD * 3):
        path.write_text(ARRANGEMENTS[arrangement](rows), "utf-8")
        blocks = read(path, block_bytes=block_bytes)
        assert values_of(blocks) == rows
        starts = [block.first_row for block in blocks]
        assert starts == [0, *(block.first_row + block.batch.num_rows for block in blocks[:-1])]
        assert blocks[-1].bytes_read == path.stat().st_size


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_prepare_gives_the_same_tokens(arrangement: str, in_tmp_path: Path) -> None:
    Path("a.json").write_text(ARRANGEMENTS[arrangement](ROWS), "utf-8")
    report = run("a.json")
    assert written() == expected()
    assert (report.rows_in, report.rejected) == (20, 1)
    (reject,) = rejects()
    assert reject["file"] == "a.json"
    assert json.loads(reject["data"]) == ROWS[4]
    is_lines = arrangement == "lines"
    assert (reject.get("row"), "line" in reject) == (None if is_lines else 4, True)
    assert recorded_inputs() == [{"path": "a.json", "size": Path("a.json").stat().st_size, "rows": 20}]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".zst", zstandard.compress), (".xz", lzma.compress), (".bz2", bz2.compress)],
)
def test_compressed_arrays(suffix: str, compress: Any, tmp_path: Path) -> None:
    path = tmp_path / f"a.json{suffix}"
    path.write_bytes(compress(json.dumps(ROWS).encode()))
    assert values_of(read(path, block_bytes=100)) == ROWS
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged, truncated or not a" in complaint(path)


def test_the_text_of_a_row_arrives_as_it_is(tmp_path: Path) -> None:
    texts = [b'{"a": 1.0, "b": 1e2, "c": NaN, "a": 2}', b'{"a": "\\ud800", "b": "\xff"}', b'{"a":' + b"9" * 5000 + b"}"]
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf [" + b" ,\n".join(texts) + b"]\n")
    for block_bytes in (1, 7, 1000):
        blocks = read(tmp_path / "a.json", block_bytes=block_bytes)
        assert [text for block in blocks for text in block.batch.column(0).to_pylist()] == texts


def test_a_mistake_in_a_row_rejects_only_that_row(in_tmp_path: Path) -> None:
    good = [json.dumps(row) for row in ROWS[:4]]
    Path("a.json").write_text("[" + ",\n".join([good[0], '{"messages": [],}', "7", good[1], '"x"', *good[2:]]) + "]")
    run("a.json", max_rejected=5)
    assert len(written()) == 4
    assert [(row["row"], row["line"], row["code"]) for row in rejects()] == [
        (1, 2, "invalid_json"),
        (2, 3, rejects()[1]["code"]),
        (4, 5, rejects()[1]["code"]),
    ]


def test_places(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}, {"a":\n2},\n\n{"a": 3}]')
    for block_bytes in (1, 1000):
        assert places_of(read(path, block_bytes=block_bytes)) == [
            f"{path}, row 0, line 1",
            f"{path}, row 1, line 1",
            f"{path}, row 2, line 4",
        ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"a": 1}', "after row 0, line 1: expected `,` or `]` after a row, found the end of the file; it is cut off"),
        ('[{"a": 1}\n{"a": 2}]', "after row 0, line 2: expected `,` or `]` after a row, found '{'"),
        ('[{"a": 1},\n]', "after row 0, line 2: expected a value, found ']'"),
        ("[", "line 1: expected a value, found the end of the file"),
        ("[1,", "after row 0, line 1: expected a value, found the end of the file"),
        ('[{"a": 1}] []', "after row 0, line 1: there is more text after the array or the object of the rows"),
        (
            '[{"a": 1}, {"b": "x',
            "after row 0, line 1: the file ends within the value that begins here; it is cut off, or a",
        ),
        ('{"data": [{"a": 1}]', "after row 0, line 1: expected `}`, found the end of the file; it is cut off"),
    ],
)
def test_broken_files(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert f"{path}, {problem}" in complaint(path)


def test_objects_that_are_rows(tmp_path: Path) -> None:
    """Lists of messages and of tools are no lists of rows."""
    path = tmp_path / "a.json"
    turns = [{"from": "human", "value": "Hi"}]
    rows: list[dict[str, Any]] = [
        {"messages": ROWS[0]["messages"]},
        {"conversations": turns},
        {"tools": [{"type": "function"}], "messages": ROWS[0]["messages"]},
        {"id": 1, "steps": [{"a": 1}]},
        {"data": []},
        {"a": 1},
    ]
    for row in rows:
        for indent in (None, 2):
            path.write_text(json.dumps(row, indent=indent))
            assert values_of(read(path)) == [row]
    path.write_text(
        json.dumps({"messages": [{"role": "user", "content": "x" * (2 << 20)}]}) + "\n" + json.dumps(ROWS[0])
    )
    assert len(values_of(read(path))) == 2


def test_several_lists_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [{"text": "x" * 10_000}] * 200
    path.write_text(json.dumps({"train": rows, "test": [{"text": "y"}]}))
    assert 'line 1: the object has several lists, "train" and "test"; write the rows of one' in complaint(path)
    path.write_text(json.dumps({"train": rows, "version": 1, "names": ["a"]}))
    assert values_of(read(path)) == rows


def test_empty_files_and_arrays(tmp_path: Path) -> None:
    for text in ("", " \n", "[]", " [ \n]\n"):
        (tmp_path / "a.json").write_text(text)
        assert read(tmp_path / "a.json") == []


def test_long_rows_are_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b'[{"a": 1}, {"b": "' + b"x" * (64 << 20) + b'"}, {"c": 1}]'))
    tracemalloc.start()
    try:
        blocks = read(path, block_bytes=1 << 20, max_line_bytes=1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20, peak
    found = [row for block in blocks for row in block.batch.column(0).to_pylist()]
    assert found == [b'{"a": 1}', None, b'{"c": 1}']
    (long,) = [long for block in blocks for long in block.long_rows.values()]
    assert "the row has 67,108," in long.reason
    assert long.beginning.startswith('{"b": "xxx')


def test_memory_does_not_grow_with_the_array(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    row = json.dumps({"data": "x" * 10_000})
    with path.open("w") as file:
        file.write("[" + row)
        for _ in range(4000):
            file.write("," + row)
        file.write("]")
    tracemalloc.start()
    try:
        rows = sum(block.batch.num_rows for block in read_blocks(find_inputs(path), block_bytes=1 << 20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 4001
    assert peak < 16 << 20, peak


@pytest.mark.parametrize(("content", "suffix"), [(gzip.compress(b"[]"), ".json.gz"), (b"PAR1", ".parquet")])
def test_other_files_with_the_suffix_of_json(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert "not plain JSON; rename it to end in " + suffix in complaint(path)


def test_a_file_that_is_cut_during_the_run(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.json").write_text(json.dumps(ROWS))
    files = find_inputs("a.json")
    Path("a.json").write_text(json.dumps(ROWS[:3]))
    with pytest.raises(DataError, match=r"a.json changed during the run \(it had"):
        run(files)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(json_values, max_size=6),
    indent=st.sampled_from([None, 0, 3]),
    is_ascii=st.booleans(),
    block_bytes=st.integers(1, 60),
)
def test_any_array_is_cut_into_its_values(
    rows: list[Any], indent: int | None, is_ascii: bool, block_bytes: int, tmp_path: Path
) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=is_ascii)
    path = tmp_path / "any.json"
    path.write_text(text, "utf-8", errors="surrogatepass", newline="")
    found = [piece for block in read(path, block_bytes=block_bytes) for piece in block.batch.column(0).to_pylist()]
    whole = b"[" + b",".join(found) + b"]"
    assert repr(json.loads(whole.decode("utf-8", "surrogatepass"))) == repr(json.loads(text))
