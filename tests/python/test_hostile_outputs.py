"""Tests that hostile manifests and files are a `DataError`, or faults of `verify`: no traceback, no hang, no crash."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, convert, pack, verify
from hostile_outputs import HOSTILE
from layout_rows import random_rows, table, write_output
from sound_outputs import LAYOUTS, OF_PACKS
from tampered_outputs import MakeSound, edit_table, kinds, manifest_of, seal_again, verified


def read_all(folder: Path) -> int:
    """Read all rows of an output, as Python values if they have labels."""
    count = 0
    for rows in chatmill.open(folder).splits.values():
        has_labels = {"input_ids", "labels"} <= set(rows.schema.names)
        count += len(list(rows)) if has_labels else sum(batch.num_rows for batch in rows.batches())
    return count


def tried(action: Callable[[], object]) -> bool:
    """Whether an action works. Any other error than a `DataError` fails the test."""
    try:
        action()
    except DataError:
        return False
    return True


NAMES = [f"turns to {it}" for it in ("parquet", *LAYOUTS)] + [f"packs to {it}" for it in ("parquet", *OF_PACKS)]


@pytest.mark.parametrize("name", [*NAMES, "validation to mds", "first labels to nemo", "datasets", "packs for nemo"])
def test_random_changes(name: str, sound: MakeSound) -> None:
    chance = random.Random(name)
    output = sound(name)
    shutil.copytree(output, "kept")
    results = []
    for _ in range(25):
        what = chance.choice(HOSTILE)(output, chance)
        to = chance.choice(["parquet", "hf", "megatron", "nemo", "mds"])
        try:
            results.append(tried(lambda: verify(output)))
            results.append(tried(lambda: read_all(output)))
            results.append(tried(lambda to=to: convert(output, to, "new", overwrite=True)))  # type: ignore[misc]
        except Exception as error:
            raise AssertionError(what) from error
        shutil.rmtree(output)
        shutil.copytree("kept", output)
    assert {True, False} == set(results)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["shards", 0, "file"], "../train-00000.parquet"),
        (["shards", 0, "file"], "/etc/hostname"),
        (["shards", 0, "file"], 5),
        (["shards", 0, "file"], "train-00000.parquet\0"),
        (["shards", 0, "rows"], None),
        (["shards", 0, "rows"], -1),
        (["shards", 0, "rows"], True),
        (["shards", 0, "rows"], 10**30),
        (["shards", 0, "tokens"], "9"),
        (["shards", 0, "bytes"], {}),
        (["shards", 0], []),
        (["shards"], []),
        (["shards"], {"file": "x"}),
        (["packs"], 1),
        (["tokenizer_files"], [{"file": "_tokenizer/../../x.json", "rows": 1}]),
        (["layout_files"], [None]),
        (["options"], 1),
        (["options", "keep_columns"], [1]),
        (["options", "trainer"], "trl"),
        (["tokenizer"], None),
        (["tokenizer", "vocabulary_size"], -5),
        (["layout"], {"name": "mds", "vocabulary_size": "9"}),
    ],
    ids=str,
)
def test_values_of_the_manifest(path: list[Any], value: Any, sound: MakeSound) -> None:
    output = sound("plain")

    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = value

    seal_again(output, change)
    for action in (lambda: chatmill.open(output), lambda: convert(output, "hf", "new"), lambda: pack("out", 300, "p")):
        with pytest.raises(
            DataError, match=r"in out/_manifest.json is missing, or is not a value that chatmill writes"
        ):
            action()
    assert not verified(output).is_sound


def test_rows_that_no_file_could_hold(sound: MakeSound) -> None:
    """`list` would make room for them before it reads one."""
    for name in ("turns to olmo", "turns to parquet"):
        output = sound(name)
        seal_again(output, lambda it: it["shards"][0].__setitem__("rows", 1 << 40))
        with pytest.raises(DataError, match="rows, more than files of"):
            chatmill.open(output)
        assert not verified(output).is_sound


def test_rows_of_the_inputs_that_may_not_be_there(sound: MakeSound) -> None:
    """`verify` takes a byte for each of them, but not for a trillion."""
    output = sound("turns to arrow")
    seal_again(output, lambda it: (it["counts"].update(rows_in=10**12), it["inputs"][0].update(rows=10**12)))
    (fault,) = verified(output).faults
    assert fault.kind == "counts"


def test_a_split_with_other_columns(sound: MakeSound) -> None:
    output = sound("validation to parquet")
    edit_table(
        output, lambda it: it.rename_columns(["ids", *it.column_names[1:]]), "validation/validation-00000.parquet"
    )
    assert "columns" in kinds(verified(output))
    with pytest.raises(DataError, match="has files with other columns than the first one"):
        convert(output, "megatron", "new")


def test_a_line_without_an_end(sound: MakeSound) -> None:
    """A compressed file of 100 kB can hold a line of 100 MB."""
    output = sound("turns to olmo")
    path = output / "token_ids_part_0000.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 10**8, 9))
    assert path.stat().st_size < 200_000
    seal_again(output)
    assert kinds(verified(output)) == ["unreadable"]
    with pytest.raises(DataError, match="cannot read the bounds beside"):
        read_all(output)


@pytest.mark.parametrize("number", [1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
@pytest.mark.parametrize("place", [18, 26])
def test_numbers_of_an_index_of_megatron(place: int, number: int, sound: MakeSound) -> None:
    output = sound("turns to megatron")
    path = output / "train_text_document.idx"
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, place, number)
    path.write_bytes(content)
    seal_again(output)
    assert kinds(verified(output)) == ["unreadable"]
    with pytest.raises(DataError, match="another size than its header says"):
        chatmill.open(output).schema  # noqa: B018


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"labels": [[5]]}, "labels has another number of values than input_ids"),
        ({"labels": [[5, None]]}, "the column labels has nulls"),
        ({"labels": [None]}, "the column labels has nulls"),
        ({"input_ids": ["ab"]}, "the column input_ids has the type string"),
        ({"input_ids": [[5.0, 6.0]]}, "the column input_ids has the type list"),
        ({"length": [None]}, "the column length is no column of numbers"),
        ({"seq_lengths": [[1]]}, "the marks of a pack do not tell where its rows are"),
        ({"seq_lengths": [[3, -1]]}, "the marks of a pack do not tell where its rows are"),
        ({"cu_seqlens": [[0, 2**31 - 1, -(2**31)]]}, "the marks of a pack do not tell where its rows are"),
        ({"position_ids": [[0]]}, "position_ids has another number of values"),
    ],
    ids=str,
)
def test_columns_that_contradict_each_other(columns: dict[str, Any], problem: str, in_tmp_path: Path) -> None:
    """They would be written as other rows, without an error."""
    rows = table([([5, 6], [False, True])])
    lists = pa.list_(pa.int32())
    made = {
        name: pa.array(
            it, pa.int32() if name == "length" else None if problem.startswith("the column input") else lists
        )
        for name, it in columns.items()
    }
    marks = {} if made.keys() & {"seq_lengths", "cu_seqlens", "position_ids"} else {"seq_lengths": [[2]]}
    others = {name: rows[name] for name in rows.schema.names if name not in made}
    batch = pa.record_batch({**others, **made, **{name: pa.array(it, lists) for name, it in marks.items()}})
    write_output(Path("packs"), table([([5, 6], [False, True])]), packing={"max_length": 9})
    pq.write_table(pa.table(batch), "packs/train-00000.parquet")
    manifest = manifest_of(Path("packs"))
    manifest["shards"][0]["bytes"] = Path("packs/train-00000.parquet").stat().st_size
    manifest["shards"][0]["sha256"] = None
    Path("packs/_manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(DataError, match=problem):
        convert("packs", "megatron", "out")


def test_a_kept_column_may_have_any_name_and_type(in_tmp_path: Path) -> None:
    rows = random_rows(3)
    write_output(Path("tokens"), table(rows, weights=pa.array(["a", None, "b"])), keep_columns=["weights"])
    convert("tokens", "arrow", "out")
    assert [row.columns["weights"] for row in chatmill.open("out")] == ["a", None, "b"]
