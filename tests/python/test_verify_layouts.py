"""Tests that `verify` finds forged rows, labels and boundaries in outputs of every layout, with right checksums."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chatmill import VerifyReport
from forged_layouts import Change, resize, rewrite
from samples import Row
from sound_outputs import LAYOUTS, OF_PACKS, OF_WEIGHTS
from tampered_outputs import MakeSound, kinds, manifest_of, seal_again, verified

ALL = ["parquet", *LAYOUTS]
# Their files can be read alone, and hold all columns.
OF_COLUMNS = ["parquet", "arrow", "hf", "mds"]
# The first file of rows, or what stands for all of them.
PLACES = {
    **dict.fromkeys(("parquet", "nemo"), "train-00000.parquet"),
    **dict.fromkeys(("arrow", "hf"), "train-00000.arrow"),
    **dict.fromkeys(("megatron", "mds", "datatrove", "olmo"), "split train"),
}


def forged(sound: MakeSound, name: str, change: Change, split: str = "train") -> VerifyReport:
    output = sound(name)
    rewrite(output, lambda _: None, split)
    assert verified(output).faults == ()
    rewrite(output, change, split)
    report = verified(output)
    # Nothing but the rows tells.
    assert not {"manifest", "checksum", "size", "foreign", "missing", "field"} & set(kinds(report))
    return report


def trained(row: Row) -> int:
    """The last trained token."""
    return max(at for at, label in enumerate(row["labels"]) if label != -100)


def mask(row: int) -> Change:
    """Remove the label of a token."""
    return lambda rows: rows[row]["labels"].__setitem__(trained(rows[row]), -100)


def put(row: int, at: int, token: int) -> Change:
    """Put another token in the place of one that is not trained."""

    def change(rows: list[Row]) -> None:
        assert rows[row]["labels"][at] == -100
        rows[row]["input_ids"][at] = token

    return change


def swap(rows: list[Row]) -> None:
    rows[0], rows[-1] = rows[-1], rows[0]


@pytest.mark.parametrize("layout", ALL)
def test_a_label_that_is_gone(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"turns to {layout}", mask(3))
    assert kinds(report) == ["counts"]
    assert "trained tokens of train: " in str(report)


@pytest.mark.parametrize("layout", OF_PACKS)
def test_a_label_of_a_pack_that_is_gone(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"packs to {layout}", mask(3))
    assert kinds(report) == ["tokens", "counts"]
    assert "but the packs: " in str(report)


@pytest.mark.parametrize("layout", OF_WEIGHTS)
def test_a_weighted_label_that_is_gone(layout: str, sound: MakeSound) -> None:
    def change(rows: list[Row]) -> None:
        rows[3]["weights"][trained(rows[3])] = 0.0
        mask(3)(rows)

    report = forged(sound, f"weights to {layout}", change)
    assert kinds(report) == ["counts"]
    assert "trained tokens of train: " in str(report)


@pytest.mark.parametrize("layout", OF_COLUMNS)
def test_a_label_of_another_token(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"turns to {layout}", lambda rows: rows[2]["labels"].__setitem__(-1, 7))
    assert "labels" in kinds(report)
    assert f"{PLACES[layout]}, row 2, token " in str(report)


@pytest.mark.parametrize("layout", ALL)
def test_an_id_that_is_too_large(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"turns to {layout}", put(2, 0, 300))
    (fault,) = report.faults
    assert (fault.kind, fault.where) == ("ids", f"{PLACES[layout]}, row 2, token 0")
    assert "no id from 0 to 259" in fault.problem


@pytest.mark.parametrize("layout", OF_PACKS)
def test_an_id_of_a_pack_that_is_too_large(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"packs to {layout}", put(1, 0, 300))
    found = {fault.kind: fault.where for fault in report.faults}
    assert found == {"ids": f"{PLACES[layout]}, pack 1, token 0", "tokens": "_packs.parquet, pack 1"}


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("layout", ALL)
def test_a_row_that_is_gone_or_there_twice(layout: str, split: str, sound: MakeSound) -> None:
    name = "shards" if split == "train" else "validation_shards"
    count = 25 if split == "train" else 5
    for change, found in ((list.pop, count - 1), (lambda rows: rows.append(rows[0]), count + 1)):
        report = forged(sound, f"validation to {layout}", change, split)
        assert f"rows of {name}: {found}, but the counts: {count}" in str(report)


@pytest.mark.parametrize("layout", OF_PACKS)
def test_a_pack_that_is_gone_or_there_twice(layout: str, sound: MakeSound) -> None:
    for change, found in ((list.pop, 9), (lambda rows: rows.append(rows[0]), 11)):
        report = forged(sound, f"packs to {layout}", change)
        assert f"rows of shards: {found}, but the packs of the report: 10" in str(report)


@pytest.mark.parametrize("layout", OF_COLUMNS)
def test_rows_that_changed_places(layout: str, sound: MakeSound) -> None:
    report = forged(sound, f"turns to {layout}", swap)
    assert kinds(report) == ["row_order"]


@pytest.mark.parametrize("layout", OF_PACKS)
def test_packs_that_changed_places(layout: str, sound: MakeSound) -> None:
    assert "pack_length" in kinds(forged(sound, f"packs to {layout}", swap))


@pytest.mark.parametrize("layout", ALL)
def test_a_row_that_lost_its_end(layout: str, sound: MakeSound) -> None:
    def change(rows: list[Row]) -> None:
        longest = max(rows, key=lambda row: len(row["input_ids"]))
        longest["input_ids"].pop()
        longest["labels"].pop()
        resize(longest)

    report = forged(sound, f"turns to {layout}", change)
    assert "tokens of shards: " in str(report)


@pytest.mark.parametrize("layout", ["megatron", "nemo", "mds"])
def test_a_pack_whose_rows_meet_elsewhere(layout: str, sound: MakeSound) -> None:
    def change(rows: list[Row]) -> None:
        lengths = rows[1]["seq_lengths"]
        lengths[0], lengths[1] = lengths[0] - 1, lengths[1] + 1

    report = forged(sound, f"packs to {layout}", change)
    kind = "seq_start_id" if layout == "nemo" else "seq_lengths"
    assert {fault.kind: fault.where for fault in report.faults}[kind] == f"{PLACES[layout]}, pack 1"


# The layout of NeMo does not hold these labels.
@pytest.mark.parametrize("layout", [it for it in OF_PACKS if it != "nemo"])
def test_the_first_label_of_a_row_in_a_pack(layout: str, sound: MakeSound) -> None:
    def change(rows: list[Row]) -> None:
        at = rows[0]["seq_lengths"][0]
        assert rows[0]["labels"][at] == -100
        rows[0]["labels"][at] = rows[0]["input_ids"][at]

    report = forged(sound, f"packs to {layout}", change)
    where = {fault.kind: fault.where for fault in report.faults}["first_label"]
    assert where.startswith(f"{PLACES[layout]}, pack 0, token ")


@pytest.mark.parametrize("layout", OF_WEIGHTS)
def test_a_weight(layout: str, sound: MakeSound) -> None:
    for name in ("weights", "packs of weights"):

        def change(rows: list[Row]) -> None:
            rows[1]["weights"][trained(rows[1])] = -1.0

        report = forged(sound, f"{name} to {layout}", change)
        unit = "pack" if "packs" in name else "row"
        assert {fault.kind: fault.where for fault in report.faults}["weights"].startswith(
            f"{PLACES[layout]}, {unit} 1, token "
        )


@pytest.mark.parametrize("layout", OF_PACKS)
def test_a_token_of_a_pack_that_its_row_does_not_have(layout: str, sound: MakeSound) -> None:
    """Also after a conversion, the rows that were packed are compared."""
    report = forged(sound, f"packs with validation to {layout}", put(0, 1, 9), "validation")
    (fault,) = report.faults
    assert (fault.kind, fault.where) == ("tokens", "_packs_validation.parquet, pack 0")


def patch(file: str, change: Callable[[bytearray], object]) -> Callable[[Path], None]:
    """Change bytes of a file."""

    def change_file(output: Path) -> None:
        content = bytearray((output / file).read_bytes())
        change(content)
        (output / file).write_bytes(content)

    return change_file


def add(kind: str, at: int, value: int) -> Callable[[bytearray], None]:
    """Add to a number in a file, counted from the end if its place is negative."""

    def change(content: bytearray) -> None:
        place = at % len(content)
        (old,) = struct.unpack_from(kind, content, place)
        struct.pack_into(kind, content, place, old + value)

    return change


def patch_lines(file: str, change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """Change the lines of a compressed file."""

    def change_file(output: Path) -> None:
        lines = gzip.decompress((output / file).read_bytes()).decode().splitlines()
        text = "".join(f"{line}\n" for line in change(lines))
        (output / file).write_bytes(gzip.compress(text.encode(), mtime=0))

    return change_file


def patch_index(output: Path) -> None:
    index = json.loads((output / "index.json").read_bytes())
    index["shards"].reverse()
    (output / "index.json").write_text(json.dumps(index))


TEXT, MASK = "train_text_document", "train_loss_mask_document"
OLMO = "token_ids_part_0000.csv.gz"
BOUNDARIES: list[tuple[str, Callable[[Path], None], str]] = [
    ("turns to megatron", patch(f"{TEXT}.idx", add("<i", 34, 1)), "does not follow the one before it"),
    ("turns to megatron", patch(f"{MASK}.idx", add("<i", 34, 1)), "have different bounds"),
    ("turns to megatron", patch(f"{TEXT}.idx", add("<q", -8, -1)), "have different bounds"),
    ("turns to megatron", patch(f"{TEXT}.idx", add("<q", -8, 1)), "a document that ends"),
    ("turns to megatron", patch(f"{TEXT}.idx", add("<q", -16, 9)), "a document that ends"),
    ("turns to megatron", patch(f"{TEXT}.idx", add("<Q", 18, 1)), "another size than its header says"),
    ("turns to megatron", patch(f"{TEXT}.idx", add("<B", 17, -4)), "other types than the manifest"),
    ("packs to megatron", patch(f"{TEXT}.idx", add("<q", -16, -1)), "have different bounds"),
    ("turns to datatrove", patch("train-00000.ds.index", add("<Q", -8, 1)), "more were expected"),
    ("turns to datatrove", patch("train-00000.ds.index", add("<Q", -8, -1)), "have other sizes than their index"),
    ("turns to datatrove", patch("train-00000.ds.index", add("<Q", 8, 9999)), "a row ends before it begins"),
    ("turns to datatrove", patch("train-00000.ds.index", add("<Q", 8, -80)), "a row ends before it begins"),
    ("turns to datatrove", patch("train-00000.ds.index", lambda it: it.pop()), "have other sizes than their index"),
    ("turns to datatrove", patch("train-00000.ds.metadata", lambda it: it.insert(-7, 49)), "does not describe the ids"),
    ("turns to olmo", patch_lines(OLMO, lambda it: [*it[:2], "1,2", *it[3:]]), "does not start where"),
    ("turns to olmo", patch_lines(OLMO, lambda it: [*it[:2], it[2] + "9", *it[3:]]), "does not start where"),
    ("turns to olmo", patch_lines(OLMO, lambda it: [*it[:-1], it[-1] + "9"]), "more were expected"),
    ("turns to olmo", patch_lines(OLMO, lambda it: it[:-1]), "another size than its bounds"),
    ("turns to olmo", patch_lines(OLMO, lambda it: [*it, it[-1].partition(",")[2]]), "cannot read the bounds beside"),
    ("turns to olmo", patch_lines(OLMO, lambda it: [it[0] + "0" * 99, *it[1:]]), "cannot read the bounds beside"),
    ("turns to mds", patch("shard.00000.mds", add("<I", 4, 1)), "cannot read the files of MDS in out"),
    ("turns to mds", patch("shard.00000.mds", add("<I", 8, 1)), "another size than its place"),
    ("turns to mds", patch("shard.00000.mds", add("<I", 0, 1)), "another number of samples"),
    ("turns to mds", patch_index, "other files than the manifest"),
]


@pytest.mark.parametrize(("name", "change", "problem"), BOUNDARIES)
def test_boundaries(name: str, change: Callable[[Path], None], problem: str, sound: MakeSound) -> None:
    output = sound(name)
    change(output)
    seal_again(output)
    (fault,) = verified(output).faults
    assert (fault.kind, fault.where) == ("unreadable", "split train")
    assert problem in fault.problem
    assert fault.problem.count("copy the output again") == 0


@pytest.mark.parametrize("layout", ["megatron", "mds", "datatrove", "olmo"])
def test_a_file_that_changed(layout: str, sound: MakeSound) -> None:
    """Rows are read only if all of their files are those that were written."""
    for record in manifest_of(sound(f"turns to {layout}"))["layout_files"]:
        output = sound(f"turns to {layout}")
        path = output / record["file"]
        path.write_bytes(path.read_bytes()[::-1])
        report = verified(output)
        assert (kinds(report), report.rows) == (["checksum"], 0)
        assert report.faults[0].where == record["file"]


@pytest.mark.parametrize("layout", ["megatron", "mds", "datatrove", "olmo"])
def test_a_file_that_the_manifest_does_not_list(layout: str, sound: MakeSound) -> None:
    for record in manifest_of(sound(f"turns to {layout}"))["layout_files"]:
        output = sound(f"turns to {layout}")

        def change(manifest: Any, name: str = record["file"]) -> None:
            manifest["layout_files"] = [it for it in manifest["layout_files"] if it["file"] != name]

        seal_again(output, change)
        found = {fault.kind: fault.where for fault in verified(output).faults}
        assert found == {"foreign": record["file"], "layout_files": record["file"]}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("turns to mds", ["name"], "litdata"),
        ("turns to mds", ["columns"], "input_ids"),
        ("turns to mds", ["columns", 0], 1),
        ("turns to mds", ["notes"], None),
        ("turns to mds", ["vocabulary_size"], "9"),
        ("turns to olmo", ["dtype"], "uint8"),
        ("turns to megatron", ["companion"], "../x"),
        ("turns to megatron", ["companion_dtype"], None),
        ("first labels to nemo", ["lost_labels"], [1]),
        ("validation to nemo", ["source"], "x"),
    ],
    ids=str,
)
def test_values_of_the_manifest(name: str, path: list[Any], value: Any, sound: MakeSound) -> None:
    output = sound(name)

    def change(manifest: Any) -> None:
        holder = manifest["layout"]
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value

    seal_again(output, change)
    report = verified(output)
    assert kinds(report) == ["field"]
    assert ".".join(["layout", *map(str, path)]) in report.faults[0].where


def test_labels_that_a_layout_does_not_hold_are_counted(sound: MakeSound) -> None:
    """Each row lost that of its first token, here and in what is made of it."""
    for name in ("first labels to nemo", "first labels to megatron"):
        output = sound(name)
        assert manifest_of(output)["layout"]["lost_labels"] == {"train": 30}
        seal_again(output, lambda it: it["layout"].pop("lost_labels"))
        assert "trained tokens of train: 2,712, but the counts: 2,742" in str(verified(output))


def test_rejects_stay_with_the_source(sound: MakeSound) -> None:
    output = sound("validation to mds")
    assert manifest_of(output)["counts"]["rejected"] > 0
    assert manifest_of(output)["rejects"] is None
