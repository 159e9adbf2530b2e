"""Tests of CSV and TSV: cells are text, lists of messages are JSON, and broken rows are errors."""

from __future__ import annotations

import bz2
import csv
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
from chatmill import ChatTemplate, Mill
from chatmill.inputs.quoted_cells import QuotedCells
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from input_rows import (
    ROWS,
    command,
    complaint,
    expected,
    places_of,
    read,
    recorded_inputs,
    rejects,
    run,
    values_of,
    written,
)
from prepared_outputs import TOKENIZER


def to_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    """Rows as Python's csv module writes them; lists are JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([value if isinstance(value, str) else json.dumps(value) for value in row.values()])
    return text.getvalue()


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("A.CSV", ",")])
def test_messages_as_json(name: str, delimiter: str, in_tmp_path: Path) -> None:
    Path(name).write_text(to_csv(ROWS, delimiter), "utf-8")
    report = run(name)
    assert written() == expected()
    assert (report.rows_in, report.rejected) == (20, 1)
    (reject,) = rejects()
    assert (reject["file"], reject["row"], json.loads(reject["data"]["messages"])) == (name, 4, ROWS[4]["messages"])
    assert recorded_inputs() == [{"path": name, "size": Path(name).stat().st_size, "rows": 20}]


def test_columns_of_text(in_tmp_path: Path) -> None:
    answer = 'two\nlines, "quoted", 1.0\ttab'
    rows = [{"instruction": "Why?", "input": "", "output": answer, "n": "007"}] * 3
    Path("a.csv").write_text(to_csv(rows), "utf-8")
    report = run("a.csv", keep_columns=["n"])
    assert report.format == "alpaca:messages"
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": answer}]
    ids = Mill(TOKENIZER, ChatTemplate.named("chatml")).encode(messages).input_ids
    assert [(row["input_ids"], row["n"]) for row in written()] == [(ids, "007")] * 3


def test_answers_as_json(in_tmp_path: Path) -> None:
    """A list of messages may be JSON in the columns of preferences too."""
    turn = [{"role": "user", "content": "Hi"}]
    pair = {name: [*turn, {"role": "assistant", "content": name}] for name in ("chosen", "rejected")}
    Path("a.csv").write_text(to_csv([pair] * 2), "utf-8")
    run("a.csv", format="preference")
    as_csv = written()
    Path("a.jsonl").write_text(json.dumps(pair) + "\n" + json.dumps(pair) + "\n")
    run("a.jsonl", format="preference")
    assert as_csv == written()


@pytest.mark.parametrize("block_bytes", [1, 8 << 20])
@pytest.mark.parametrize("compress", [None, gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
def test_compressed_files(compress: Any, block_bytes: int, tmp_path: Path) -> None:
    suffixes = {None: "", gzip.compress: ".gz", zstandard.compress: ".zst", lzma.compress: ".xz", bz2.compress: ".bz2"}
    path = tmp_path / f"a.csv{suffixes[compress]}"
    content = b"\xef\xbb\xbfa,b\n" + b"".join(b'%d,"x\ny"\r\n' % number for number in range(5000))
    path.write_bytes(content if compress is None else compress(content))
    blocks = read(path, columns=["a", "b"], block_bytes=block_bytes)
    assert values_of(blocks) == [{"a": str(number), "b": "x\ny"} for number in range(5000)]
    assert places_of(blocks)[-1] == f"{path}, row 4999"
    assert blocks[-1].bytes_read <= path.stat().st_size
    if compress is not None:
        path.write_bytes(path.read_bytes()[:-15])
        assert "damaged, truncated or not a" in complaint(path, columns=["a", "b"])


def test_empty_cells_are_null_and_quoted_ones_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n,""\nNA,null\n')
    assert values_of(read(tmp_path / "a.csv", columns=["a", "b"])) == [{"a": None, "b": ""}, {"a": "NA", "b": "null"}]


def test_only_needed_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,2,3\n")
    assert values_of(read(path, columns=["b"], keep_columns=["c"])) == [{"b": "2", "c": "3"}]
    assert "has no column 'd' to keep; use one of a, b, c" in complaint(path, columns=["b"], keep_columns=["d"])
    assert "has no column messages or conversations, only a, b, c" in complaint(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,2\n1,2,3\n", "Row #3: Expected 2 columns, got 3: 1,2,3; put text that holds"),
        (b"a,b\n1,2\n1\n", "Row #3: Expected 2 columns, got 1: 1; put text that holds"),
        (b'a,b\n1,"2\n3', "the quoted cell that begins in line 2 does not end, so a quote is missing"),
        (b'a,b\n1,"2\n3\n', "the quoted cell that begins in line 2 does not end"),
        (b'a,b\n1,2\n1,"\n3,4\n5,6\n', "the quoted cell that begins in line 3 does not end"),
        (b'a,"b', "the quoted cell that begins in line 1 does not end"),
        (b'a,b\n1,"2\n3,4\n5,"6"\n7,8\n', "line 4: text follows the end of the quoted cell that begins in line 2"),
        (b'a,b\n"1" ,2\n', "line 2: text follows the end of the quoted cell that begins in line 2"),
        (b"a,b,a\n1,2,3\n", "the first row names the column 'a' twice"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; convert it to UTF-8"),
        (gzip.compress(b"a,b\n1,2\n"), "is gzip-compressed, not plain CSV; rename it to end in .csv.gz"),
    ],
)
def test_broken_files(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    message = complaint(path, columns=["a", "b"])
    assert str(path) in message
    assert problem in message


@pytest.mark.parametrize("row", ['1,5" disk\n', '1,5" disk', '1,"2"', '1,""', '1,""""\n', '"1",",""\t"'])
def test_quotes_that_are_right(row: str, tmp_path: Path) -> None:
    path, content = tmp_path / "a.csv", f"a,b\n{row}"
    path.write_text(content)
    (_, cells) = csv.reader(content.splitlines())
    assert values_of(read(path, columns=["a", "b"])) == [dict(zip("ab", cells, strict=True))]


