"""Tests of `prepare` with `pack`: it writes the packs that `pack` makes of its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, pack, prepare, verify
from chatmill.cli.main import app
from click.testing import CliRunner
from format_rows import CHATML, TOKENIZER
from samples import conversation, write_rows

OPTIONS: dict[str, Any] = {"tokenizer": TOKENIZER, "template": CHATML}


@pytest.fixture(autouse=True)
def rows(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), [{**conversation(number), "id": number} for number in range(60)])
    with Path("rows.jsonl").open("a") as file:
        file.write("no JSON\n")


def prepared(**options: Any) -> None:
    """The folders `once` and `twice`: packs by one command, and by two."""
    trainer = options.pop("trainer", None)
    shared = {**OPTIONS, "max_rejected": 1, **options}
    report = prepare("rows.jsonl", output="once", pack=120, trainer=trainer, **shared)
    assert report.packs is not None
    assert report.rejected == 1
    assert report.packs.lines()[0] in str(report)
    prepare("rows.jsonl", output="tokens", **shared)
    pad_id = json.loads(Path("once/_manifest.json").read_text())["options"]["packing"]["pad_id"]
    pack("tokens", 120, "twice", trainer=trainer, pad_id=pad_id, shard_tokens=options.get("shard_tokens", 1 << 26))


@pytest.mark.parametrize("trainer", [None, "trl", "hf", "axolotl", "nemo"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": True, "seed": 3, "deduplicate": True},
        {"validation": 20, "shard_tokens": 800},
        {"keep_columns": ["id"], "attention_mask": True},
    ],
    ids=str,
)
def test_the_packs_are_those_of_pack(options: dict[str, Any], trainer: Any) -> None:
    prepared(trainer=trainer, **options)
    names = sorted(path.relative_to("twice") for path in Path("twice").rglob("*.parquet") if path.name[0] != "_")
    assert names == sorted(path.relative_to("once") for path in Path("once").rglob("*.parquet") if path.name[0] != "_")
    for name in names:
        assert Path("once", name).read_bytes() == Path("twice", name).read_bytes()
    assert not list(Path("once").rglob(".*"))
    assert len(Path("once/_rejects.jsonl").read_text().splitlines()) == 1
    for output in ("once", "twice"):
        report = verify(output)
        assert report.is_sound, str(report)


def test_an_output_of_arrow_files() -> None:
    prepared(trainer="llama-factory", pad_token="</s>")
    one, other = (pa.ipc.open_stream(next(Path(name).glob("*.arrow"))).read_all() for name in ("once", "twice"))
    assert one.equals(other)
    assert set(map(len, one["input_ids"].to_pylist())) == {120}
    assert verify("once").is_sound


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"padding": "longest", "pad_token": "</s>"}, "packs need no padded rows"),
        ({"to": "olmo"}, "the layout olmo would make one document of each pack"),
        ({"to": "hf", "trainer": "trl"}, r"`trainer` \(`--for`\) chooses the files that trl opens; leave out `to`"),
        ({"to": "megatron", "compression": "snappy"}, "the files of the layout megatron are not compressed"),
        ({"to": "nemo", "labels": "{turns: all, weights: {reasoning: 0.5}}"}, "the layout nemo holds no weights"),
        ({"trainer": "trl-dpo"}, "trl-dpo takes rows of pairs of answers"),
        ({"trainer": "llama-factory"}, "llama-factory needs packs that are filled up"),
        ({"pack": 0}, "max_length"),
        ({"trainer": "trl", "labels": "{turns: all, weights: {reasoning: 0.5}}"}, "reads no weights"),
    ],
    ids=str,
)
def test_what_cannot_be_packed(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        prepare("rows.jsonl", output="packs", max_rejected=1, **{**OPTIONS, "pack": 120, **options})
    assert sorted(path.name for path in Path().iterdir()) == ["rows.jsonl"]


def test_rows_of_answers() -> None:
    row = {"prompt": "Hi", "chosen": "Hello", "rejected": "No"}
    write_rows(Path("pairs.jsonl"), [row] * 3)
    with pytest.raises(DataError, match="rows of a prompt with answers cannot be packed"):
        prepare("pairs.jsonl", output="packs", pack=120, format="auto", **OPTIONS)


def test_the_command(tokenizer: Path) -> None:
    template = ("--tokenizer", str(tokenizer), "--template", "chatml")
    common = ["prepare", "rows.jsonl", *template, "--max-rejected", "1", "--pack", "120"]
    done = CliRunner().invoke(app, [*common, "--output", "packs", "--for", "trl"])
    assert done.exit_code == 0, done.output
    assert "packs of 120 tokens from 60 rows" in done.output
    assert "SFTConfig" in done.output
    assert pq.read_table("packs").column_names == ["input_ids", "labels", "seq_lengths"]
    done = CliRunner().invoke(app, [*common, "--output", "others", "--debug", "1"])
    assert done.exit_code == 2
    assert "--debug cannot print packs" in done.output
