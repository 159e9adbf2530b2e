"""Outputs of `prepare` and `pack` in other layouts: those for each trainer, with its columns and marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chatmill
import pyarrow.parquet as pq
import pytest
from chatmill import Labels, convert, pack, prepare
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
