"""Tests of what `convert` and `open` refuse: what a layout cannot hold, and outputs that were changed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pytest
from chatmill import DataError, convert, pack
from chatmill.cli.main import app
from chatmill.outputs.manifest import recorded_files
from click.testing import CliRunner
from layout_rows import READERS, opened, random_rows, table, write_output

LISTS = pa.list_(pa.int32())


def refused(match: str, to: Any, **options: Any) -> None:
    with pytest.raises(DataError, match=match):
        convert("tokens", to, "out", **options)
    assert not Path("out").exists()
    assert not [path for path in Path.cwd().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("layout", ["nemo", "datatrove", "olmo"])
def test_weights(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(3)
    weights = pa.array([[0.5] * len(ids) for ids, _ in rows], pa.list_(pa.float32()))
    write_output(Path("tokens"), table(rows, weights=weights))
    refused(rf"the layout {layout} holds no weights of tokens, so all trained tokens would count alike", layout)


@pytest.mark.parametrize("layout", ["datatrove", "olmo"])
def test_packs(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(3)
    marks = pa.array([[len(ids)] for ids, _ in rows], LISTS)
    write_output(Path("tokens"), table(rows, seq_lengths=marks), packing={})
    refused(rf"the layout {layout} would make one document of each pack, and lose where its rows are", layout)


@pytest.mark.parametrize("layout", ["megatron", "nemo", "datatrove", "olmo"])
def test_what_a_mask_cannot_hold(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(3)
    pairs = {name: pa.array([[1]], LISTS) for name in ("prompt_ids", "chosen_ids", "rejected_ids")}
    write_output(Path("tokens"), pa.record_batch({**pairs, "length": pa.array([3], pa.int32())}))
    refused(rf"the layout {layout} holds one list of tokens a row, but these rows are prompts and answers", layout)
    for path in Path("tokens").iterdir():
        path.unlink()
    Path("tokens").rmdir()
    write_output(Path("tokens"), table(rows), padding="longest")
    refused(rf"the layout {layout} has no place for padding", layout)
    write_output(Path("steps"), table(rows), format={"steps": "completions"})
    with pytest.raises(DataError, match="the labels of these rows judge steps"):
        convert("steps", layout, "out")
    other = table([([5, 6, 7], [False, True, True])]).set_column(1, "labels", pa.array([[-100, 1, 7]], LISTS))
    write_output(Path("judged"), other)
    with pytest.raises(DataError, match="a token 6 has the label 1, which a mask cannot hold"):
        convert("judged", layout, "out")
    assert not Path("out").exists()
    for columnar in ("arrow", "hf", "mds"):
        convert("judged", columnar, columnar)
        assert [row.labels for row in chatmill.open(columnar)] == [[-100, 1, 7]]


def test_empty_rows_and_nulls_in_mds(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table([([1, 2], [False, True]), ([], [])]))
    refused("a row has an empty list in the column input_ids, which MDS does not hold", "mds")
    write_output(Path("nulls"), table([([1], [False])], id=pa.array([None], pa.string())), keep_columns=["id"])
    with pytest.raises(DataError, match="the column id has nulls"):
        convert("nulls", "mds", "out")


def test_types_without_a_place(in_tmp_path: Path) -> None:
    kept = pa.array([{"a": 1}])
    write_output(Path("tokens"), table([([1], [False])], about=kept), keep_columns=["about"])
    refused(r"cannot have the column about of the type struct<a: int64>; remove it from `keep_columns`", "hf")
    assert "left out, because the layout mds has no such types: about" in str(convert("tokens", "mds", "mds"))
    convert("tokens", "arrow", "arrow")
    assert [row.columns["about"] for row in chatmill.open("arrow")] == [{"a": 1}]


def test_the_first_label_in_nemo_is_counted(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table([([1, 2], [True, True]), ([3], [False]), ([4], [True])]))
    report = convert("tokens", "nemo", "out")
    lost = "train: 2 rows lose the label of their first token, which this layout does not hold"
    assert report.notes == (f"{lost}; models train no first token",)
    assert opened("out") == [([1, 2], [False, True]), ([3], [False]), ([4], [False])]


def test_an_id_that_does_not_fit(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table([([70_000], [False])]))
    for layout in ("megatron", "datatrove", "olmo"):
        refused("the largest id is 70000, which uint16 cannot hold", layout, vocabulary_size=500)
    refused("`vocabulary_size` is 0; give the number of ids", "megatron", vocabulary_size=0)


def test_options(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(2)))
    refused(r"`to` is 'megatro'; did you mean 'megatron'\?", "megatro")
    for layout in READERS:
        if layout not in ("parquet", "nemo"):
            refused(f"the files of the layout {layout} are not compressed", layout, compression="snappy")
        if layout != "megatron":
            refused("`shard_tokens` is 0; use at least 1", layout, shard_tokens=0)
    for place, how in (("tokens", "is"), ("tokens/in", "lies in"), (".", "holds")):
        with pytest.raises(
            DataError, match=f"the output {place} {how} the folder tokens, which is read; choose another"
        ):
            convert("tokens", "hf", place, overwrite=True)
    Path("out").mkdir()
    Path("out/mine").write_text("x", "utf-8")
    with pytest.raises(DataError, match="out is not empty"):
        convert("tokens", "hf", "out")


@pytest.mark.parametrize("layout", list(READERS))
def test_changed_files(layout: Any, in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(40)), table(random_rows(5)))
    convert("tokens", layout, "out", shard_tokens=200)
    manifest = json.loads(Path("out/_manifest.json").read_bytes())
    records = recorded_files(Path("out/_manifest.json").read_bytes())
    assert records is not None
    assert {it.file for it in records} | {"_manifest.json"} == {
        path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()
    }
    for key in ("shards", "validation_shards", "layout_files"):
        for record in manifest.get(key, ()):
            path = Path("out", record["file"])
            content = path.read_bytes()
            middle = len(content) // 2
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
            with pytest.raises(DataError, match="was changed after it was written"):
                convert("out", "parquet", "back")
            path.write_bytes(content[:-1])
            with pytest.raises(DataError, match=r"has [\d,]+ bytes, but _manifest.json lists [\d,]+"):
                chatmill.open("out")
            path.unlink()
            with pytest.raises(DataError, match=r"was changed after it was written: .* is missing"):
                chatmill.open("out")
            path.write_bytes(content)
    assert opened("out") == opened("tokens")
    assert not Path("back").exists()


def read_damaged(folder: str) -> str:
    """The error of reading an output; empty if it can be read."""
    try:
        list(chatmill.open(folder))
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", list(READERS))
def test_any_damage_is_an_error_of_chatmill(layout: Any, packed: bool, in_tmp_path: Path) -> None:
    if packed and layout in ("datatrove", "olmo"):
        pytest.skip("it holds no packs")
    rows = random_rows(30)
    marks = {"seq_lengths": pa.array([[len(ids)] for ids, _ in rows], LISTS)} if packed else {}
    write_output(Path("tokens"), table(rows, **marks), packing={} if packed else None)
    convert("tokens", layout, "out", shard_tokens=200)
    numbers = random.Random(5)
    paths = [path for path in Path("out").iterdir() if path.name not in ("_manifest.json", "state.json")]
    outcomes: set[str] = set()
    for _ in range(150):
        path = numbers.choice(paths)
        content = path.read_bytes()
        changed = bytearray(content)
        for _ in range(numbers.choice([1, 1, 8])):
            changed[numbers.randrange(len(content))] = numbers.randrange(256)
        path.write_bytes(changed)
        outcomes.add(read_damaged("out"))
        path.write_bytes(content)
    assert any("out" in it for it in outcomes)
    assert all("out" in it for it in outcomes - {""})
    assert opened("out") == rows


def test_a_manifest_with_other_numbers(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(40)))
    for layout in READERS:
        convert("tokens", layout, layout)
        path = Path(layout, "_manifest.json")
        manifest = json.loads(path.read_bytes())
        manifest["shards"][0]["rows"] += 1
        path.write_text(json.dumps(manifest), "utf-8")
        with pytest.raises(DataError, match="has 40 rows of the split train, but its manifest lists 41"):
            opened(layout)
    manifest["layout"]["name"] = "litdata"
    path.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(DataError, match="names the layout 'litdata', which this chatmill does not read"):
        chatmill.open(layout)


def test_other_commands_name_the_layout(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(4)))
    convert("tokens", "arrow", "out")
    with pytest.raises(DataError, match="out has the layout arrow; pack an output of the layout parquet"):
        pack("out", 64, "packs")


def test_the_command(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(4)), table(random_rows(2)))
    runner = CliRunner()
    done = runner.invoke(
        app, ["convert", "tokens", "--to", "megatron", "--output", "out", "--vocabulary-size", "300000"]
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("train: 4 rows, ")
    assert sorted(path.name for path in Path("out/validation").iterdir()) == [
        *("validation_loss_mask_document.bin", "validation_loss_mask_document.idx"),
        *("validation_text_document.bin", "validation_text_document.idx"),
    ]
    done = runner.invoke(app, ["convert", "tokens", "--to", "hf", "--output", "out"])
    assert done.exit_code == 1
    assert "out is not empty" in done.stderr
    done = runner.invoke(app, ["convert", "tokens", "--to", "hg", "--output", "out"])
    assert done.exit_code == 2
    assert (
        runner.invoke(app, ["convert", "out", "--to", "hf", "-o", "new", "--quiet", "--shard-tokens", "9"]).stdout == ""
    )
    assert opened("new", "validation") == opened("tokens", "validation")
