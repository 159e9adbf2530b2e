"""Rows of axolotl's types for reward models and for pairs of conversations: the texts that axolotl makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import reference
from chatmill import DataError, Tokenizer
from chatmill.config.prepare import prepare_config
from samples import Row, write_rows

MODELS = ["qwen3", "llama-3.1"]
TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "2?"},
]
GOOD, BAD = {"role": "assistant", "content": "Two."}, {"role": "assistant", "content": " Three"}
ICR: list[Row] = [
    {"system": "", "input": "Name a color.", "chosen": "Blue.", "rejected": "Seven."},
    {"system": "Be brief.", "input": "Name a color.", "chosen": " Red", "rejected": "Eleven.\n"},
]
PAIRS: list[Row] = [
    {"system": system, "chosen": [*turns, GOOD], "rejected": [*turns, BAD]}
    for system in ("", "Be brief.")
    for turns in (TURNS, TURNS[2:])
]


def read(dataset: str, keys: str, folder: Path, rows: list[Row], tokenizer: Path) -> list[dict[str, Any]]:
    """Run a config with one dataset of these rows, and read what it wrote."""
    write_rows(folder / "rows.jsonl", rows)
    config = folder / "config.yaml"
    datasets = f"datasets: [{{path: {folder / 'rows.jsonl'}, {dataset}}}]\nshuffle_merged_datasets: false\n"
    config.write_text(f"base_model: {tokenizer}\n{datasets}{keys}\n", "utf-8")
    prepare_config(config, output=folder / "out", overwrite=True, progress=False)
    return [row for part in sorted((folder / "out").glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


@reference.needs_corpus
@pytest.mark.parametrize("model", MODELS)
def test_pairs_of_a_reward_model(model: str, tmp_path: Path) -> None:
    theirs, folder = reference.tokenizer(model), reference.tokenizer_folder(model)
    kind = "type: bradley_terry.chat_template"
    found = read(kind, "reward_model: true", tmp_path, ICR, folder)
    for row, made in zip(ICR, found, strict=True):
        for name in ("chosen", "rejected"):
            messages = [{"role": "system", "content": row["system"]}] if row["system"] else []
            messages += [{"role": "user", "content": row["input"]}, {"role": "assistant", "content": row[name]}]
            ids = theirs.apply_chat_template(messages, tokenize=True, return_dict=False)
            assert made[f"{name}_ids"] == ids
        assert set(made) == {"chosen_ids", "rejected_ids", "length"}
    # Long rows are cut, not dropped; another strategy must be named.
    short = "reward_model: true\nsequence_len: 12"
    cut = read(kind, short, tmp_path, ICR[:1], folder)
    assert cut[0]["chosen_ids"] == found[0]["chosen_ids"][:12]
    with pytest.raises(DataError, match="too_long"):
        read(kind, f"{short}\nexcess_length_strategy: drop", tmp_path, ICR[:1], folder)


@reference.needs_corpus
@pytest.mark.parametrize("model", MODELS)
def test_pairs_of_conversations(model: str, tmp_path: Path) -> None:
    theirs, folder = reference.tokenizer(model), reference.tokenizer_folder(model)
    decode = Tokenizer.from_pretrained(folder, engine="reference").decode

    def render(messages: list[Any], *, prompt: bool = False) -> str:
        return str(theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))

    for kind, rl in (("argilla", "orpo"), ("argilla_chat", "dpo")):
        rows = PAIRS if rl == "orpo" else [{"prompt": "not read", **row, "system": "not read"} for row in PAIRS]
        found = read(f"type: chat_template.{kind}", f"rl: {rl}", tmp_path, rows, folder)
        for row, made in zip(rows, found, strict=True):
            has_system = rl == "orpo" and row["system"]
            before = [{"role": "system", "content": row["system"]}] if has_system else []
            prompt = render([*before, *row["chosen"][:-1]], prompt=True)
            assert decode(made["prompt_ids"]) == prompt
            for name in ("chosen", "rejected"):
                whole = render([*before, *row["chosen"][:-1], row[name][-1]])
                assert decode(made[f"{name}_ids"]) == whole.removeprefix(prompt)


@pytest.mark.parametrize(
    ("dataset", "keys", "message"),
    [
        ("type: bradley_terry.chat_template", "", "is for a reward model; add `reward_model: true`"),
        (
            "type: bradley_terry.chat_template",
            "rl: dpo",
            "passthrough, chat_template.argilla_chat, a user-defined type",
        ),
        ("type: bradley_terry.llama3", "reward_model: true", "passthrough, bradley_terry.chat_template and"),
        ("type: bradley_terry.chat_template, roles: {a: [b]}", "reward_model: true", "has fixed columns"),
        ("type: chat_template.argilla", "rl: dpo", "with rl: dpo; use chat_template.argilla_chat"),
        ("type: chat_template.argilla_chat", "rl: orpo", "with rl: orpo; use chat_template.argilla"),
        ("type: chat_template.argilla", "rl: kto", "with rl: kto; use chat_template.default"),
        ("type: chat_template.argilla", "reward_model: true", "is not supported with reward_model: true"),
    ],
)
def test_types_that_do_not_fit_name_another_one(dataset: str, keys: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(dataset, keys, tmp_path, ICR, tmp_path)
    assert message in str(caught.value)
    assert "config.yaml:2: datasets[0]." in str(caught.value)
