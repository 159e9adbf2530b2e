"""Tests that `verify` finds packs that contradict their plan, their rows or themselves, with right checksums."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, pack
from chatmill.packing.seal import SEAL, UNSEALED, is_seal_right, seal
from samples import Row
from tampered_outputs import MakeSound, edit_rows, edit_table, kinds, manifest_of, seal_again, verified
from test_verify_rows import cut, put

PACKS = "train-00000.parquet"
Change = Callable[[list[Row]], object]


@pytest.mark.parametrize(
    ("name", "change", "kind", "problem"),
    [
        ("packs", put(1, "seq_lengths", 0, 1), "seq_lengths", f"{PACKS}, pack 1: seq_lengths does not tell"),
        ("packs", cut(1, "seq_lengths"), "seq_lengths", "does not tell where the rows of the plan are"),
        ("packs", put(1, "length", None, 1), "length", f"{PACKS}, pack 1: length is not the number of tokens"),
        ("packs", cut(1, "labels", "input_ids"), "pack_length", "another number of tokens than its rows in the plan"),
        ("packs", cut(1, "labels"), "list_lengths", "labels has another number of values"),
        ("packs", lambda rows: rows.pop(), "shard_rows", "rows, but the manifest lists"),
        ("packs", lambda rows: rows.reverse(), "pack_length", "another number of tokens than its rows in the plan"),
        ("packs", put(0, "input_ids", 1, 7), "tokens", "_packs.parquet, pack 0: it has other tokens than tokens 0 to "),
        ("packs with all marks", put(2, "position_ids", 4, 3), "position_ids", f"{PACKS}, pack 2, token 4"),
        ("packs with all marks", put(2, "cu_seqlens", 1, 8), "cu_seqlens", f"{PACKS}, pack 2: cu_seqlens"),
        ("packs with all marks", put(2, "segment_ids", 4, 9), "segment_ids", f"{PACKS}, pack 2, token 4"),
        ("packs with all marks", put(2, "segment_ids", -1, 1), "segment_ids", "does not number the rows from 1"),
        ("packs with all marks", put(2, "seq_start_id", 0, 1), "seq_start_id", f"{PACKS}, pack 2: seq_start_id"),
        (
            "packs with all marks",
            put(2, "loss_mask", 0, 1),
            "loss_mask",
            "whether the next token of the row is trained",
        ),
        ("packs with all marks", put(2, "input_ids", -1, 6), "padding_ids", "the id of padding is not 5"),
        ("packs with all marks", put(2, "labels", -1, 5), "padding_labels", "the label of padding is not -100"),
        ("packs of weights", put(0, "weights", 0, 1.0), "weights", "not 0 for a token without a label"),
        ("packs for axolotl", put(0, "attention_mask", 0, 0), "attention_mask", "attention_mask is not 1"),
        ("packs for nemo", put(0, "loss_mask", -1, 1), "loss_mask", "not 0 at the end of a row and in padding"),
        ("packs for nemo", put(0, "loss_mask", 2, 1), "tokens", "it has other tokens"),
        ("packs for nemo", put(0, "seq_start_id", 0, 3), "seq_start_id", "does not tell where the rows"),
        ("packs for hf", put(0, "position_ids", 0, 3), "position_ids", "do not restart at 0 with each row"),
    ],
    ids=lambda it: it if isinstance(it, str) and " " not in it else "",
)
def test_packs(name: str, change: Change, kind: str, problem: str, sound: MakeSound) -> None:
    output = sound(name)
    edit_rows(output, change, PACKS)
    report = verified(output)
    assert kind in kinds(report)
    assert "checksum" not in kinds(report)
    assert problem in str(report)


def test_packs_for_llama_factory(sound: MakeSound) -> None:
    output = sound("packs for llama-factory")
    edit_rows(output, put(0, "attention_mask", 0, 2), "train/train-00000.arrow")
    found = {fault.kind: fault.where for fault in verified(output).faults}
    assert found["attention_mask"] == "train/train-00000.arrow, pack 0, token 0"


def test_the_first_label_of_a_row(sound: MakeSound) -> None:
    output = sound("packs")
    first = pq.read_table(output / PACKS)["seq_lengths"][0][0].as_py()
    ids = pq.read_table(output / PACKS)["input_ids"][0][first].as_py()
    edit_rows(output, put(0, "labels", first, ids), PACKS)
    fault = next(fault for fault in verified(output).faults if fault.kind == "first_label")
    assert fault.where == f"{PACKS}, pack 0, token {first}"


def test_a_later_shard_is_compared_with_its_own_packs(sound: MakeSound) -> None:
    output = sound("packs")
    before = manifest_of(output)["shards"][0]["rows"]
    edit_rows(output, put(0, "input_ids", 1, 7), "train-00001.parquet")
    fault = next(fault for fault in verified(output).faults if fault.kind == "tokens")
    assert fault.where == f"_packs.parquet, pack {before}"


def column(name: str, change: Callable[[list[int]], object]) -> Callable[[pa.Table], pa.Table]:
    """Change the values of a column of a plan."""

    def changed(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        change(values)
        place = table.schema.get_field_index(name)
        field = table.schema.field(name)
        return table.set_column(place, field, pa.array(values, field.type)).replace_schema_metadata(
            table.schema.metadata
        )

    return changed


def set_at(at: int, value: int) -> Callable[[list[int]], None]:
    return lambda values: values.__setitem__(at, value)


PLAN_FAULTS: list[tuple[str, Callable[[pa.Table], pa.Table], str]] = [
    ("packs", column("stop", set_at(0, 0)), "plan_slice"),
    ("packs", column("row", set_at(0, 30)), "plan_row"),
    ("packs", column("pack", set_at(-1, 10)), "plan_pack"),
    ("packs", column("pack", set_at(0, 3)), "plan_order"),
    ("packs", column("stop", set_at(0, 900)), "plan_room"),
    ("packs", column("row", set_at(0, 5)), "plan_twice"),
    ("packs", column("start", set_at(0, 1)), "plan_gap"),
    ("packs", lambda table: table.slice(1), "plan_rows_there"),
    ("packs", lambda table: table.slice(1), "plan_figures"),
    ("packs", column("shard_row", set_at(0, 50)), "plan_shards"),
    ("packs", column("shard", set_at(0, 9)), "plan_shards"),
    ("packs", lambda table: table.drop_columns(["shard"]), "plan"),
    ("packs of ends", column("pack", lambda values: values.__setitem__(slice(0, 3), [0, 0, 0])), "plan_rows"),
    ("packs of ends", column("start", set_at(0, 40)), "plan_cut"),
    ("wrapped packs", column("stop", lambda values: values.__setitem__(0, values[0] - 1)), "plan_figures"),
]


@pytest.mark.parametrize(("name", "change", "kind"), PLAN_FAULTS, ids=lambda it: it if isinstance(it, str) else "")
def test_plans(name: str, change: Callable[[pa.Table], pa.Table], kind: str, sound: MakeSound) -> None:
    output = sound(name)
    edit_table(output, change, "_packs.parquet")
    report = verified(output)
    assert kind in kinds(report)
    assert "checksum" not in kinds(report)


@pytest.mark.parametrize("name", ["packs of split rows", "wrapped packs"])
def test_a_gap_in_a_row(name: str, sound: MakeSound) -> None:
    output = sound(name)

    def change(table: pa.Table) -> pa.Table:
        starts = table["start"].to_pylist()
        later = next(at for at, start in enumerate(starts) if start > 0)
        return column("start", set_at(later, starts[later] + 1))(table)

    edit_table(output, change, "_packs.parquet")
    assert "plan_gap" in kinds(verified(output))


@pytest.mark.parametrize("name", ["efficiency", "squared_lengths", "most_rows", "pieces", "empty_packs", "room"])
def test_figures_of_a_plan(name: str, sound: MakeSound) -> None:
    output = sound("packs")

    def change(manifest: Any) -> None:
        manifest["options"]["packing"]["report"]["train"][name] += 1

    seal_again(output, change)
    report = verified(output)
    assert kinds(report) == ["plan_figures"]
    assert f"the report says {name} " in str(report)


def test_a_number_of_packs_that_is_no_multiple(sound: MakeSound) -> None:
    output = sound("packs")
    seal_again(output, lambda it: it["options"]["packing"].__setitem__("multiple_of", 7))
    assert kinds(verified(output)) == ["plan_multiple"]


def test_rows_that_were_cut_or_dropped_are_counted(sound: MakeSound) -> None:
    """With the rows it is known which tokens packs lack."""
    for name, figure, other in (
        ("packs of ends", "cut_tokens", "tokens"),
        ("packs with fewer rows", "dropped_tokens", ""),
    ):
        output = sound(name)

        def change(manifest: Any, figure: str = figure) -> None:
            manifest["options"]["packing"]["report"]["train"][figure] += 1

        seal_again(output, change)
        assert "plan_tokens" in kinds(verified(output)), other


def test_a_plan_that_is_not_listed(sound: MakeSound) -> None:
    output = sound("packs")
    (output / "_packs.parquet").unlink()
    seal_again(output, lambda it: it.pop("packs"))
    assert kinds(verified(output)) == ["plan"]


def test_the_rows_that_were_packed(sound: MakeSound, tmp_path: Path) -> None:
    output = sound("packs")
    edit_rows(output, put(0, "input_ids", 1, 7), PACKS)
    assert kinds(verified(output)) == ["tokens"]
    shutil.move("out", "moved")
    report = verified(output)
    assert report.is_sound
    assert "out is not there; give the folder that was packed with `tokens` (`--tokens`)" in report.notes[-1]
    assert kinds(verified(output, tokens="moved")) == ["tokens"]
    shutil.copytree("moved", "out")
    content = (Path("out") / PACKS).read_bytes()
    (Path("out") / PACKS).write_bytes(content[:-1] + b"?")
    report = verified(output)
    assert report.is_sound
    assert "out has changed since it was packed" in report.notes[-1]
    found = verified(output, tokens="out")
    assert kinds(found) == ["tokens_folder"]
    with pytest.raises(DataError, match=r"there is no nowhere/_manifest\.json"):
        verified(output, tokens="nowhere")


def test_an_index(sound: MakeSound) -> None:
    plan = sound("index")
    report = verified(plan)
    assert (report.faults, report.rows) == ((), 10)
    about = json.loads(pq.read_schema(plan).metadata[b"chatmill"])

    def write(table: pa.Table, about: Any) -> None:
        table = table.replace_schema_metadata({"chatmill": json.dumps(about)})
        with pq.ParquetWriter(plan, table.schema) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({SEAL: UNSEALED})
        seal(plan)
        assert is_seal_right(plan)

    table = pq.read_table(plan)
    write(column("stop", set_at(0, 900))(table), about)
    assert "plan_room" in kinds(verified(plan))
    write(table.set_column(3, "stop", pc.subtract(table["stop"], 1).cast(pa.int32())), about)
    assert "plan_figures" in kinds(verified(plan))
    write(table, {**about, "align": "1"})
    assert kinds(verified(plan)) == ["field"]
    pq.write_table(table.replace_schema_metadata({"chatmill": json.dumps(about)}), plan)
    report = verified(plan)
    assert report.is_sound
    assert "earlier version" in report.notes[0]
    pq.write_table(pq.read_table("out/train-00000.parquet"), "rows.parquet")
    with pytest.raises(DataError, match=r"rows\.parquet is not a plan of chatmill"):
        verified(Path("rows.parquet"))


def test_an_index_of_rows_that_are_gone(sound: MakeSound) -> None:
    plan = sound("index")
    shutil.move("out", "moved")
    assert "out is not there" in verified(plan).notes[-1]
    assert verified(plan, tokens="moved").notes == ()
    pack("moved", 100, "other.parquet", index_only=True)
    assert verified(Path("other.parquet")).is_sound
