"""Tests that `verify` finds rows that contradict themselves or the manifest, where all checksums were made right."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import prepare
from format_rows import CHATML, TOKENIZER
from samples import Row, conversation, write_rows
from tampered_outputs import MANIFEST, MakeSound, edit_rows, edit_table, kinds, manifest_of, seal_again, verified

Change = Callable[[list[Row]], object]


def put(row: int, name: str, at: int | None, value: Any) -> Change:
    """Put a value into a row, or into its list."""

    def change(rows: list[Row]) -> None:
        if at is None:
            rows[row][name] = value
        else:
            rows[row][name][at] = value

    return change


def cut(row: int, *names: str) -> Change:
    """Remove the last value of lists."""
    return lambda rows: [rows[row][name].pop() for name in names]


def pad_right(rows: list[Row]) -> None:
    """Move the padding of the first row to its right."""
    row = rows[0]
    for name in ("input_ids", "labels", "attention_mask", "position_ids", "weights"):
        padding = len(row[name]) - row["length"]
        assert padding > 0
        row[name] = row[name][padding:] + row[name][:padding]


TRL = "train-00000.parquet"


@pytest.mark.parametrize(
    ("name", "change", "kind", "problem"),
    [
        ("plain", put(3, "labels", -1, 7), "labels", f"{TRL}, row 3, token "),
        ("plain", put(2, "input_ids", 0, -1), "ids", f"{TRL}, row 2, token 0: input_ids has a number that is no id"),
        ("plain", put(4, "length", None, 1), "length", f"{TRL}, row 4: length is not the number of tokens"),
        ("plain", put(4, "length", None, None), "nulls", f"{TRL}, row 4: length has no value"),
        ("plain", put(1, "labels", None, None), "nulls", f"{TRL}, row 1: labels has no value"),
        ("plain", put(1, "labels", 5, None), "nulls", "a list of labels in this row, or after it, has no value"),
        (
            "plain",
            cut(5, "labels"),
            "list_lengths",
            f"{TRL}, row 5: labels has another number of values than input_ids",
        ),
        ("plain", cut(5, "labels", "input_ids"), "length", f"{TRL}, row 5: length is not the number of tokens"),
        ("plain", lambda rows: rows.pop(), "shard_rows", "rows, but the manifest lists"),
        ("plain", lambda rows: rows.append(rows[0]), "shard_tokens", "tokens, but the manifest lists"),
        ("trl", cut(5, "labels"), "list_lengths", "labels has another number of values"),
        ("trl", cut(5, "labels", "input_ids"), "shard_tokens", "tokens, but the manifest lists"),
        ("axolotl", put(0, "attention_mask", 3, 0), "attention_mask", "train/train-00000.parquet, row 0, token 3"),
        ("masks and positions", put(1, "attention_mask", 3, 0), "attention_mask", f"{TRL}, row 1, token 3"),
        ("masks and positions", put(1, "attention_mask", 3, 3), "attention_mask", "1 for tokens and 0 for padding"),
        ("masks and positions", put(1, "position_ids", 3, 4), "position_ids", "do not number the tokens from 0"),
        ("padded to the longest", put(0, "labels", -1, 258), "padding_labels", "the padding of labels is not -100"),
        ("padded to the longest", put(0, "input_ids", -1, 9), "padding_ids", "padding has more than one id"),
        ("padded to the longest", put(0, "position_ids", -1, 9), "position_ids", "do not number"),
        ("padded to the longest", put(0, "attention_mask", -1, 1), "attention_mask", "0 for padding"),
        ("padded to the longest", put(0, "length", None, 10_000), "length", "length is not the number of tokens"),
        ("padded on the left", put(0, "labels", 0, 258), "padding_labels", f"{TRL}, row 0, token 0: the padding of"),
        ("padded on the left", put(0, "input_ids", 0, 9), "padding_ids", "padding has more than one id"),
        ("padded on the left", put(0, "weights", 0, 1.0), "padding_weights", "the padding of weights is not 0"),
        ("padded on the left", put(0, "position_ids", 0, 1), "position_ids", "do not number"),
        ("padded on the left", put(0, "position_ids", -1, 0), "position_ids", "do not number"),
        ("padded on the left", put(0, "attention_mask", 0, 1), "attention_mask", "0 for padding"),
        ("padded on the left", put(0, "attention_mask", -1, 0), "attention_mask", "1 for tokens"),
        ("padded on the left", pad_right, "attention_mask", f"{TRL}, row 0, token 0: attention_mask is not 1"),
        (
            "padded to a multiple",
            cut(0, "input_ids", "labels", "attention_mask"),
            "width",
            f"{TRL}, row 0: the row is not padded to a multiple of 64 tokens",
        ),
        (
            "padded on the left to a multiple",
            cut(2, "input_ids", "labels", "attention_mask"),
            "width",
            "the row is not padded to the length of all rows",
        ),
        (
            "padded to a length",
            cut(2, "input_ids", "labels", "attention_mask"),
            "width",
            "the row is not padded to the length of all rows",
        ),
        ("weights", put(0, "weights", 0, 0.5), "weights", f"{TRL}, row 0, token 0: the weight is negative"),
        ("weights", put(0, "weights", -2, -1.0), "weights", "the weight is negative"),
        ("weights", put(0, "weights", -2, math.nan), "weights", "the weight is negative, not a number"),
        ("weights and padding", put(0, "weights", -1, 1.0), "padding_weights", "the padding of weights is not 0"),
        ("split rows", put(3, "row", None, 30), "row", f"{TRL}, row 3: row is not one of the 30 input rows"),
        ("split rows", put(9, "row", None, 0), "row_order", f"{TRL}, row 9: row is before that of an earlier sample"),
        ("one sample a turn", put(0, "row", None, 3), "rows", "different rows are there, but the manifest counts 30"),
        ("tokens", put(0, "labels", 1, -7), "labels", "the label is neither -100 nor an id"),
        ("steps", put(0, "labels", 3, 2), "labels", "the label is not -100, 0 or 1"),
        ("nemo", put(2, "loss_mask", 3, 2), "loss_mask", f"{TRL}, row 2, token 3: loss_mask is not 0 or 1"),
        ("nemo", put(2, "loss_mask", -1, 1), "loss_mask_end", "loss_mask trains a token after the last one"),
        ("nemo", put(2, "seq_start_id", 0, 1), "seq_start_id", f"{TRL}, row 2: seq_start_id is not [0]"),
        ("nemo", put(2, "seq_start_id", None, [0, 0]), "seq_start_id", f"{TRL}, row 2: seq_start_id is not [0]"),
        ("nemo", cut(2, "loss_mask"), "list_lengths", "loss_mask has another number of values"),
        (
            "pairs",
            put(2, "length", None, 1),
            "length",
            f"{TRL}, row 2: length is not the number of tokens of the prompt",
        ),
        ("pairs", put(2, "chosen_ids", None, []), "empty_answer", f"{TRL}, row 2: chosen_ids has no tokens"),
        ("pairs", put(2, "prompt_ids", 0, -5), "ids", f"{TRL}, row 2, token 0: prompt_ids has a number that is no id"),
        ("trl-dpo", cut(2, "chosen_ids"), "shard_tokens", "tokens, but the manifest lists"),
        ("one answer", put(1, "completion_ids", None, None), "nulls", "completion_ids has no value"),
    ],
    ids=lambda it: it if isinstance(it, str) and " " not in it else "",
)
def test_rows(name: str, change: Change, kind: str, problem: str, sound: MakeSound) -> None:
    output = sound(name)
    file = "train/train-00000.parquet" if name == "axolotl" else TRL
    edit_rows(output, change, file)
    report = verified(output)
    assert kind in kinds(report)
    assert "checksum" not in kinds(report)
    assert "manifest" not in kinds(report)
    assert problem in str(report)


def test_arrow_files(sound: MakeSound) -> None:
    output = sound("llama-factory with validation")
    file = "validation/validation-00000.arrow"
    edit_rows(output, put(1, "labels", 0, 3), file)
    found = {fault.kind: fault.where for fault in verified(output).faults}
    assert found["labels"] == f"{file}, row 1, token 0"


def test_rows_of_one_kind_of_fault_are_counted(sound: MakeSound) -> None:
    output = sound("plain")

    def change(rows: list[Row]) -> None:
        for row in rows[2:6]:
            row["labels"][-1] = row["labels"][-2] = 7

    edit_rows(output, change)
    fault = next(fault for fault in verified(output).faults if fault.kind == "labels")
    assert fault.where.startswith(f"{TRL}, row 2, token ")
    assert fault.count == 4


def test_a_label_that_is_masked_is_missing_in_the_counts(sound: MakeSound) -> None:
    output = sound("plain")

    def change(rows: list[Row]) -> None:
        labels = rows[0]["labels"]
        labels[next(at for at, label in enumerate(labels) if label != -100)] = -100

    edit_rows(output, change)
    (fault,) = verified(output).faults
    assert fault.kind == "counts"
    assert fault.problem.startswith("trained tokens of train: ")


def test_rows_that_are_longer_than_the_limit(sound: MakeSound) -> None:
    output = sound("split rows")

    def change(rows: list[Row]) -> None:
        rows[0].update(input_ids=[1] * 61, labels=[-100] * 61, length=61)

    edit_rows(output, change)
    fault = next(fault for fault in verified(output).faults if fault.kind == "max_length")
    assert (fault.where, fault.problem) == (f"{TRL}, row 0", "the row is longer than 60 tokens")


def test_a_row_whose_number_is_gone(sound: MakeSound) -> None:
    """Samples moved from one input row to another, in order and with right counts."""
    output = sound("split and shuffled")
    number = 2

    def change(rows: list[Row]) -> None:
        for row in rows:
            if row["row"] == number:
                row["row"] = number + 1

    for path in sorted(output.glob("*/*.parquet")):
        edit_rows(output, change, path.relative_to(output).as_posix())
    assert kinds(verified(output)) == ["rows"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda table: table.drop_columns(["labels"]), "the column labels is missing"),
        (lambda table: table.append_column("extra", table["length"]), "the column extra is not one that the manifest"),
        (
            lambda table: table.set_column(0, "input_ids", table["input_ids"].cast(pa.list_(pa.int64()))),
            "the column input_ids has the type list<",
        ),
        (
            lambda table: table.set_column(2, "length", table["length"].cast(pa.int64())),
            "the column length has the type int64",
        ),
        (lambda table: table.drop_columns(["id"]), "it has other columns than the files before it"),
    ],
)
def test_columns(change: Callable[[pa.Table], pa.Table], problem: str, sound: MakeSound) -> None:
    output = sound("split rows")
    edit_table(output, change, "train-00001.parquet" if "other columns" in problem else TRL)
    (fault,) = verified(output).faults
    assert fault.kind == "columns"
    assert fault.problem.startswith(problem)


def test_a_file_that_is_no_parquet(sound: MakeSound) -> None:
    output = sound("plain")
    for name in (TRL, "train-00001.parquet"):
        content = (output / name).read_bytes()
        (output / name).write_bytes(bytes(100) + content[100:])
        seal_again(output)
        found = verified(output)
        assert kinds(found) == ["unreadable"]
        assert found.faults[0].where == name
        (output / name).write_bytes(b"no parquet")
        seal_again(output)
        assert kinds(verified(output)) == ["unreadable"]
        (output / name).write_bytes(content)
        seal_again(output)


def test_damaged_arrow_files_are_no_crash(sound: MakeSound) -> None:
    """Offsets that lead out of a file, which Arrow does not check by itself."""
    output = sound("llama-factory")
    path = output / "train-00000.arrow"
    content = path.read_bytes()
    for at in range(0, len(content), 97):
        path.write_bytes(content[:at] + b"\xff" * 4 + content[at + 4 :])
        seal_again(output)
        verified(output)


@pytest.mark.parametrize(("name", "size"), [("plain", 120), ("pairs", 120), ("tokens", 9)])
def test_ids_beyond_the_vocabulary(name: str, size: int, sound: MakeSound) -> None:
    """The manifest may tell the number of ids."""
    output = sound(name)
    seal_again(output, lambda it: it["tokenizer"].__setitem__("vocabulary_size", 1000))
    report = verified(output)
    assert report.is_sound
    assert report.notes == ()
    seal_again(output, lambda it: it["tokenizer"].__setitem__("vocabulary_size", size))
    assert f"no id from 0 to {size - 1}" in str(verified(output)) or "neither -100 nor an id" in str(verified(output))


def test_ids_beyond_the_saved_tokenizer(sound: MakeSound) -> None:
    output = sound("datasets")
    file = "train/train-00000.parquet"
    edit_rows(output, put(1, "input_ids", 0, 100_000), file)
    fault = next(fault for fault in verified(output).faults if fault.kind == "ids")
    assert fault.where == f"{file}, row 1, token 0"
    path = output / "_tokenizer" / "tokenizer.json"
    path.write_text("{}\n")
    seal_again(
        output, lambda it: [f.update(rows=1) for f in it["tokenizer_files"] if f["file"].endswith("/tokenizer.json")]
    )
    assert "tokenizer" in kinds(verified(output))


def test_an_output_without_right_files_is_not_read(sound: MakeSound) -> None:
    """What has changed is not parsed, so nothing is said about its rows."""
    output = sound("kept columns and rejects")
    (output / TRL).write_bytes(b"x" * (output / TRL).stat().st_size)
    report = verified(output)
    assert (kinds(report), report.rows) == (["checksum"], 0)
    assert manifest_of(output)["counts"]["samples"] == 35
    assert (output / MANIFEST).exists()


def test_kept_columns_have_any_name(in_tmp_path: Path) -> None:
    """A kept column `weights` is no column of chatmill."""
    write_rows(Path("kept.jsonl"), [{**conversation(1), "weights": "x", "row": "y"}])
    prepare("kept.jsonl", tokenizer=TOKENIZER, template=CHATML, output="kept", keep_columns=["weights", "row"])
    assert verified(Path("kept")).is_sound


def test_rows_that_are_there_twice(sound: MakeSound) -> None:
    """In place of another row of the same length, with right counts."""
    output = sound("validation")
    found = pq.read_table(output / "train" / "train-00000.parquet").to_pylist()
    shape = [(row["length"], sum(label != -100 for label in row["labels"])) for row in found]
    one, other = next((a, b) for b in range(len(shape)) for a in range(b) if shape[a] == shape[b])

    def change(rows: list[Row]) -> None:
        rows[other] = rows[one]

    edit_rows(output, change, "train/train-00000.parquet")
    (fault,) = verified(output).faults
    assert (fault.kind, fault.where) == ("duplicates", f"train/train-00000.parquet, row {other}")
