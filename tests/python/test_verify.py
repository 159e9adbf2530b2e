"""Tests of `verify` and `chatmill verify`: sound outputs pass, and changed files and manifests are found."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chatmill import DataError, pack, prepare, verify
from chatmill.cli.main import app
from chatmill.outputs.manifest import manifest_bytes, seal_of, write_manifest
from click.testing import CliRunner
from format_rows import CHATML, TOKENIZER
from sound_outputs import SOUND
from tampered_outputs import MANIFEST, MakeSound, kinds, manifest_of, seal_again, verified

sys.path.insert(0, str(Path(__file__).parents[1] / "attacks"))

import corruptions


@pytest.mark.parametrize("name", SOUND)
def test_sound_outputs_pass(name: str, sound: MakeSound) -> None:
    output = sound(name)
    report = verified(output)
    assert report.faults == ()
    assert report.is_sound
    assert "sound" in str(report)
    unknown = [note for note in report.notes if "vocabulary" not in note]
    assert unknown == []
    if output.is_dir():
        manifest = manifest_of(output)
        shards = [*manifest["shards"], *manifest.get("validation_shards", ())]
        assert report.rows == sum(shard["rows"] for shard in shards)
        assert report.tokens == sum(shard["tokens"] for shard in shards)
        assert report.files == len([path for path in output.rglob("*") if path.is_file()])


def test_random_corruptions_are_found() -> None:
    """The whole attack is `tests/attacks/corruptions.py`."""
    names = ["kept columns and rejects", "llama-factory with validation", "packs with all marks", "index"]
    with corruptions.sound_outputs(names) as made:
        taken, missed = corruptions.corrupt(made, 60, seed=7)
    assert missed == []
    assert sum(taken.values()) == 60


@pytest.mark.parametrize("name", ["kept columns and rejects", "index"])
def test_any_flipped_byte_is_found(name: str, sound: MakeSound) -> None:
    """Each byte of the manifest, and of the plan: also where no other check reads it."""
    output = sound(name)
    path = output if output.is_file() else output / MANIFEST
    content = path.read_bytes()
    for at in range(0, len(content), 1 if output.is_file() else 3):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        assert corruptions.findings(output.resolve()), at
    path.write_bytes(content)
    assert corruptions.findings(output.resolve()) == ""


def test_a_manifest_has_a_checksum_of_itself(sound: MakeSound) -> None:
    content = (sound("plain") / MANIFEST).read_bytes()
    manifest = json.loads(content)
    assert list(manifest)[-1] == "sha256"
    assert manifest["sha256"] == seal_of(manifest)
    assert manifest_bytes(manifest) == content


def test_white_space_of_the_manifest(sound: MakeSound) -> None:
    output = sound("plain")
    (output / MANIFEST).write_text(json.dumps(manifest_of(output)), "utf-8")
    report = verified(output)
    assert kinds(report) == ["manifest"]
    assert "white space" in str(report)


def test_a_manifest_of_an_earlier_version(sound: MakeSound) -> None:
    """It has no checksum of itself, which is no fault."""
    output = sound("plain")
    manifest = manifest_of(output)
    del manifest["sha256"]
    (output / MANIFEST).write_bytes(manifest_bytes(manifest))
    report = verified(output)
    assert report.is_sound
    assert any("earlier version" in note for note in report.notes)
    manifest["sha25v"] = "0" * 64
    (output / MANIFEST).write_bytes(manifest_bytes(manifest))
    assert "it has a key that chatmill does not write: 'sha25v'" in str(verified(output))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"format": 1}', b"[" * 100_000])
def test_a_manifest_that_is_none(content: bytes, sound: MakeSound) -> None:
    output = sound("plain")
    (output / MANIFEST).write_bytes(content)
    report = verified(output)
    assert not report.is_sound
    assert "files and rows" in report.notes[-1]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("plain", ["format"], 2),
        ("plain", ["created"], "yesterday"),
        ("plain", ["inputs", 0, "rows"], "30"),
        ("plain", ["options", "keep_columns"], None),
        ("plain", ["shards"], []),
        ("plain", ["shards", 0, "sha256"], "abc"),
        ("plain", ["shards", 0, "file"], "../train-00000.parquet"),
        ("plain", ["counts", "tokens"], -1),
        ("plain", ["counts", "rejected_by_reason"], []),
        ("shuffled", ["counts", "arranged", "datasets", 0, "rows"], None),
        ("packs", ["options", "packing", "align"], "1"),
        ("packs", ["options", "packing", "align"], 0),
        ("packs", ["options", "packing", "max_length"], 1 << 70),
        ("packs", ["options", "packing", "report", "train", "packs"], None),
        ("datasets", ["parts", 0, "options"], 1),
    ],
    ids=str,
)
def test_values_of_the_manifest(name: str, path: list[Any], value: Any, sound: MakeSound) -> None:
    output = sound(name)
    manifest = manifest_of(output)
    holder = manifest
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    write_manifest(output, manifest)
    report = verified(output)
    assert kinds(report) == ["field"]
    if path[-1] != "file":
        assert ".".join(map(str, path)) in report.faults[0].where


@pytest.mark.parametrize(
    ("name", "path", "problem"),
    [
        ("plain", ["inputs", 0, "rows"], "rows of all inputs: 31, but counts.rows_in: 30"),
        ("plain", ["counts", "rows_in"], "rows of all inputs: 30, but counts.rows_in: 31"),
        ("kept columns and rejects", ["counts", "rejected"], "counts.rows_in: 37, but accepted and rejected rows: 38"),
        ("kept columns and rejects", ["counts", "rejected_by_reason", "wrong_type"], "counts.rejected: 2"),
        ("kept columns and rejects", ["rejects", "rows"], "rows of rejects: 3, but counts.rejected: 2"),
        ("plain", ["counts", "samples"], "rows of shards: 30, but the counts: 31"),
        ("plain", ["counts", "tokens"], "tokens of shards: 2,742, but the counts: 2,743"),
        ("plain", ["counts", "trained_tokens"], "trained tokens of train: "),
        ("plain", ["counts", "untrained"], "untrained samples: 0, but counts.untrained: 1"),
        ("plain", ["counts", "lengths", "90"], "the lengths of the samples"),
        ("plain", ["shards", 1, "rows"], "rows of shards: 31, but the counts: 30"),
        ("plain", ["shards", 1, "tokens"], "tokens of shards: 2,743, but the counts: 2,742"),
        ("duplicates", ["counts", "arranged", "duplicates"], "duplicates of all datasets: 9, but"),
        (
            "duplicates",
            ["counts", "arranged", "datasets", 0, "rows"],
            "rows of all datasets: 40, but counts.samples: 39",
        ),
        ("validation", ["counts", "arranged", "validation", "rows"], "validation rows of all datasets: 5, but"),
        ("validation", ["counts", "arranged", "training", "tokens"], "tokens of both splits: "),
        ("validation", ["counts", "trained_tokens"], "trained_tokens of both splits: "),
        ("packs with validation", ["counts", "tokens"], "tokens of both splits: 2,742, but counts.tokens: 2,743"),
        ("datasets", ["counts", "arranged", "datasets", 1, "training"], "training rows of all datasets"),
        ("datasets", ["parts", 0, "files"], "files of parts: 3, but inputs: 2"),
        (
            "packs",
            ["options", "packing", "report", "train", "packs"],
            "rows of shards: 10, but the packs of the report",
        ),
        ("packs", ["options", "packing", "report", "train", "rows"], "packed rows: 31, but the counts: 30"),
        ("packs", ["options", "packing", "report", "train", "cut_tokens"], "packed, dropped and cut tokens"),
    ],
    ids=str,
)
def test_counts_of_the_manifest(name: str, path: list[Any], problem: str, sound: MakeSound) -> None:
    output = sound(name)

    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] += 1

    seal_again(output, change)
    report = verified(output)
    assert "counts" in kinds(report)
    assert "manifest" not in kinds(report)
    assert problem in str(report)


def test_weights_of_datasets(sound: MakeSound) -> None:
    output = sound("datasets")
    seal_again(output, lambda it: it["arrangement"]["weights"].__setitem__(0, 2.0))
    assert "training rows of dataset 0" in str(verified(output))


@pytest.mark.parametrize(
    ("kind", "where", "change"),
    [
        ("missing", "train-00001.parquet", lambda out: (out / "train-00001.parquet").unlink()),
        ("missing", "_rejects.jsonl", lambda out: (out / "_rejects.jsonl").unlink()),
        ("foreign", "notes.txt", lambda out: (out / "notes.txt").write_text("x")),
        ("foreign", "sub/.hidden", lambda out: ((out / "sub").mkdir(), (out / "sub/.hidden").touch())),
        ("foreign", "train-00009.parquet", lambda out: (out / "train-00009.parquet").touch()),
        ("size", "train-00000.parquet", lambda out: os.truncate(out / "train-00000.parquet", 100)),
        ("checksum", "train-00000.parquet", lambda out: _flip(out / "train-00000.parquet")),
        ("checksum", "_rejects.jsonl", lambda out: _flip(out / "_rejects.jsonl")),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_files(kind: str, where: str, change: Callable[[Path], object], sound: MakeSound) -> None:
    output = sound("rejects in parts")
    change(output)
    report = verified(output)
    assert [(fault.kind, fault.where, fault.count) for fault in report.faults] == [(kind, where, 1)]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_faults_of_one_kind_are_counted(sound: MakeSound) -> None:
    output = sound("rejects in parts")
    shards = sorted(output.glob("*.parquet"))
    assert len(shards) > 2
    for shard in shards:
        _flip(shard)
    (fault,) = verified(output).faults
    assert (fault.where, fault.count) == ("train-00000.parquet", len(shards))
    assert f"({len(shards)} places; this is the first)" in str(fault)


def test_a_link_to_the_same_content_and_a_lock_are_no_faults(sound: MakeSound) -> None:
    output = sound("plain")
    shutil.move(output / "train-00000.parquet", "elsewhere.parquet")
    (output / "train-00000.parquet").symlink_to(Path("elsewhere.parquet").resolve())
    (output / ".chatmill-0123456789abcdef.lock").touch()
    assert verified(output).is_sound


def test_shards_that_are_listed_twice_or_in_another_order(sound: MakeSound) -> None:
    output = sound("plain")
    seal_again(output, lambda it: it["shards"].append(it["shards"][0]))
    assert "listed_twice" in kinds(verified(output))
    output = sound("plain")
    seal_again(output, lambda it: it["shards"].reverse())
    assert "shard_order" in kinds(verified(output))


def test_lines_of_other_files(sound: MakeSound) -> None:
    output = sound("llama-factory")
    seal_again(output, lambda it: it["dataset_files"][0].__setitem__("rows", 1))
    assert kinds(verified(output)) == ["lines"]


@pytest.mark.parametrize("name", ["dataset_info.json", "state.json"])
def test_the_description_of_arrow_files(name: str, sound: MakeSound) -> None:
    output = sound("llama-factory")
    text = (output / name).read_text()
    (output / name).write_text(text.replace("train-00000.arrow", "train-00001.arrow").replace("int8", "int32"))
    assert (output / name).read_text() != text
    seal_again(output)
    (fault,) = verified(output).faults
    assert (fault.kind, fault.where) == ("dataset_files", name)
    (output / name).unlink()
    seal_again(
        output, lambda it: it.__setitem__("dataset_files", [f for f in it["dataset_files"] if f["file"] != name])
    )
    assert kinds(verified(output)) == ["dataset_files"]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("reject_form", lambda lines: [lines[0][:-3] + "\n", lines[1]]),
        ("reject_form", lambda lines: ["{}\n", lines[1]]),
        ("reject_file", lambda lines: [lines[0].replace("rows.jsonl", "others.jsonl"), lines[1]]),
        ("reject_order", lambda lines: [lines[0], lines[0]]),
        ("reject_order", lambda lines: lines[::-1]),
        ("reject_counts", lambda lines: [lines[0].replace("wrong_type", "wrong_typo"), lines[1]]),
    ],
)
def test_rejects(kind: str, change: Callable[[list[str]], list[str]], sound: MakeSound) -> None:
    output = sound("kept columns and rejects")
    lines = (output / "_rejects.jsonl").read_text("utf-8").splitlines(keepends=True)
    (output / "_rejects.jsonl").write_text("".join(change(lines)), "utf-8")
    seal_again(output)
    report = verified(output)
    assert kind in kinds(report)
    assert report.faults[0].where.startswith("_rejects.jsonl")


def test_no_output(in_tmp_path: Path) -> None:
    Path("mine").mkdir()
    Path("web").mkdir()
    Path("web/manifest.json").write_text('{"name": "an extension"}')
    Path("other.parquet").write_bytes(b"PAR1")
    Path("rows.jsonl").write_text("{}")
    for place in ("nowhere", "mine", "web", "other.parquet", "rows.jsonl"):
        with pytest.raises(DataError, match="give "):
            verify(place)


def test_tokens_are_for_packs(sound: MakeSound) -> None:
    with pytest.raises(DataError, match=r"`tokens` \(`--tokens`\) is for packs, but out has rows; leave it out"):
        verify(sound("plain"), tokens="out")


def test_the_command(sound: MakeSound) -> None:
    output = sound("packs")
    run = CliRunner().invoke(app, ["verify", str(output)])
    assert (run.exit_code, run.output.splitlines()[-1].partition(" (")[0]) == (0, "packs: sound")
    assert CliRunner().invoke(app, ["verify", str(output), "--quiet", "--tokens", "out"]).output == ""
    _flip(output / "train-00000.parquet")
    run = CliRunner().invoke(app, ["verify", str(output), "-q"])
    assert run.exit_code == 1
    assert run.output.startswith(
        "train-00000.parquet: its content has changed since chatmill wrote it; copy the output"
    )
    run = CliRunner().invoke(app, ["verify", "nowhere"])
    assert run.exit_code == 1
    assert "nowhere is not an output of chatmill" in run.output


def test_an_output_that_is_packed_again_has_one_checksum(in_tmp_path: Path) -> None:
    """The manifest of packs takes over that of the rows, but not its checksum."""
    output = SOUND["packs"]()
    assert list(manifest_of(output)).count("sha256") == 1
    pack("out", 100, "again")
    assert verified(Path("again")).is_sound
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, shuffle=True, output="out", overwrite=True)
    assert verified(Path("again")).notes[-1].startswith("whether packs have the tokens of their rows: out is not the")
