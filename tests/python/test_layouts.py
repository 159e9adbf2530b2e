"""Tests of `convert` and `open`: rows stay equal through all layouts, and independent readers find them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import convert
from layout_rows import READERS, Tokens, opened, random_rows, read_pair, table, write_output

LAYOUTS = list(READERS)
# They hold where the rows of packs are.
OF_PACKS = ["parquet", "arrow", "hf", "megatron", "nemo", "mds"]
OF_WEIGHTS = ["parquet", "arrow", "hf", "megatron", "mds"]


@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
def test_rows_stay_equal_through_two_layouts(first: Any, second: Any, in_tmp_path: Path) -> None:
    # MDS has no empty arrays.
    shortest = 1 if "mds" in (first, second) else 0
    splits = {"train": random_rows(60, shortest=shortest), "validation": random_rows(9, 2, shortest=shortest)}
    assert shortest or any(not ids for ids, _ in splits["train"])
    write_output(Path("tokens"), table(splits["train"]), table(splits["validation"]))
    convert("tokens", first, "one", shard_tokens=100)
    convert("one", second, "two", shard_tokens=130)
    for folder in ("tokens", "one", "two"):
        for split, rows in splits.items():
            assert opened(folder, split) == rows
            assert len(chatmill.open(folder).splits[split]) == len(rows)
    for split, rows in splits.items():
        assert READERS[first](Path("one", split), split) == rows
        assert READERS[second](Path("two", split), split) == rows


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_split_and_no_rows(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(5)
    write_output(Path("tokens"), table(rows))
    convert("tokens", layout, "out")
    assert opened("out") == READERS[layout](Path("out"), "train") == rows
    assert list(chatmill.open("out").splits) == ["train"]
    write_output(Path("none"), table([]))
    convert("none", layout, "empty")
    convert("empty", "parquet", "back")
    assert opened("empty") == opened("back") == READERS[layout](Path("empty"), "train") == []
    assert pq.read_table("back").schema.field("input_ids").type == pa.list_(pa.int32())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_do_not_depend_on_batches(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(200)
    write_output(Path("few"), table(rows), shard_tokens=100)
    write_output(Path("all"), table(rows), shard_tokens=10**9)
    for source in ("few", "all"):
        convert(source, layout, f"{source}-out", shard_tokens=333)
    few, every = ({it.name: it.read_bytes() for it in Path(f"{it}-out").iterdir()} for it in ("few", "all"))
    assert few.keys() == every.keys()
    changed = {name for name in few if few[name] != every[name]}
    # Batches of Arrow files and row groups of Parquet files may be cut elsewhere; rows may not.
    assert changed <= {"_manifest.json"} or layout in ("parquet", "arrow", "hf", "nemo")
    assert opened("few-out") == opened("all-out") == rows


def packs() -> tuple[list[Tokens], list[list[int]]]:
    """Packs of one to four rows; the first token of each row is not trained."""
    single = random_rows(90)
    rows: list[Tokens] = []
    lengths = []
    for size in (1, 2, 3, 4) * 9:
        own = [single.pop() for _ in range(size)]
        lengths.append([len(ids) for ids, _ in own])
        rows.append(([token for ids, _ in own for token in ids], [it for _, mask in own for it in mask]))
    return rows, lengths


def mark(name: str, rows: list[Tokens], lengths: list[list[int]]) -> dict[str, pa.Array]:
    ends = [[sum(own[:at]) for at in range(len(own) + 1)] for own in lengths]
    values: dict[str, Any] = {
        "seq_lengths": lengths,
        "cu_seqlens": ends,
        "position_ids": [[at for length in own for at in range(length)] for own in lengths],
        "segment_ids": [[row for row, length in enumerate(own, 1) for _ in range(length)] for own in lengths],
        "seq_start_id": [own[:-1] for own in ends],
    }
    assert all(sum(own) == len(ids) for own, (ids, _) in zip(lengths, rows, strict=True))
    return {name: pa.array(values[name], pa.list_(pa.int32()))}


@pytest.mark.parametrize("second", OF_PACKS)
@pytest.mark.parametrize("first", OF_PACKS)
def test_packs_keep_their_rows(first: Any, second: Any, in_tmp_path: Path) -> None:
    rows, lengths = packs()
    write_output(Path("packs"), table(rows, **mark("seq_lengths", rows, lengths)), packing={"max_length": 200})
    convert("packs", first, "one", shard_tokens=300)
    convert("one", second, "two", shard_tokens=200)
    for folder in ("packs", "one", "two"):
        found = list(chatmill.open(folder))
        assert [(row.input_ids, row.mask) for row in found] == rows
        assert [row.marks["seq_lengths"] for row in found] == lengths
        assert chatmill.open(folder).manifest["options"]["packing"] == {"max_length": 200}


@pytest.mark.parametrize("name", ["cu_seqlens", "position_ids", "segment_ids", "seq_start_id"])
def test_any_mark_tells_where_rows_are(name: Any, in_tmp_path: Path) -> None:
    # Two rows of one token with the same number in succession would be one row for `segment_ids` of two packs.
    rows, lengths = packs()
    write_output(Path("packs"), table(rows, **mark(name, rows, lengths)), packing={"max_length": 200})
    convert("packs", "megatron", "out")
    assert [row.marks["seq_lengths"] for row in chatmill.open("out")] == lengths
    _, sequences, documents = read_pair("out/train_text_document")
    assert [len(it) for it in sequences] == [length for own in lengths for length in own]
    assert [end - start for start, end in pairwise(documents)] == [len(own) for own in lengths]


@pytest.mark.parametrize("second", OF_WEIGHTS)
@pytest.mark.parametrize("first", OF_WEIGHTS)
def test_weights_are_held(first: Any, second: Any, in_tmp_path: Path) -> None:
    rows = random_rows(40)
    weights = [[0.25 * (1 + at % 3) if trained else 0.0 for at, trained in enumerate(mask)] for _, mask in rows]
    write_output(Path("tokens"), table(rows, weights=pa.array(weights, pa.list_(pa.float32()))))
    convert("tokens", first, "one", shard_tokens=300)
    convert("one", second, "two")
    assert [row.weights for row in chatmill.open("two")] == weights
    assert opened("two") == rows
    if first == "megatron":
        kind, sequences, _ = read_pair("one/train_weights_document")
        assert (str(kind), [it.tolist() for it in sequences]) == ("float32", weights)


@pytest.mark.parametrize(
    ("layout", "size", "dtype"),
    [
        *[("megatron", 65499, "uint16"), ("megatron", 65500, "int32"), ("megatron", None, "int32")],
        *[("datatrove", 65536, "uint16"), ("datatrove", 65537, "uint32"), ("datatrove", None, "uint32")],
        *[("olmo", 65536, "uint16"), ("olmo", 65537, "uint32"), ("olmo", None, "uint32")],
    ],
)
def test_the_vocabulary_decides_the_type(layout: Any, size: int | None, dtype: str, in_tmp_path: Path) -> None:
    rows = random_rows(30, largest=65_400)
    write_output(Path("tokens"), table(rows))
    report = convert("tokens", layout, "out", vocabulary_size=size)
    assert ("ids take four bytes" in str(report)) == (size is None)
    assert json.loads(Path("out/_manifest.json").read_bytes())["layout"]["dtype"] == dtype
    assert opened("out") == READERS[layout](Path("out"), "train") == rows
    # The size stays in the manifest for the next conversion.
    convert("out", "megatron", "again")
    small = size is not None and size < 65500
    assert str(read_pair("again/train_text_document")[0]) == ("uint16" if small else "int32")


def test_the_vocabulary_of_the_output_is_used(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(3, largest=100)))
    Path("tokens/_tokenizer").mkdir()
    definition = {"model": {"vocab": {"a": 0, "b": 99}}, "added_tokens": [{"id": 100, "content": "<s>"}]}
    Path("tokens/_tokenizer/tokenizer.json").write_text(json.dumps(definition), "utf-8")
    convert("tokens", "megatron", "out")
    assert json.loads(Path("out/_manifest.json").read_bytes())["layout"]["vocabulary_size"] == 101
    assert str(read_pair("out/train_text_document")[0]) == "uint16"


@pytest.mark.parametrize("layout", ["parquet", "arrow", "hf", "mds"])
def test_other_columns_are_held(layout: Any, in_tmp_path: Path) -> None:
    rows = random_rows(20)
    more = {
        "id": pa.array([f"é{number}" for number in range(20)]),
        "score": pa.array([number / 2 for number in range(20)], pa.float64()),
        "row": pa.array(range(20), pa.int64()),
        "attention_mask": pa.array([[1] * len(ids) for ids, _ in rows], pa.list_(pa.int8())),
    }
    write_output(Path("tokens"), table(rows, **more), keep_columns=["id", "score"])
    convert("tokens", layout, "out", shard_tokens=100)
    convert("out", "parquet", "back")
    expected, found = pq.read_table("tokens"), pq.read_table("back")
    assert found.select(sorted(found.column_names)).equals(expected.select(sorted(expected.column_names)))
    report = convert("out", "megatron", "tokens-alone")
    for name in more:
        assert name in str(report).partition("holds tokens alone: ")[2].splitlines()[0]


@pytest.mark.parametrize("layout", ["parquet", "arrow", "hf", "mds"])
def test_prompts_with_answers(layout: Any, in_tmp_path: Path) -> None:
    lists = pa.list_(pa.int32())
    columns = {name: pa.array([[1, 2], [3]], lists) for name in ("prompt_ids", "chosen_ids", "rejected_ids")}
    write_output(Path("pairs"), pa.record_batch({**columns, "length": pa.array([6, 3], pa.int32())}))
    convert("pairs", layout, "out")
    rows = chatmill.open("out")
    found = pa.Table.from_batches(rows.batches()).to_pylist()
    assert [{name: row[name] for name in columns} for row in found] == pa.table(columns).to_pylist()
    with pytest.raises(chatmill.DataError, match=r"but no input_ids and labels; read its `batches\(\)`"):
        next(iter(rows))


def test_the_manifest_keeps_what_made_the_tokens(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(20)), max_length=77)
    before = json.loads(Path("tokens/_manifest.json").read_bytes())
    convert("tokens", "olmo", "out", shard_tokens=100)
    after = json.loads(Path("out/_manifest.json").read_bytes())
    for name in ("inputs", "template", "tokenizer"):
        assert after[name] == before[name]
    assert after["options"]["max_length"] == 77
    assert after["layout"]["name"] == chatmill.open("out").layout == "olmo"
    assert after["layout"]["source"]["layout"] == "parquet"
    listed = {it["file"] for key in ("shards", "layout_files") for it in after[key]}
    assert listed == {path.name for path in Path("out").iterdir()} - {"_manifest.json"}
    # The output is recognised as one of chatmill, so it may be replaced.
    convert("tokens", "mds", "out", overwrite=True)
    assert chatmill.open("out").layout == "mds"
    shutil.rmtree("tokens")
    assert repr(chatmill.open("out")) == "TokenRows('out', layout='mds', split='train', rows=20)"


def test_features_are_in_the_files_of_a_dataset(in_tmp_path: Path) -> None:
    write_output(Path("tokens"), table(random_rows(20)), table(random_rows(4)))
    convert("tokens", "hf", "out")
    metadata = pa.ipc.open_stream("out/train/train-00000.arrow").schema.metadata
    features = json.loads(metadata[b"huggingface"])["info"]["features"]
    assert features == json.loads(Path("out/train/dataset_info.json").read_bytes())["features"]
    assert list(features) == ["input_ids", "labels", "length"]


def test_no_layout_needs_numpy(in_tmp_path: Path) -> None:
    rows = random_rows(20)
    write_output(Path("tokens"), table(rows))
    code = f"""
import sys
sys.modules["numpy"] = None
import chatmill
for name in {LAYOUTS}:
    chatmill.convert("tokens", name, name)
    chatmill.convert(name, "parquet", name + "-back")
print(*(len(list(chatmill.open(name + "-back"))) for name in {LAYOUTS}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()) == ("", ["20"] * len(LAYOUTS))
    assert all(opened(f"{name}-back") == rows for name in LAYOUTS)
