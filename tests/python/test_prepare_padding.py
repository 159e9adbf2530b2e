"""Tests of padding in outputs of `prepare`: its side, multiples, and what reads padded rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import DataError, Mill, prepare, verify
from chatmill.arrange.duplicates import Duplicates
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from chatmill.inspect.debug import debug_output
from chatmill.inspect.diff.outputs import diff_output
from chatmill.outputs.padding import padding_before
from click.testing import CliRunner
from folders import write_byte_tokenizer
from format_rows import CHATML
from samples import Row, write_rows

TOKENIZER = byte_tokenizer(pad_token="<s>")
PAD = TOKENIZER.token_to_id("<s>")
OPTIONS: dict[str, Any] = {"tokenizer": TOKENIZER, "template": CHATML, "progress": False}
# Each row takes more than a block, so the rows of a block are padded apart from others.
BLOCKS = {"block_bytes": 300}


def rows() -> list[Row]:
    """Ten conversations of different lengths, and the first five of them again."""
    texts = ["word " * (1 + number % 7) + str(number) for number in range(10)]
    turns = [[{"role": "user", "content": it}, {"role": "assistant", "content": it}] for it in texts]
    return [{"messages": it} for it in [*turns, *turns[:5]]]


@pytest.fixture(autouse=True)
def inputs(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), rows())


def read(folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder).to_pylist()
    return found


def without_padding(row: dict[str, Any]) -> list[list[Any]]:
    kept = [at for at, is_token in enumerate(row["attention_mask"]) if is_token]
    assert len(kept) == row["length"]
    return [[row[name][at] for at in kept] for name in ("input_ids", "labels")]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("padding", [{"padding": "longest"}, {"padding": "max_length", "max_length": 150}], ids=str)
def test_rows_are_those_of_a_mill(padding: dict[str, Any], side: Any) -> None:
    chosen: dict[str, Any] = {**padding, "padding_side": side, "pad_to_multiple_of": 32, "position_ids": True}
    prepare("rows.jsonl", output="tokens", **OPTIONS, **chosen)
    mill = Mill(TOKENIZER, CHATML, all_masked="reject", **chosen)
    expected = pa.table(mill(rows())).to_pylist()
    assert read("tokens") == expected
    assert {len(row["input_ids"]) % 32 for row in expected} == {0}
    assert any(row["input_ids"][0 if side == "left" else -1] == PAD for row in expected)
    assert verify("tokens").is_sound
    options = json.loads(Path("tokens/_manifest.json").read_text())["options"]
    assert {name: options[name] for name in chosen} == chosen
    prepare("rows.jsonl", output="plain", **OPTIONS)
    plain = [[row["input_ids"], row["labels"]] for row in read("plain")]
    assert [without_padding(row) for row in read("tokens")] == plain


def test_duplicates_are_found_in_blocks_of_other_widths() -> None:
    chosen: dict[str, Any] = {"padding": "longest", "padding_side": "left", "deduplicate": True, **BLOCKS}
    report = prepare("rows.jsonl", output="tokens", **OPTIONS, **chosen)
    assert report.arranged is not None
    assert report.arranged.duplicates == 5
    assert len({len(row["input_ids"]) for row in read("tokens")}) > 1
    assert verify("tokens").is_sound


def test_duplicates_with_padding_on_either_side() -> None:
    ids = [[0, 0, 5, 6], [0, 5, 6], [5, 6], [5, 6, 0], [6, 5, 0]]
    masks = [[0, 0, 1, 1], [0, 1, 1], [1, 1], [1, 1, 0], [1, 1, 0]]
    duplicates = Duplicates()
    duplicates.add(pa.record_batch({"input_ids": ids, "labels": ids, "attention_mask": masks, "length": [2] * 5}))
    assert list(duplicates.first()) == [1, 0, 0, 0, 1]


def test_padding_before_tokens() -> None:
    columns: dict[str, Any] = {
        "input_ids": [[], [0, 0, 5], [7, 8], [6, 0], [0, 0], None],
        "attention_mask": [[], [0, 0, 1], [1, 1], [1, 0], [0, 0], None],
        "length": [0, 1, 2, 1, 0, None],
    }
    batch = pa.record_batch(columns)
    assert padding_before(batch).to_pylist() == [0, 2, 0, 0, 2, 0]
    assert padding_before(batch.slice(1, 3)).to_pylist() == [2, 0, 0]
    assert padding_before(batch.slice(0, 0)).to_pylist() == []
    kept = pa.record_batch({"input_ids": [[5]], "attention_mask": ["a kept text"], "length": [1]})
    assert padding_before(kept).to_pylist() == [0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_rows_are_shown_and_compared_without_padding(side: Any) -> None:
    prepare("rows.jsonl", output="tokens", padding="longest", padding_side=side, **OPTIONS)
    prepare("rows.jsonl", output="plain", **OPTIONS)
    padded, plain = ([str(line) for line in debug_output(it, TOKENIZER, 15, color=False)] for it in ("tokens", "plain"))
    assert padded == plain
    assert len(plain) == 15
    report = diff_output("rows.jsonl", "tokens", tokenizer=TOKENIZER, template=CHATML)
    assert not list(report)
    assert report.left.tokens == report.right.tokens > 0


CONFIG = """
base_model: model
sequence_len: 150
special_tokens: {pad_token: <pad>}
shuffle_merged_datasets: false
datasets:
  - {path: rows.jsonl, type: chat_template, chat_template: chatml}
  - {path: rows.jsonl, type: chat_template, chat_template: chatml}
