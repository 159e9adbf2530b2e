"""Tests that other libraries open an output as a whole, and that outputs of earlier versions are read and replaced."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, PrepareReport, prepare
from chatmill.inspect.diff import diff_output
from chatmill.outputs import commit, complete
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.staging import staged_output
from prepared_outputs import TOKENIZER
from samples import conversation, write_rows
from staged_outputs import MadeOutput, content_of, is_killed_at

IDS = list(range(20))


@pytest.fixture
def written(in_tmp_path: Path) -> PrepareReport:
    """The output `out`: several shards, a manifest and rejects."""
    write_rows(Path("a.jsonl"), [{"messages": "x", "id": 99}, *map(conversation, IDS)])
    report = prepare(
        "a.jsonl", tokenizer=TOKENIZER, template="chatml", output="out", shard_tokens=200, keep_columns=["id"]
    )
    assert len(report.shards) > 1
    assert report.rejected == 1
    assert sorted(path.name for path in Path("out").iterdir() if path.suffix != ".parquet") == [
        "_manifest.json",
        "_rejects.jsonl",
        "_samples.jsonl",
    ]
    return report


def test_pyarrow(written: PrepareReport) -> None:
    assert sorted(pyarrow.dataset.dataset("out").to_table().column("id").to_pylist(), key=int) == [*map(str, IDS)]
    assert pq.read_table("out").num_rows == len(IDS)


def test_pandas(written: PrepareReport) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet("out")
    assert sorted(map(int, frame["id"])) == IDS
    assert [len(ids) for ids in frame["input_ids"]] == list(frame["length"])


def test_polars(written: PrepareReport) -> None:
    polars = pytest.importorskip("polars")
    for frame in (
        polars.scan_parquet("out", hidden_file_prefix="_").collect(),
        polars.read_parquet("out/*.parquet"),
    ):
        assert sorted(map(int, frame["id"])) == IDS


def test_duckdb(written: PrepareReport) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.execute("select id, length, len(input_ids) from 'out/*.parquet'").fetchall()
    assert sorted(int(row) for row, _, _ in found) == IDS
    assert all(length == ids for _, length, ids in found)


def test_datasets(written: PrepareReport, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    cache = str(tmp_path / "cache")
    found = datasets.load_dataset("out", cache_dir=cache)
    assert list(found) == ["train"]
    assert sorted(map(int, found["train"]["id"])) == IDS
    for where in ({"data_files": "out/*.parquet"}, {"data_dir": "out"}):
        files = datasets.load_dataset("parquet", split="train", cache_dir=cache, **where)
        assert sorted(map(int, files["id"])) == IDS


def test_datasets_with_a_single_shard(in_tmp_path: Path) -> None:
    """`datasets` guesses the kind of a folder from its suffixes; `.json` and `.jsonl` must not outvote `.parquet`."""
    datasets = pytest.importorskip("datasets")
    write_rows(Path("a.jsonl"), [{"messages": "x"}, conversation(1)])
    report = prepare("a.jsonl", tokenizer=TOKENIZER, template="chatml", output="out", max_rejected=1)
    assert (len(report.shards), report.rejected) == (1, 1)
    assert datasets.load_dataset("out", cache_dir="cache")["train"].column_names == ["input_ids", "labels", "length"]


def test_datasets_with_rows_for_validation(in_tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write_rows(Path("a.jsonl"), [*map(conversation, IDS)])
    prepare("a.jsonl", tokenizer=TOKENIZER, template="chatml", output="out", validation=5)
    for source, where in {"parquet": {"data_dir": "out"}, "out": {}}.items():
        found = datasets.load_dataset(source, cache_dir="cache", **where)
        assert {name: len(rows) for name, rows in found.items()} == {"train": 15, "validation": 5}


def name_as_before() -> None:
    """Give the files of `out` the names that earlier versions gave them."""
    manifest: dict[str, Any] = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    manifest["rejects"]["file"] = "rejects.jsonl"
    for shard in manifest["shards"]:
        earlier = shard["file"].replace("train-", "part-")
        Path("out", shard["file"]).rename(Path("out", earlier))
        shard["file"] = earlier
    Path("out/_manifest.json").unlink()
    # They had no statistics and no rows to look at.
    del manifest["statistics"], manifest["sample_files"]
    Path("out/_samples.jsonl").unlink()
    Path("out/manifest.json").write_text(json.dumps(manifest), "utf-8")
    Path("out/_rejects.jsonl").rename("out/rejects.jsonl")


def test_an_output_of_an_earlier_version_is_read(written: PrepareReport) -> None:
    name_as_before()
    output = PreparedOutput("out")
    assert (output.manifest_path, output.rejects_path) == (Path("out/manifest.json"), Path("out/rejects.jsonl"))
    report = diff_output("a.jsonl", "out", tokenizer=TOKENIZER)
    assert list(report) == []
    assert report.rows == 21
    Path("out/rejects.jsonl").write_text("[", "utf-8")
    with pytest.raises(DataError, match=r"out/rejects.jsonl, line 1: not JSON"):
        list(diff_output("a.jsonl", "out", tokenizer=TOKENIZER))


def test_an_output_of_an_earlier_version_is_replaced(written: PrepareReport) -> None:
    name_as_before()
    prepare("a.jsonl", tokenizer=TOKENIZER, template="chatml", output="out", overwrite=True)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "_manifest.json",
        "_rejects.jsonl",
        "_samples.jsonl",
        "train-00000.parquet",
    ]


@pytest.mark.parametrize("name", ["manifest.json", "rejects.jsonl"])
def test_a_file_with_an_earlier_name_beside_a_manifest_is_foreign(written: PrepareReport, name: str) -> None:
    (Path("out") / name).write_text("{}", "utf-8")
    with pytest.raises(DataError, match=rf"its _manifest.json does not list \({name}\)"):
        prepare("a.jsonl", tokenizer=TOKENIZER, template="chatml", output="out", overwrite=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_commit_of_an_earlier_version_is_completed_or_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier version is killed while it moves single files; this version settles what it left."""
    old = MadeOutput(tmp_path / "old", ids=[1, 2, 3], rejects=b"{}\n").of_earlier_version()
    new = MadeOutput(tmp_path / "new", ids=[4, 5, 6, 7, 8]).of_earlier_version()
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "out")
    ends = []
    for step in range(0, 500, 4):
        place = tmp_path / str(step) / "out"
        place.mkdir(parents=True)
        old.write_into(place)
        with monkeypatch.context() as patch:
            patch.setattr(commit, "MANIFEST", "manifest.json")
            patch.setattr(complete, "MANIFEST", "manifest.json")
            killed = is_killed_at(step, lambda place=place: new.put(place))  # type: ignore[misc]
        if not killed:
            break
        with staged_output(place, overwrite=True) as output:
            pass
        assert output.warnings == []
        ends.append(content_of(place))
        assert ends[-1] in (old.files, new.files), step
    assert ends[0] == old.files
    assert ends[-1] == new.files
