"""Tests of folders as inputs: their data files in order, saved data sets, and folders that are refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from buckets import Bucket
from chatmill import DataError
from chatmill.inputs import find_inputs
from input_rows import ROWS, command, complaint, expected, read, recorded_inputs, run, values_of, written
from samples import write_rows

NAMES = ["data/a.jsonl", "data/b/a.parquet", "data/b.csv", "data/c/d/e.json.gz", "data/c.tsv"]


def paths_of(inputs: Any, kind: str | None = None) -> list[str]:
    return [file.path for file in find_inputs(inputs, kind)]


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("{}\n")


def test_all_data_files_in_the_order_of_their_names(in_tmp_path: Path) -> None:
    touch(*reversed(NAMES))
    found = find_inputs("data")
    assert [file.path for file in found] == [
        "data/a.jsonl",
        "data/b/a.parquet",
        "data/b.csv",
        "data/c/d/e.json.gz",
        "data/c.tsv",
    ]
    assert [file.position for file in found] == [0, 1, 2, 3, 4]
    assert found[0].warnings == ()
    assert paths_of(["data/", Path("data/c")]) == [*paths_of("data"), "data/c/d/e.json.gz"]
    assert paths_of(str(in_tmp_path / "data")) == [str(in_tmp_path / name) for name in paths_of("data")]


def test_hidden_names_are_left_out(in_tmp_path: Path) -> None:
    touch("data/a.jsonl", "data/.b.jsonl", "data/_c.jsonl", "data/.git/d.jsonl", "data/_old/e.jsonl", "data/_SUCCESS")
    (file,) = find_inputs("data")
    assert (file.path, file.warnings) == ("data/a.jsonl", ())


def test_files_of_other_kinds_are_named(in_tmp_path: Path) -> None:
    touch("data/a.jsonl", "data/README.md", "data/b/notes", "data/b/x.txt.gz", "data/dataset_infos.json")
    (file,) = find_inputs("data")
    assert file.warnings == (
        "the folder data has files that are not read: README.md, b/notes, b/x.txt.gz, dataset_infos.json",
    )
    touch(*(f"data/{number}.md" for number in range(7)))
    assert find_inputs("data")[0].warnings[0].endswith("0.md, 1.md, 2.md, 3.md, 4.md and 6 more")


def test_the_warning_reaches_the_report_and_the_command(in_tmp_path: Path) -> None:
    write_rows(Path("data/a.jsonl"), ROWS)
    touch("data/README.md")
    warning = "the folder data has files that are not read: README.md"
    assert warning in run("data").warnings
    with pytest.raises(DataError, match="`strict` accepts no warning"):
        run("data", strict=True)
    shown = command("show", "data", "--template", "chatml")
    assert (shown.exit_code, warning in shown.stderr) == (0, True)


def test_prepare_reads_a_folder(in_tmp_path: Path) -> None:
    write_rows(Path("data/1.jsonl"), ROWS[:7])
    write_rows(Path("data/2/a.jsonl.gz"), ROWS[7:9])
    write_rows(Path("data/2/b.jsonl.zst"), ROWS[9:15])
    Path("data/3.json").write_text(json.dumps(ROWS[15:]))
    run("data")
    assert written() == expected()
    assert [(it["path"], it["rows"]) for it in recorded_inputs()] == [
        ("data/1.jsonl", 7),
        ("data/2/a.jsonl.gz", 2),
        ("data/2/b.jsonl.zst", 6),
        ("data/3.json", 5),
    ]


def test_a_folder_of_save_to_disk_in_the_order_of_its_rows(in_tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [ROWS[number] for number in (7, 3, 9, 1, 0)]
    datasets.Dataset.from_list(rows).save_to_disk("saved", num_shards=3)
    state = json.loads(Path("saved/state.json").read_text())
    assert len(state["_data_files"]) == 3
    assert values_of(read("saved", keep_columns=["id"])) == rows
    assert find_inputs("saved")[0].warnings == ()
    # The state tells the order, not the names.
    state["_data_files"].reverse()
    Path("saved/state.json").write_text(json.dumps(state))
    Path("saved/cache-1234.arrow").write_bytes(b"")
    assert [row["id"] for row in values_of(read("saved", keep_columns=["id"]))] == [0, 9, 1, 7, 3]
    run("saved")
    assert len(written()) == 5
    Path("saved", state["_data_files"][0]["filename"]).unlink()
    assert "saved/state.json lists the file 'data-0000" in complaint("saved")
    for content in ("[]", "{", '{"_data_files": [{"filename": "../x.arrow"}]}', '{"_data_files": [{"filename": 3}]}'):
        Path("saved/state.json").write_text(content)
        assert "state.json" in complaint("saved")


def test_saved_splits_must_be_chosen(in_tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    saved = datasets.Dataset.from_list(ROWS[:3])
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk("saved")
    assert "saved has the splits test, train; give one of them, such as " in complaint("saved")
    assert len(values_of(read("saved/train"))) == 3


def test_files_of_several_splits_are_a_warning(in_tmp_path: Path) -> None:
    touch("data/train-00000-of-00001.jsonl", "data/test-00000-of-00001.jsonl", "data/contest.jsonl")
    (warning,) = find_inputs("data")[0].warnings
    assert "data has files of several splits (train, test), and all of them are read" in warning
    touch("train/data/attest.jsonl", "train/data/train.jsonl")
    assert find_inputs("train")[0].warnings == ()


def test_outputs_of_chatmill_are_refused(in_tmp_path: Path) -> None:
    write_rows(Path("data/a.jsonl"), ROWS)
    run("data", output="tokens")
    refusal = "is an output of `chatmill prepare`, so its rows are tokens; give the inputs of that run, or name its"
    assert refusal in complaint("tokens")
    shutil.move("tokens", "data/tokens")
    assert f"data/tokens {refusal}" in complaint("data")
    Path("data/tokens/_manifest.json").rename("data/tokens/manifest.json")
    assert refusal in complaint("data")
    # The manifest of another tool is data, or one more file.
    Path("data/tokens/manifest.json").write_text("{}")
    assert paths_of("data") == ["data/a.jsonl", "data/tokens/manifest.json", "data/tokens/train-00000.parquet"]


def test_an_output_in_an_input_folder_is_refused(in_tmp_path: Path) -> None:
    write_rows(Path("data/a.jsonl"), ROWS)
    for inputs in ("data", ["data"], [Path("data")]):
        with pytest.raises(DataError, match=r"the output data/out lies in the input folder data, so"):
            run(inputs, output="data/out")
    assert not Path("data/out").exists()


def test_folders_without_data(in_tmp_path: Path) -> None:
    Path("empty").mkdir()
    assert "the folder empty has no data file; data files end in .jsonl" in complaint("empty")
    touch("texts/a.txt", "texts/_b.jsonl")
    assert "the folder texts has no data file (there is a.txt); data" in complaint("texts")


def test_the_kind_of_files_with_other_suffixes(in_tmp_path: Path) -> None:
    write_rows(Path("data/a.txt"), ROWS[:2])
    write_rows(Path("data/b.jsonl"), ROWS[2:3])
    touch("data/c.csv")
    files = find_inputs("data", "jsonl")
    assert [(file.path, file.kind) for file in files] == [("data/a.txt", "jsonl"), ("data/b.jsonl", "jsonl")]
    assert files[0].warnings == ("the folder data has files that are not read: c.csv",)
    assert values_of(read("data", "jsonl")) == ROWS[:3]


def test_links(in_tmp_path: Path) -> None:
    write_rows(Path("blobs/1"), ROWS[:1])
    Path("data/deep").mkdir(parents=True)
    Path("data/a.jsonl").symlink_to("../blobs/1")
    assert values_of(read("data")) == ROWS[:1]
    Path("data/gone.jsonl").symlink_to("../blobs/2")
    (file,) = find_inputs("data")
    assert file.warnings == ("the folder data has files that are not read: gone.jsonl",)
    Path("data/deep/up").symlink_to("..")
    assert "data/deep/up and " in complaint("data")
    assert "are the same by a link, so its rows would be read twice; remove the link" in complaint("data")


def test_links_to_a_folder_above_end_at_once(in_tmp_path: Path) -> None:
    # Each level would have twice the folders of the level above it.
    Path("data").mkdir()
    Path("data/a").symlink_to(".")
    Path("data/b").symlink_to(".")
    assert "are the same by a link" in complaint("data")


def test_a_link_to_a_file_of_the_folder(in_tmp_path: Path) -> None:
    write_rows(Path("data/2026.jsonl"), ROWS)
    Path("data/latest.jsonl").symlink_to("2026.jsonl")
    message = complaint("data")
    assert "data/latest.jsonl and " in message
    assert "2026.jsonl are the same by a link" in message


def test_huge_files_with_the_names_of_manifests(in_tmp_path: Path) -> None:
    write_rows(Path("data/a.jsonl"), ROWS)
    Path("data/_manifest.json").touch()
    os.truncate("data/_manifest.json", 8 << 30)
    assert paths_of("data") == ["data/a.jsonl"]
    touch("saved/dataset_info.json", "saved/state.json")
    os.truncate("saved/state.json", 8 << 30)
    assert "saved/state.json does not list the files" in complaint("saved")
    Path("data/_manifest.json").unlink()
    os.mkfifo("data/_manifest.json")
    assert paths_of("data") == ["data/a.jsonl"]


def test_remote_folders(bucket: Bucket) -> None:
    bucket.write("data/b.jsonl", json.dumps(ROWS[1]).encode())
    bucket.write("data/a/a.json", json.dumps(ROWS[:1]).encode())
    bucket.write("data/_x.jsonl", b"")
    bucket.write("data/note.md", b"")
    files = find_inputs(f"{bucket.url}/data")
    assert [file.path.removeprefix("memory:").lstrip("/") for file in files] == [
        f"{bucket.name}/data/a/a.json",
        f"{bucket.name}/data/b.jsonl",
    ]
    assert "that are not read: note.md" in files[0].warnings[0]
    assert values_of(read(f"{bucket.url}/data")) == ROWS[:2]


def test_the_folder_of_a_model_is_no_data(in_tmp_path: Path) -> None:
    touch("model/tokenizer.json", "model/config.json", "model/tokenizer_config.json")
    assert "the folder model has no data file (there is config.json, tokenizer.json, tok" in complaint("model")