def _fault(data: bytes) -> str | None:
    """What is wrong with the quotes, byte by byte."""
    state, line, first, at = "start", 1, 0, 0
    while at < len(data):
        byte, following = data[at : at + 1], data[at + 1 : at + 2]
        if state == "quoted":
            if byte == b'"' == following:
                at += 1
            elif byte == b'"' and following not in (b"", b",", b"\r", b"\n"):
                return f"line {line}: text follows the end of the quoted cell that begins in line {first}"
            elif byte == b'"':
                state = "cell"
        elif byte in (b",", b"\r", b"\n"):
            state = "start"
        elif state == "start":
            state = "quoted" if byte == b'"' else "cell"
            first = line
        line += byte == b"\n"
        at += 1
    return f"the quoted cell that begins in line {first} does not end" if state == "quoted" else None


@given(data=st.text('"",\n\ra', max_size=16), cuts=st.lists(st.integers(1, 5), min_size=16, max_size=16))
def test_the_quotes_of_any_pieces(data: str, cuts: list[int]) -> None:
    text, cells, at = data.encode(), QuotedCells(b","), 0
    for cut in cuts:
        cells.add(text[at : at + cut])
        at += cut
    assert cells.fault(at_end=True) == _fault(text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_many_blocks(end: str, tmp_path: Path) -> None:
    path, rows = tmp_path / "a.csv", [(str(number), f"two\r\nlines, {number}" * 3) for number in range(60_000)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([("a", "b"), *rows])
    for ending in (end, ""):
        path.write_bytes(text.getvalue().removesuffix(end).encode() + ending.encode())
        found = values_of(read(path, columns=["a", "b"], block_bytes=1))
        assert [tuple(row.values()) for row in found] == rows
    path.write_bytes(text.getvalue().encode() + b"1,2,3" + end.encode())
    assert "Row #60002: Expected 2 columns, got 3" in complaint(path, columns=["a", "b"], block_bytes=1)


def test_a_process_that_reads_only_the_first_rows_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 4_000_000)
    script = (
        "import sys; from chatmill.inputs import find_inputs, read_blocks\n"
        "sizes = dict(block_bytes=1, max_line_bytes=1 << 20)\n"
        "next(iter(read_blocks(find_inputs(sys.argv[1]), columns=['a'], keep_columns=(), **sizes)))"
    )
    for _ in range(5):
        subprocess.run([sys.executable, "-c", script, path], check=True, timeout=60)


def test_a_quote_that_is_not_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"2\n' + "1,2\n" * 1_000_000)
    assert "a row is larger than a block of 1,048,576 bytes, or a quote is not closed" in complaint(
        path, columns=["a", "b"], block_bytes=1
    )


@pytest.mark.parametrize("start", ["\n", "\r\n\r\n"])
def test_empty_lines_before_the_names(start: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(start.encode() + b"a,b\n1,2\n\n3,4\n")
    assert values_of(read(path, columns=["a", "b"])) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_files_without_rows(tmp_path: Path) -> None:
    for text in ("", "messages\n", "messages"):
        (tmp_path / "a.csv").write_text(text)
        assert read(tmp_path / "a.csv") == []


def test_a_cell_that_is_not_utf8_fails_only_its_row(in_tmp_path: Path) -> None:
    good = json.dumps(ROWS[0]["messages"]).replace('"', '""').encode()
    Path("a.csv").write_bytes(
        b'messages\n"' + good + b'"\n"' + good.replace(b"brief", b"\xff") + b'"\n"' + good + b'"\n'
    )
    report = run("a.csv", max_rejected=1)
    assert (report.rows_in, report.rejected) == (3, 1)
    assert (rejects()[0]["row"], rejects()[0]["code"]) == (1, "invalid_utf8")


def test_messages_as_python_prints_them(in_tmp_path: Path) -> None:
    """`DataFrame.to_csv` writes lists like this. They are no JSON, so their rows are rejected with a reason."""
    Path("a.csv").write_text(f'messages\n"{ROWS[0]["messages"]!r}"\n"[]"\n')
    message = ""
    try:
        run("a.csv")
    except Exception as error:  # noqa: BLE001
        message = str(error)
    assert "a.csv, row 0" in message
    assert "JSON" in message


def test_a_config_names_a_csv_file(in_tmp_path: Path) -> None:
    Path("a.csv").write_text(to_csv(ROWS), "utf-8")
    keys = "chat_template: chatml\nsequence_len: 512\noutput_dir: model\n"
    Path("c.yaml").write_text(f"{keys}datasets:\n  - path: a.csv\n    ds_type: csv\n    type: chat_template\n")
    done = command("prepare", "c.yaml", "--output", "out")
    assert done.exit_code == 0, done.output
    assert [it["rows"] for it in recorded_inputs()] == [20]
    assert len(written()) == 19


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5), delimiter=st.sampled_from(",\t"))
def test_any_text(rows: list[tuple[str, str]], delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / ("any.csv" if delimiter == "," else "any.tsv")
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    path.write_bytes(text.getvalue().encode())
    assert values_of(read(path, columns=["a", "b"])) == [{"a": one, "b": other} for one, other in rows]
