"""Tests of `pack` and `chatmill pack`: packs of a finished output have its tokens, and trainers open them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from chatmill import DataError, PackPlan, PackRows, pack, prepare
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from chatmill.outputs.manifest import recorded_files
from chatmill.packing.source import TokenSource
from click.testing import CliRunner
from format_rows import CHATML, TOKENIZER
from samples import Row, conversation, write_rows

COUNT = 60


@pytest.fixture
def tokens(in_tmp_path: Path) -> pa.Table:
    """The rows of an output in the folder `tokens`, in several shards."""
    write_rows(Path("rows.jsonl"), rows())
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output="tokens", shard_tokens=1500, keep_columns=["id"])
    assert len(list(Path("tokens").glob("train-*.parquet"))) > 2
    return pq.read_table("tokens")


def rows() -> list[Row]:
    return [{**conversation(number), "id": number} for number in range(COUNT)]


def sequences(packs: pa.Table) -> list[list[tuple[list[int], list[int]]]]:
    """The rows of packs with their labels, cut at `seq_lengths`."""
    found = []
    for one in packs.to_pylist():
        parts, start = [], 0
        for length in one["seq_lengths"]:
            end = start + length
            parts.append((one["input_ids"][start:end], one["labels"][start:end]))
            start = end
        assert start == len(one["input_ids"]) == len(one["labels"]) == one["length"]
        found.append(parts)
    return found


def expected(tokens: pa.Table, plan: PackPlan) -> list[list[tuple[list[int], list[int]]]]:
    values = tokens.select(["input_ids", "labels"]).to_pylist()
    return [
        [
            (values[row]["input_ids"][start:stop], [-100, *values[row]["labels"][start + 1 : stop]])
            for row, start, stop in it
        ]
        for it in plan.packs()
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strategy": "bfd_split"},
        {"strategy": "wrapped"},
        {"strategy": "sequential", "seed": 3},
        {"strategy": "knapsack", "max_rows": 2, "truncation": "drop"},
        {"group_size": 7, "truncation": "keep_end"},
    ],
    ids=str,
)
def test_packs_have_the_tokens_of_the_rows(options: dict[str, Any], tokens: pa.Table) -> None:
    report = pack("tokens", 120, "packs", shard_tokens=1000, **options)
    plan = PackPlan.of(tokens["length"], 120, **options)
    assert len(list(Path("packs").glob("train-*.parquet"))) > 2
    assert sequences(pq.read_table("packs")) == expected(tokens, plan)
    index = pq.read_table("packs/_packs.parquet")
    assert index.select(["pack", "row", "start", "stop"]).to_pydict() == plan.table.to_pydict()
    assert report.splits["train"].efficiency == plan.efficiency
    assert f"{len(plan):,} packs of 120 tokens from 60 rows" in str(report)


def test_the_index_names_shards_and_copies_no_token(tokens: pa.Table) -> None:
    before = sorted(Path("tokens").iterdir())
    pack("tokens", 120, "plan.parquet", index_only=True)
    assert sorted(Path("tokens").iterdir()) == before
    index = pq.read_table("plan.parquet")
    plan = PackPlan.of(tokens["length"], 120)
    assert index.select(["pack", "row", "start", "stop"]).to_pydict() == plan.table.to_pydict()
    about = json.loads(index.schema.metadata[b"chatmill"])
    assert about["max_length"] == 120
    ids = tokens["input_ids"].to_pylist()
    shards = [pq.read_table(Path("tokens", it["file"]))["input_ids"].to_pylist() for it in about["tokens"]["shards"]]
    for place in index.to_pylist():
        assert shards[place["shard"]][place["shard_row"]] == ids[place["row"]]
    with pytest.raises(DataError, match=r"plan.parquet exists; choose another name, or overwrite it"):
        pack("tokens", 120, "plan.parquet", index_only=True)
    pack("tokens", 64, "plan.parquet", index_only=True, overwrite=True)
    with pytest.raises(DataError, match=r"give a name that ends in \.parquet"):
        pack("tokens", 120, "plan", index_only=True)
    assert not [path for path in Path.cwd().iterdir() if path.name.startswith(".")]


def test_an_index_replaces_nothing_else(tokens: pa.Table) -> None:
    before = {path: path.read_bytes() for path in Path("tokens").iterdir()}
    for place in ("tokens/train-00000.parquet", "tokens/plan.parquet"):
        with pytest.raises(DataError, match="lies in the folder tokens, which is read; choose another"):
            pack("tokens", 120, place, index_only=True, overwrite=True)
    assert {path: path.read_bytes() for path in Path("tokens").iterdir()} == before
    pq.write_table(tokens, "mine.parquet")
    content = Path("mine.parquet").read_bytes()
    with pytest.raises(DataError, match=r"mine\.parquet is not an index of chatmill, so it is not overwritten"):
        pack("tokens", 120, "mine.parquet", index_only=True, overwrite=True)
    assert Path("mine.parquet").read_bytes() == content
    with pytest.raises(DataError, match="there is no folder nowhere for the index"):
        pack("tokens", 120, "nowhere/plan.parquet", index_only=True)


def test_an_index_is_complete_or_not_there(tokens: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    pack("tokens", 120, "plan.parquet", index_only=True)
    content = Path("plan.parquet").read_bytes()

    def fail(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chatmill.packing.index.sync_file", fail)
    with pytest.raises(OSError, match="No space left"):
        pack("tokens", 64, "plan.parquet", index_only=True, overwrite=True)
    assert Path("plan.parquet").read_bytes() == content
    assert not [path for path in Path.cwd().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("how", ["byte", "cut", "swapped", "gone"])
def test_a_shard_that_was_changed(how: str, tokens: pa.Table) -> None:
    shard, other = Path("tokens/train-00001.parquet"), Path("tokens/train-00000.parquet")
    content = shard.read_bytes()
    changed = {
        "byte": content[:100] + bytes([content[100] ^ 1]) + content[101:],
        "cut": content[:-1],
        "swapped": other.read_bytes(),
    }
    if how == "gone":
        shard.unlink()
    else:
        shard.write_bytes(changed[how])
    with pytest.raises(DataError, match=r"train-00001\.parquet (was changed after it was written|is missing)"):
        pack("tokens", 120, "packs")
    assert not Path("packs").exists()


def test_a_shard_that_changes_during_the_run(tokens: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    open_rows = TokenSource.open_rows

    def change(source: TokenSource, folder: Path, plan: PackPlan) -> PackRows:
        opened = open_rows(source, folder, plan)
        rows = pq.read_table(source.paths[0])
        pq.write_table(rows.take(list(range(rows.num_rows))[::-1]), source.paths[0])
        return opened

    monkeypatch.setattr(TokenSource, "open_rows", change)
    with pytest.raises(DataError, match=r"train-00000\.parquet was changed after it was written"):
        pack("tokens", 120, "packs")
    assert not Path("packs").exists()


def test_what_packs_leave_out_is_said(tokens: pa.Table) -> None:
    report = pack("tokens", 120, "packs")
    assert report.left_out == ("id",)
    assert "left out, because packs hold tokens alone: id" in str(report)


def test_the_tokenizer_of_an_output_comes_along(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), rows())
    Path("config.yaml").write_text(
        "datasets: [{path: rows.jsonl, type: chat_template}]\nchat_template: chatml\ntokens: [<|x|>]"
    )
    prepare_config("config.yaml", tokenizer=TOKENIZER, output="tokens")
    pack("tokens", 120, "packs")
    for path in Path("tokens/_tokenizer").iterdir():
        assert Path("packs/_tokenizer", path.name).read_bytes() == path.read_bytes()
    pack("tokens", 64, "packs", overwrite=True)


def test_the_manifest_lists_all_files_and_the_output_is_replaced(tokens: pa.Table) -> None:
    pack("tokens", 120, "packs")
    manifest = json.loads(Path("packs/_manifest.json").read_text())
    files = recorded_files(Path("packs/_manifest.json").read_bytes())
    assert files is not None
    assert {file.file for file in files} | {"_manifest.json"} == {path.name for path in Path("packs").iterdir()}
    packing = manifest["options"]["packing"]
    assert (packing["max_length"], packing["strategy"], packing["marks"]) == (120, "bfd", ["seq_lengths"])
    assert packing["report"]["train"]["rows"] == COUNT
    assert manifest["tokenizer"] == json.loads(Path("tokens/_manifest.json").read_text())["tokenizer"]
    with pytest.raises(DataError, match=r"packs already exists|overwrite"):
        pack("tokens", 64, "packs")
    pack("tokens", 64, "packs", overwrite=True)
    assert max(pq.read_table("packs")["length"].to_pylist()) <= 64
    Path("packs/train-00000.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="changed since chatmill wrote"):
        pack("tokens", 32, "packs", overwrite=True)


@pytest.mark.parametrize(
    ("trainer", "columns"),
    [
        ("trl", ["input_ids", "labels", "seq_lengths"]),
        ("hf", ["input_ids", "labels", "position_ids"]),
        ("axolotl", ["input_ids", "attention_mask", "labels", "position_ids"]),
        ("llama-factory", ["input_ids", "attention_mask", "labels", "position_ids"]),
        ("nemo", ["input_ids", "seq_start_id", "loss_mask"]),
    ],
)
def test_trainers(trainer: Any, columns: list[str], tokens: pa.Table) -> None:
    report = pack("tokens", 120, "packs", trainer=trainer, pad_id=0)
    lines = report.how_to_train
    if trainer == "llama-factory":
        found = datasets.load_from_disk("packs").to_list()
        assert {len(one["input_ids"]) for one in found} == {120}
    else:
        found = pq.read_table("packs").to_pylist()
    assert list(found[0]) == columns
    plan = PackPlan.of(tokens["length"], 120, shifted=trainer == "nemo")
    ids = tokens["input_ids"].to_pylist()
    labels = tokens["labels"].to_pylist()
    for one, places in zip(found, plan.packs(), strict=True):
        own = [ids[row][start:stop] for row, start, stop in places]
        joined = [token for part in own for token in part]
        assert one["input_ids"][: len(joined)] == joined
        if "position_ids" in columns:
            assert one["position_ids"][: len(joined)] == [at for part in own for at in range(len(part))]
        if trainer == "axolotl":
            assert one["attention_mask"] == [1] * len(joined)
        if trainer == "llama-factory":
            padding = [0] * (120 - len(joined))
            assert one["attention_mask"] == [number for number, part in enumerate(own, 1) for _ in part] + padding
            assert one["labels"][len(joined) :] == [-100] * len(padding)
        if trainer == "nemo":
            assert one["seq_start_id"] == [sum(map(len, own[:at])) for at in range(len(own))]
            assert sum(len(part) - 1 for part in own) <= 120
            masks = [
                [int(label != -100) for label in [*labels[row][start + 1 : stop], -100]] for row, start, stop in places
            ]
            assert one["loss_mask"] == [it for mask in masks for it in mask]
    if trainer in ("axolotl", "llama-factory"):
        config = yaml.safe_load(lines)
        assert config.get("sequence_len", config.get("cutoff_len")) == 120
    else:
        compile(lines, "lines", "exec")
        assert "packs/train-*.parquet" in lines


def test_rows_for_validation_are_packed_alone(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), rows())
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output="tokens", validation=20, seed=1)
    report = pack("tokens", 120, "packs")
    assert {split: it.rows for split, it in report.splits.items()} == {"train": 40, "validation": 20}
    for split in ("train", "validation"):
        before = pq.read_table(f"tokens/{split}")
        assert sequences(pq.read_table(f"packs/{split}")) == expected(before, PackPlan.of(before["length"], 120))
    found = datasets.load_dataset("parquet", data_dir="packs", cache_dir="cache")
    assert {split: len(part) for split, part in found.items()} == {
        split: it.packs for split, it in report.splits.items()
    }
    with pytest.raises(DataError, match="an index holds one split"):
        pack("tokens", 120, "plan.parquet", index_only=True)


LAST_ID = TOKENIZER.vocabulary_size - 1


def test_the_last_id_can_be_padding(tokens: pa.Table) -> None:
    pack("tokens", 120, "packs", pad_id=LAST_ID, pad_to_max_length=True)
    assert any(ids[-1] == LAST_ID for ids in pq.read_table("packs")["input_ids"].to_pylist())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_length": 0}, "`max_length` must be a whole number from 1"),
        (
            {"trainer": "trl", "marks": ["position_ids"]},
            "chooses the columns that mark rows; leave out `marks` (`--mark`)",
        ),
        ({"trainer": "trl-dpo"}, "trl-dpo takes rows of pairs of answers, which cannot be packed; use one of trl, hf"),
        ({"trainer": "ms-swift"}, "ms-swift opens no tokens"),
        ({"trainer": "trll"}, "did you mean 'trl'?"),
        ({"trainer": "llama-factory"}, "give the id of the pad token with `pad_id` (`--pad-id`)"),
        ({"marks": ["seq_length"]}, '`marks` is "seq_length"; did you mean `seq_lengths`?'),
        ({"align": 8}, "`align` (`--align`) needs padding; give the id of the pad token with `pad_id` (`--pad-id`)"),
        ({"pad_to_max_length": True}, "`pad_to_max_length` (`--pad-to-max-length`) needs padding; give the id of the"),
        ({"multiple_of": 64}, "`multiple_of` (`--multiple-of`) needs padding; give the id of the pad token with"),
        *(
            ({**options, "pad_id": pad_id}, f"is {pad_id}, but tokenizer has the ids 0 to {LAST_ID}; give the id of")
            for pad_id in (LAST_ID + 1, 99_999_999, -1)
            for options in ({"pad_to_max_length": True}, {}, {"output": "plan.parquet", "index_only": True})
        ),
        ({"strategy": "wrapped", "truncation": "drop"}, '`strategy` "wrapped" splits longer rows, so `truncation`'),
        ({"strategy": "bfd_split", "truncation": "raise"}, '`truncation` "raise" has no effect; leave it out, or use'),
        ({"truncation": "raise", "max_length": 8}, "row 0 has "),
        (
            {"output": "tokens/packs"},
            "the output tokens/packs lies in the folder tokens, which is read; choose another",
        ),
        ({"output": "tokens", "overwrite": True}, "the output tokens is the folder tokens, which is read; choose"),
        ({"tokens": "rows.jsonl"}, "rows.jsonl is a file; give a folder that `chatmill prepare` made"),
        ({"tokens": "nowhere"}, "there is no nowhere/_manifest.json"),
        ({"tokens": "packed"}, "packed holds packs; pack the output from which they were made"),
        ({"tokens": "padded"}, "padded holds padding; prepare it without `--padding`"),
        ({"tokens": "for_nemo"}, "for_nemo has no labels, because it was made for NeMo, which reads a mask in their"),
        ({"tokens": "for_llama"}, "for_llama has the files of LLaMA-Factory; pack an output that was prepared without"),
    ],
    ids=str,
)
def test_what_cannot_be_packed(options: dict[str, Any], problem: str, tokens: pa.Table) -> None:
    made: dict[str, dict[str, Any]] = {
        "padded": {"padding": "longest", "pad_token": "<s>"},
        "for_nemo": {"trainer": "nemo"},
        "for_llama": {"trainer": "llama-factory"},
    }
    source = options.get("tokens", "tokens")
    if source == "packed":
        pack("tokens", 120, "packed")
    elif source in made:
        prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output=source, **made[source])
    with pytest.raises(DataError) as caught:
        pack(**{"tokens": "tokens", "max_length": 120, "output": "out", **options})
    assert problem in str(caught.value)
    assert not Path("out").exists()
    assert not [path for path in Path.cwd().iterdir() if path.name.startswith(".")]


def test_padding_aligns_rows(tokens: pa.Table) -> None:
    pack("tokens", 120, "packs", align=8, pad_id=5, multiple_of=4, pad_to_max_length=True, marks=["segment_ids"])
    packs = pq.read_table("packs").to_pylist()
    assert len(packs) % 4 == 0
    plan = PackPlan.of(tokens["length"], 120, align=8, multiple_of=4)
    for one, places in zip(packs, plan.packs(), strict=True):
        assert len(one["input_ids"]) == one["length"] == 120
        segments = []
        for number, (_, start, stop) in enumerate(places, 1):
            segments += [number] * (stop - start) + [0] * (-(stop - start) % 8)
        assert one["segment_ids"] == segments + [0] * (120 - len(segments))
        padding = [at for at, segment in enumerate(one["segment_ids"]) if segment == 0]
        assert {one["input_ids"][at] for at in padding} <= {5}
        assert {one["labels"][at] for at in padding} <= {-100}


def test_weights_are_packed(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), rows())
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output="tokens", labels={"weights": {"content": 0.5}})
    before = pq.read_table("tokens")
    pack("tokens", 120, "packs")
    packs = pq.read_table("packs").to_pylist()
    weights = before["weights"].to_pylist()
    for one, places in zip(packs, PackPlan.of(before["length"], 120).packs(), strict=True):
        assert one["weights"] == [it for row, start, stop in places for it in [0, *weights[row][start + 1 : stop]]]
    with pytest.raises(DataError, match="trl reads no weights of tokens"):
        pack("tokens", 120, "other", trainer="trl")


def test_the_command(tokens: pa.Table) -> None:
    run = CliRunner().invoke(
        app, ["pack", "tokens", "--max-length", "120", "-o", "packs", "--for", "trl", "--seed", "1"]
    )
    assert run.exit_code == 0, run.output
    assert "packs of 120 tokens from 60 rows" in run.output
    assert "padding_free=True" in run.output
    assert pq.read_table("packs").column_names == ["input_ids", "labels", "seq_lengths"]
    command = ["pack", "tokens", "--max-length", "120", "-o", "more", "--mark", "position_ids", "--mark", "cu_seqlens"]
    assert CliRunner().invoke(app, [*command, "--quiet"]).output == ""
    assert pq.read_table("more").column_names == ["input_ids", "labels", "position_ids", "cu_seqlens", "length"]
    wrong = CliRunner().invoke(app, [*command, "--strategy", "bfd_spli"], env={"COLUMNS": "200"})
    assert wrong.exit_code == 2
    assert "did you mean 'bfd_split'?" in wrong.output
    wrong = CliRunner().invoke(app, ["pack", "tokens", "--max-length", "8", "-o", "x", "--truncation", "raise"])
    assert wrong.exit_code == 1
    assert not os.path.lexists("x")


def test_no_rows(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), rows())
    prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output="tokens")
    report = pack("tokens", 5, "packs", truncation="drop")
    assert report.splits["train"].packs == 0
    assert "; no row is in a pack, so there is nothing to train" in report.lines()[0]
    assert "full" not in str(report)
    assert pq.read_table("packs").column_names == ["input_ids", "labels", "seq_lengths", "length"]
