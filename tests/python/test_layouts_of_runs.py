"""Outputs of `prepare` and `pack` in other layouts: those for each trainer, with its columns and marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chatmill
import pyarrow.parquet as pq
import pytest
from chatmill import Labels, convert, pack, prepare
from chatmill.cli.main import app
from click.testing import CliRunner
from folders import write_byte_tokenizer
from format_rows import CHATML, PAIR, TOKENIZER
from layout_rows import READERS, Tokens, opened, read_pair
from samples import conversation, write_rows

TRAINERS: list[Any] = [None, "trl", "hf", "axolotl", "llama-factory", "nemo"]


@pytest.fixture
def inputs(in_tmp_path: Path) -> str:
    write_rows(Path("rows.jsonl"), [{**conversation(number), "id": number} for number in range(40)])
    return "rows.jsonl"


def prepared(inputs: str, output: str, **options: Any) -> list[Tokens]:
    prepare(inputs, tokenizer=TOKENIZER, template=CHATML, output=output, shard_tokens=900, **options)
    return opened(output)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_outputs_for_trainers(trainer: Any, inputs: str) -> None:
    expected = prepared(inputs, "tokens", validation=5)
    assert prepared(inputs, "own", validation=5, trainer=trainer) == expected
    layout = {"nemo": "nemo", "llama-factory": "hf"}.get(trainer, "parquet")
    assert chatmill.open("own").layout == layout
    for to in READERS:
        convert("own", to, to, shard_tokens=1100)
        assert opened(to) == expected
        assert (
            opened(to, "validation")
            == opened("tokens", "validation")
            == READERS[to](Path(to, "validation"), "validation")
        )


@pytest.mark.parametrize("trainer", TRAINERS)
def test_packs_for_trainers(trainer: Any, inputs: str) -> None:
    prepared(inputs, "tokens", keep_columns=["id"], labels="all")
    pack("tokens", 240, "packs", trainer=trainer, pad_id=0 if trainer == "llama-factory" else None)
    pack("tokens", 240, "plain", pad_id=0, pad_to_max_length=trainer == "llama-factory")
    if trainer == "nemo":  # it counts rows with a token less
        (Path("plain")).rename("others")
        pack("tokens", 240, "same", trainer="nemo")
        convert("same", "parquet", "plain")
    rows = list(chatmill.open("plain"))
    lengths = [row.marks["seq_lengths"] for row in rows]
    assert max(map(len, lengths)) > 2
    assert [(row.input_ids, row.mask) for row in rows] == opened("packs")
    for to in ("arrow", "hf", "mds"):
        convert("packs", to, to)
        assert [row.marks for row in chatmill.open(to)] == [row.marks for row in chatmill.open("packs")]
    of_tokens: list[Any] = ["megatron", "nemo"]
    for to in of_tokens:
        convert("packs", to, to)
        assert [row.marks["seq_lengths"] for row in chatmill.open(to)] == lengths
        assert opened(to) == opened("packs")
    sequences = [len(it) for it in read_pair("megatron/train_text_document")[1]]
    assert sequences == [length for own in lengths for length in own]
    assert Path("mds/_packs.parquet").read_bytes() == Path("packs/_packs.parquet").read_bytes()


def test_rows_of_one_layout_are_packed_after_a_conversion(inputs: str) -> None:
    prepared(inputs, "tokens")
    convert("tokens", "megatron", "megatron")
    convert("megatron", "parquet", "back")
    for source in ("tokens", "back"):
        pack(source, 240, f"{source}-packs", seed=3)
    names = ["input_ids", "labels", "seq_lengths"]
    one, other = (pq.read_table(f"{source}-packs", columns=names) for source in ("tokens", "back"))
    assert one.equals(other)


def test_weights_and_preferences(inputs: str) -> None:
    weighted = Labels(roles=["user", "assistant"], weights={"content": 0.5, "closer": 2})
    prepared(inputs, "tokens", labels=weighted)
    weights = [row.weights for row in chatmill.open("tokens")]
    assert {0.0, 0.5, 2.0} <= {it for row in weights for it in row or ()}
    convert("tokens", "megatron", "megatron")
    assert [row.weights for row in chatmill.open("megatron")] == weights
    write_rows(Path("pairs.jsonl"), [PAIR] * 3)
    prepare("pairs.jsonl", tokenizer=TOKENIZER, template=CHATML, output="pairs", format="preference")
    convert("pairs", "hf", "pairs-hf")
    assert [it.to_pylist() for it in chatmill.open("pairs-hf").batches()] == [
        it.to_pylist() for it in chatmill.open("pairs").batches()
    ]


def test_steps_are_refused_at_once(in_tmp_path: Path) -> None:
    row = {"prompt": "1+1", "completions": ["2", "3"], "labels": [True, False]}
    write_rows(Path("rows.jsonl"), [row])
    prepare("rows.jsonl", tokenizer=TOKENIZER, output="tokens", format="stepwise_supervised")
    with pytest.raises(chatmill.DataError, match="the labels of these rows judge steps"):
        convert("tokens", "megatron", "out")
    convert("tokens", "mds", "out")
    assert [row.labels for row in chatmill.open("out")] == [row.labels for row in chatmill.open("tokens")]


@pytest.mark.parametrize("layout", list(READERS))
def test_prepare_writes_a_layout(layout: Any, inputs: str) -> None:
    expected = prepared(inputs, "tokens", shuffle=True, validation=5)
    report = prepare(
        inputs,
        tokenizer=TOKENIZER,
        template=CHATML,
        output="out",
        shard_tokens=900,
        shuffle=True,
        validation=5,
        keep_columns=["id"],
        to=layout,
    )
    assert opened("out") == READERS[layout](Path("out/train"), "train") == expected
    assert opened("out", "validation") == READERS[layout](Path("out/validation"), "validation")
    assert sum(shard.rows for shard in report.shards) == 35
    assert any("holds tokens alone: id" in it for it in report.warnings) == (
        layout not in ("parquet", "arrow", "hf", "mds")
    )
    # The tokenizer tells how many ids there are.
    dtype = chatmill.open("out").manifest["layout"].get("dtype")
    assert dtype == ("uint16" if layout in ("megatron", "datatrove", "olmo") else None)
    prepare(inputs, tokenizer=TOKENIZER, template=CHATML, output="out", to=layout, overwrite=True)
    assert opened("out") == READERS[layout](Path("out"), "train")
    assert len(opened("out")) == 40


@pytest.mark.parametrize("layout", ["parquet", "arrow", "hf", "megatron", "nemo", "mds"])
def test_pack_writes_a_layout(layout: Any, inputs: str) -> None:
    prepared(inputs, "tokens", validation=7)
    pack("tokens", 240, "packs", seed=1)
    pack("tokens", 240, "out", seed=1, to=layout, shard_tokens=1000)
    for split in ("train", "validation"):
        rows, expected = (list(chatmill.open(it).splits[split]) for it in ("out", "packs"))
        assert [(it.input_ids, it.labels, it.marks) for it in rows] == [
            (it.input_ids, it.labels, it.marks) for it in expected
        ]


def test_choices_that_exclude_each_other(inputs: str) -> None:
    prepared(inputs, "tokens")
    for_trainer = r"`trainer` \(`--for`\) chooses the files that trl opens; leave out `to`"
    with pytest.raises(chatmill.DataError, match=for_trainer):
        prepare(inputs, tokenizer=TOKENIZER, template=CHATML, output="out", trainer="trl", to="hf")
    with pytest.raises(chatmill.DataError, match=for_trainer):
        pack("tokens", 240, "out", trainer="trl", to="hf")
    with pytest.raises(chatmill.DataError, match="an index is one Parquet file and has no layout"):
        pack("tokens", 240, "out.parquet", index_only=True, to="hf")
    with pytest.raises(chatmill.DataError, match="the layout olmo would make one document of each pack"):
        pack("tokens", 240, "out", to="olmo")
    with pytest.raises(chatmill.DataError, match="the layout olmo has no place for padding"):
        prepare(
            inputs, tokenizer=TOKENIZER, template=CHATML, output="out", padding="longest", pad_token="<s>", to="olmo"
        )
    with pytest.raises(chatmill.DataError, match="the files of the layout olmo are not compressed"):
        prepare(inputs, tokenizer=TOKENIZER, template=CHATML, output="out", compression="snappy", to="olmo")
    assert not Path("out").exists()


def test_the_commands_write_a_layout(inputs: str) -> None:
    write_byte_tokenizer(Path("model"))
    runner = CliRunner()
    command = ["prepare", inputs, "--tokenizer", "model", "--template", "chatml", "--output", "out", "--quiet"]
    assert runner.invoke(app, [*command, "--to", "mds"]).exit_code == 0
    assert len(opened("out")) == 40
    done = runner.invoke(app, [*command, "--to", "mds", "--overwrite", "--debug", "1"])
    assert done.exit_code == 2
    assert "--debug cannot print the layout mds" in done.stderr
    assert runner.invoke(app, [*command, "--overwrite"]).exit_code == 0
    done = runner.invoke(app, ["pack", "out", "--max-length", "300", "--output", "packs", "--to", "megatron"])
    assert done.exit_code == 0
    assert chatmill.open("packs").layout == "megatron"


@pytest.mark.parametrize("layout", ["megatron", "nemo"])
@pytest.mark.parametrize("marks", [[], ["loss_mask"]])
def test_packs_without_bounds_are_refused(marks: Any, layout: Any, inputs: str) -> None:
    prepared(inputs, "tokens")
    pack("tokens", 240, "packs", marks=marks)
    with pytest.raises(chatmill.DataError, match="no column of these packs tells it; pack the rows with the mark"):
        convert("packs", layout, "out")
    with pytest.raises(chatmill.DataError, match="no column of these packs tells it"):
        pack("tokens", 240, "out", marks=marks, to=layout)
    convert("packs", "hf", "out")


def test_padding_of_numbered_packs_belongs_to_the_row_before(inputs: str) -> None:
    prepared(inputs, "tokens")
    for name, mark in (("numbers", "segment_ids"), ("lengths", "seq_lengths")):
        marks: list[Any] = [mark]
        pack("tokens", 240, name, marks=marks, align=16, pad_id=0)
        convert(name, "megatron", f"{name}-megatron")
    found, expected = (
        [row.marks["seq_lengths"] for row in chatmill.open(f"{name}-megatron")] for name in ("numbers", "lengths")
    )
    assert found == expected
    assert any(length % 16 == 0 for row in found for length in row)


def test_packs_of_a_converted_output_name_no_layout(inputs: str) -> None:
    """Its layout is that of the rows, but the packs for this trainer are Arrow files."""
    prepared(inputs, "tokens")
    convert("tokens", "parquet", "again")
    pack("again", 240, "packs", trainer="llama-factory", pad_id=0)
    rows = chatmill.open("packs")
    assert rows.layout == "hf"
    assert "layout" not in rows.manifest
    assert rows.manifest["options"]["packing"]["pad_to_max_length"] is True
    assert {len(row.input_ids) for row in rows} == {240}
    assert chatmill.verify("packs").faults == ()
