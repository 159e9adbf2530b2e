"""Reports of rows that are not written: where the rows are, and rows that change meanwhile."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import chatmill
import chatmill.inputs.mill
import pyarrow.parquet as pq
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import DataError, verify
from chatmill.reporting.of_rows import report_of_rows
from chatmill.reporting.page import page

ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def write_rows(path: Path, rows: int) -> None:
    path.write_text("".join(json.dumps(ROW) + "\n" for _ in range(rows)), "utf-8")


def test_rows_in_the_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write_rows(tmp_path / "a.jsonl", 3)
    found = report_of_rows(tmp_path, tokenizer=byte_tokenizer(), template="chatml")
    assert found.totals.rows_out == 3
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_rows_that_change_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    write_rows(path, 3)
    mill_block = chatmill.inputs.mill.mill_block

    def changing(*arguments: Any, **options: Any) -> Any:
        write_rows(path, 4)
        return mill_block(*arguments, **options)

    monkeypatch.setattr("chatmill.reporting.of_rows.mill_block", changing)
    with pytest.raises(DataError, match=r"a\.jsonl"):
        report_of_rows(path, tokenizer=byte_tokenizer(), template="chatml")


def test_rows_that_are_too_long_are_one_reject_each(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_rows(path, 3)
    with path.open("a", encoding="utf-8") as file:
        file.write("x\n" * 4)
    found = report_of_rows(path, tokenizer=byte_tokenizer(), template="chatml")
    assert [(it.rows, it.place.rpartition(", ")[2]) for it in found.rejects] == [(4, "line 4")]
    assert [it.why for it in found.samples if it.code] == [("rejected",)]


def test_shares_of_limits_count_rejected_rows_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_rows(path, 1)
    long = {"messages": [*ROW["messages"], {"role": "user", "content": "x" * 2000}, ROW["messages"][1]]}
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(long)}\n" * 9)
    report = chatmill.report(path, tokenizer=byte_tokenizer(), template="chatml", max_length=200, truncation="drop")
    assert report.report.totals.rejected == 9
    shares = [float(it) for it in re.findall(r"^ +[\d,]+ +9 +[\d,]+ +([\d.]+) %", str(report), re.MULTILINE)]
    assert len(shares) > 10
    # Nine rows have the same length, so a limit of 128 leaves nine times 128 tokens of them.
    found = report.report.sequences
    assert shares[0] == round(100 * (1 - (9 * 128 + report.report.totals.tokens) / found.tokens), 1)
    assert all(0 < it < 100 for it in shares)


def test_reports_of_answers_say_how_prompts_count(in_tmp_path: Path) -> None:
    answer = [{"role": "assistant", "content": "Four"}]
    pair = {"prompt": ROW["messages"][:1], "chosen": answer, "rejected": ROW["messages"][1:]}
    Path("a.jsonl").write_text(json.dumps(pair), "utf-8")
    options: Any = {"tokenizer": byte_tokenizer(), "template": "chatml", "format": "preference"}
    prepared = chatmill.prepare("a.jsonl", output="out", progress=False, **options)
    stored = pq.read_table("out").to_pylist()[0]
    prompt, answers = len(stored["prompt_ids"]), len(stored["chosen_ids"]) + len(stored["rejected_ids"])
    assert prepared.tokens == verify("out").tokens == prompt + answers
    for shown in (chatmill.report("out"), chatmill.report("a.jsonl", **options)):
        assert shown.report.run.has_answers
        assert (shown.report.totals.samples, shown.report.totals.tokens) == (2, 2 * prompt + answers)
        for text in (str(shown), page(shown.reports)):
            said = text.replace("&#x60;", "`").replace("&#96;", "`")
            assert "a prompt counts once for each answer; `prepare` and `verify` count what is stored" in said
    Path("b.jsonl").write_text(json.dumps(ROW), "utf-8")
    plain = chatmill.report("b.jsonl", tokenizer=byte_tokenizer(), template="chatml")
    assert not plain.report.run.has_answers
    assert "a prompt counts" not in str(plain) + page(plain.reports)