"""


def test_a_config_and_the_command() -> None:
    write_byte_tokenizer(Path("model"))
    Path("config.yaml").write_text(CONFIG)
    prepare_config(
        "config.yaml", output="one", padding="longest", padding_side="left", pad_to_multiple_of=16, progress=False
    )
    assert verify("one").is_sound, str(verify("one"))
    table = read("one")
    assert len(table) == 30
    assert {len(row["input_ids"]) % 16 for row in table} == {0}
    assert any(row["attention_mask"][0] == 0 for row in table)
    assert all(row["attention_mask"][-1] == 1 for row in table)
    padding = ("--padding", "longest", "--padding-side", "left", "--pad-to-multiple-of", "16")
    runner = CliRunner()
    done = runner.invoke(app, ["prepare", "config.yaml", "--output", "other", *padding])
    assert done.exit_code == 0, done.output
    assert read("other") == table
    model = ("--tokenizer", "model", "--template", "chatml", "--pad-token", "</s>")
    done = runner.invoke(app, ["prepare", "rows.jsonl", "--output", "plain", *model, *padding])
    assert done.exit_code == 0, done.output
    # The labels of a config are those of axolotl.
    assert [without_padding(row)[0] for row in read("plain")] * 2 == [without_padding(row)[0] for row in table]
    done = runner.invoke(app, ["prepare", "rows.jsonl", "--output", "no", *model, "--padding-side", "left"])
    assert done.exit_code == 1
    assert "has no effect without `padding`" in done.stderr
    done = runner.invoke(app, ["prepare", "rows.jsonl", "--output", "no", *model, "--padding-side", "lef"])
    assert done.exit_code == 2
    assert "'lef' is not a valid value; did you mean 'left'?" in done.stderr


def test_a_config_without_a_pad_token() -> None:
    write_byte_tokenizer(Path("model"))
    Path("config.yaml").write_text(CONFIG.replace("special_tokens: {pad_token: <pad>}", ""))
    with pytest.raises(DataError, match=r"config.yaml:7: datasets\[0\]: `padding` needs a `pad_token`"):
        prepare_config("config.yaml", tokenizer=byte_tokenizer(), output="out", padding="longest", progress=False)
