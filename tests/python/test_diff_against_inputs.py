"""The matching of the rows of an output with the rows of the inputs, and the errors if they do not match."""

from __future__ import annotations

from pathlib import Path

import pytest
from chatmill import DataError, prepare
from chatmill.inspect.diff import diff_output, show_output_summary
from prepared_outputs import TOKENIZER, against, edit_manifest, edit_rows, prepare_rows
from samples import LONG, SHORT, TURN, Row, WriteFile, conversation

pytestmark = pytest.mark.usefixtures("in_tmp_path")

USER = {"messages": TURN[:1]}


def test_several_files_and_kinds(write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(30)]
    write_file("a.jsonl", [*rows[:9], {"messages": 1, "id": 0}])
    write_file("b.parquet", [*rows[9:20], {**USER, "id": 0}, *rows[20:]])
    write_file("c.jsonl.gz", [])
    files = ["a.jsonl", "b.parquet", "c.jsonl.gz", "a.jsonl"]
    prepare(files, tokenizer=TOKENIZER, template="chatml", output="out", shard_tokens=1000)
    found, report = against(files)
    assert (found, report.rows, report.left.failed) == ([], 42, 3)
    found, _ = against(files, all_masked="keep")
    assert [(it.row, it.place) for it in found] == [(21, "b.parquet, row 11")]
    found, report = against(files, all_masked="keep", rows=21)
    assert (found, report.rows) == ([], 21)


def test_folders_may_have_moved(write_file: WriteFile) -> None:
    prepare_rows(SHORT, USER)
    Path("elsewhere").mkdir()
    Path("a.jsonl").rename("elsewhere/a.jsonl")
    assert against("elsewhere/*.jsonl")[0] == []


@pytest.mark.parametrize("rows", [[SHORT, LONG], [SHORT, LONG, SHORT, SHORT], []], ids=len)
def test_other_numbers_of_rows(write_file: WriteFile, rows: list[Row]) -> None:
    prepare_rows(SHORT, LONG, SHORT)
    write_file("a.jsonl", rows)
    now = {2: "2", 4: "more than 3", 0: "0"}[len(rows)]
    with pytest.raises(DataError, match=rf"a.jsonl has {now} rows, but had 3 when out was made; give the file"):
        against()


def test_rows_are_not_compared_with_those_of_another_file(write_file: WriteFile) -> None:
    for name, rows in (("a.jsonl", [SHORT, LONG]), ("b.jsonl", [SHORT])):
        write_file(name, rows)
    prepare(["a.jsonl", "b.jsonl"], tokenizer=TOKENIZER, template="chatml", output="out")
    write_file("a.jsonl", [SHORT])
    report = diff_output(["a.jsonl", "b.jsonl"], "out", tokenizer=TOKENIZER)
    with pytest.raises(DataError, match=r"a.jsonl has 1 rows, but had 2"):
        list(report)
    assert (report.rows, report.differing.total()) == (1, 0)


def test_kept_columns_are_not_those_of_chatmill() -> None:
    prepare_rows({**SHORT, "weights": "heavy"}, {**LONG, "weights": "light"}, keep_columns=["weights"])
    assert against()[0] == []


def test_other_rows_of_the_same_number(write_file: WriteFile) -> None:
    prepare_rows(SHORT, LONG)
    write_file("a.jsonl", [LONG, LONG])
    found, report = against()
    assert [it.row for it in found] == [0]
    assert report.warnings[0].startswith("a.jsonl had ")
    assert show_output_summary(report).plain.endswith(", so its rows may have changed")


def test_other_files(write_file: WriteFile) -> None:
    prepare_rows(SHORT)
    write_file("b.jsonl", [SHORT])
    for inputs in ("b.jsonl", ["a.jsonl", "b.jsonl"]):
        with pytest.raises(
            DataError,
            match=r"out was made from a.jsonl, but the inputs are .*b.jsonl; give the files that _manifest.json lists",
        ):
            against(inputs)


def test_rejects_that_fit_no_row() -> None:
    prepare_rows(SHORT, USER, SHORT)
    rejects = Path("out/_rejects.jsonl")
    text = rejects.read_text("utf-8")
    rejects.write_text(text.replace('"line": 2', '"line": 7'), "utf-8")
    with pytest.raises(DataError, match="neither tokens nor a reject for row 2"):
        against()
    rejects.write_text(text + text.replace('"line": 2', '"line": 7'), "utf-8")
    with pytest.raises(DataError, match=r"_rejects.jsonl has line 7 of a.jsonl, but there is no such row"):
        against()
    rejects.write_text("{\n", "utf-8")
    with pytest.raises(DataError, match=r"_rejects.jsonl, line 1: not JSON"):
        against()


def test_more_rows_than_the_inputs() -> None:
    prepare_rows(SHORT, USER, SHORT)
    edit_rows(lambda rows: rows.append(rows[0]))
    with pytest.raises(DataError, match=r"train-00000.parquet has 3 rows, but _manifest.json lists 2"):
        against()
    edit_manifest(lambda it: it["shards"][0].update(rows=3))
    with pytest.raises(DataError, match="its shards hold more rows than the inputs"):
        against()


def test_folders_that_are_no_output() -> None:
    with pytest.raises(DataError, match=r"there is no out/_manifest.json; give a folder that `chatmill prepare`"):
        against()
    prepare_rows(SHORT)
    shard = Path("out/train-00000.parquet")
    data = shard.read_bytes()
    Path("out/train-00001.parquet").write_bytes(data)
    with pytest.raises(DataError, match=r"train-00001.parquet is not in _manifest.json; copy it again, or make it"):
        against()
    Path("out/train-00001.parquet").unlink()
    shard.write_bytes(data[:-9])
    with pytest.raises(DataError, match=r"cannot read .*train-00000.parquet"):
        against()
    shard.unlink()
    with pytest.raises(DataError, match=r"train-00000.parquet is missing"):
        against()
    for change, told in (
        (lambda it: it.update(format=9), "has the format version 9, but this chatmill reads version 1"),
        (lambda it: it.pop("shards"), "is not a manifest of chatmill"),
    ):
        edit_manifest(change)
        with pytest.raises(DataError, match=told):
            against()
        edit_manifest(lambda it: it.update(format=1))
    Path("out/_manifest.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"cannot read .*_manifest.json"):
        against()
