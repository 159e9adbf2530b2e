"""Small outputs of every kind, by name: plain and packed, for trainers, with rejects, arranged, of several datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from byte_tokenizers import byte_tokenizer
from chatmill import convert, pack, prepare
from chatmill.config.prepare import prepare_config
from folders import write_byte_tokenizer
from format_rows import CHATML, PAIR, TOKENIZER
from samples import Row, write_rows

PADDED = byte_tokenizer(pad_token="<s>")
_COUNT = 30
_BAD: list[Row] = [{"messages": "x", "id": 99}, {"messages": [], "id": 98}]


def rows(count: int = _COUNT) -> list[Row]:
    """Conversations of different lengths; a few of them are not valid."""
    turns = [
        [
            {"role": "user", "content": f"What is {number} + 1?"},
            {"role": "assistant", "content": f"It is {number + 1}. " * (1 + number % 4)},
        ]
        for number in range(count)
    ]
    return [{"messages": turn * (1 + number % 2), "id": number} for number, turn in enumerate(turns)]


def pairs() -> list[Row]:
    """Preferences."""
    return [{**PAIR, "prompt": [{"role": "user", "content": f"Question {number}"}]} for number in range(8)]


def _prepare(given: Sequence[Row], **options: Any) -> Path:
    write_rows(Path("rows.jsonl"), given)
    chosen = {"tokenizer": TOKENIZER, "template": CHATML, "max_rejected": 1.0, **options}
    prepare("rows.jsonl", output="out", progress=False, **chosen)
    return Path("out")


def _plain(**options: Any) -> Callable[[], Path]:
    return lambda: _prepare(rows(), **{"shard_tokens": 1500, **options})


def _packed(max_length: int = 300, *, of: dict[str, Any] | None = None, **options: Any) -> Callable[[], Path]:
    def make() -> Path:
        _prepare(rows(), **{"shard_tokens": 1500, **(of or {})})
        pack("out", max_length, "packs", **{"shard_tokens": 2000, **options})
        return Path("packs")

    return make


def _converted(name: str, layout: Any) -> Callable[[], Path]:
    """A sound output in another layout; the one it was made of stays beside it."""

    def make() -> Path:
        convert(SOUND[name](), layout, "converted", shard_tokens=1500)
        return Path("converted")

    return make


def _of_format(given: Sequence[Row], **options: Any) -> Callable[[], Path]:
    return lambda: _prepare(given, **{"template": None, **options})


def _datasets() -> Path:
    """Several datasets of a YAML file, with weights, validation, and tokens that the tokenizer lacks."""
    write_byte_tokenizer(Path("model"))
    write_rows(Path("a.jsonl"), [{"messages": 1}, *rows()])
    write_rows(Path("b.jsonl"), rows(10))
    config = {
        "base_model": "model",
        "chat_template": "chatml",
        "datasets": [
            {"path": "a.jsonl", "type": "chat_template", "field_messages": "messages", "weight": 1.5},
            {"path": "b.jsonl", "type": "chat_template", "field_messages": "messages", "weight": 0.5},
        ],
        "tokens": ["<new>"],
        "sequence_len": 4096,
        "val_set_size": 0.1,
        "max_rejected": "50%",
    }
    Path("config.yaml").write_text(json.dumps(config))
    prepare_config(Path("config.yaml"), output="out", progress=False)
    return Path("out")


def _packed_of_nothing() -> Path:
    _prepare(rows())
    pack("out", 5, "packs", truncation="drop")
    return Path("packs")


def _of_several_inputs() -> Path:
    """A file that is given twice, a Parquet file and a JSON file, all with rejects."""
    write_rows(Path("a.jsonl"), [*_BAD, *rows(4)])
    write_rows(Path("b.parquet"), [{"messages": [], "id": 1}, *rows(9), {"messages": [], "id": 2}])
    Path("c.json").write_text(json.dumps([*rows(3), *_BAD]))
    given = ["a.jsonl", "a.jsonl", "b.parquet", "c.json"]
    prepare(given, tokenizer=TOKENIZER, template=CHATML, output="out", progress=False, max_rejected=1.0, shuffle=True)
    return Path("out")


def _in_memory() -> Path:
    prepare([*_BAD, *rows()], tokenizer=TOKENIZER, template=CHATML, output="out", progress=False, max_rejected=1.0)
    return Path("out")


def _part_of_a_dataset() -> Path:
    """A share of the rows, in the order of axolotl."""
    write_byte_tokenizer(Path("model"))
    write_rows(Path("a.jsonl"), rows())
    dataset = {"path": "a.jsonl", "type": "chat_template", "field_messages": "messages", "shards": 3, "shards_idx": 1}
    config = {
        "base_model": "model",
        "chat_template": "chatml",
        "datasets": [dataset],
        "sequence_len": 4096,
        "shuffle_merged_datasets": False,
    }
    Path("config.yaml").write_text(json.dumps(config))
    prepare_config(Path("config.yaml"), output="out", progress=False)
    return Path("out")


def _index() -> Path:
    _prepare(rows(), shard_tokens=1500)
    pack("out", 300, "plan.parquet", index_only=True)
    return Path("plan.parquet")


_WEIGHTS = {"weights": {"content": 0.5}}
_TOKENS = [{"input_ids": [1, 2, 3], "labels": [-100, 2, 9]}, {"input_ids": [4, 5]}]
_STEPS = [{"prompt": "Q", "completions": ["a", "b"], "labels": [True, False]}] * 3
_KTO = [{"prompt": "Q", "completion": "A", "label": True}, {"prompt": "R", "completion": "B", "label": False}]

#: The layouts that `--to` names, besides Parquet.
LAYOUTS: list[Any] = ["arrow", "hf", "megatron", "nemo", "mds", "datatrove", "olmo"]
#: Those that hold packs, and those that hold weights.
OF_PACKS: list[Any] = ["arrow", "hf", "megatron", "nemo", "mds"]
OF_WEIGHTS: list[Any] = ["arrow", "hf", "megatron", "mds"]

#: Makes each output in the working directory, and returns its path.
SOUND: dict[str, Callable[[], Path]] = {
    "plain": _plain(),
    "kept columns and rejects": lambda: _prepare([*rows(), *_BAD, *rows(5)], keep_columns=["id"]),
    "rejects in parts": lambda: _prepare([*_BAD, *rows()], truncation="drop", max_length=300, shard_tokens=700),
    "uncompressed": _plain(compression="none"),
    "padded to the longest": _plain(tokenizer=PADDED, padding="longest", position_ids=True, block_bytes=2000),
    "padded to a length": _plain(tokenizer=PADDED, padding="max_length", max_length=300, truncation="drop"),
    "padded on the left": _plain(
        tokenizer=PADDED, padding="longest", padding_side="left", position_ids=True, labels=_WEIGHTS, block_bytes=2000
    ),
    "padded to a multiple": _plain(
        tokenizer=PADDED, padding="longest", pad_to_multiple_of=64, shuffle=True, block_bytes=2000
    ),
    "padded on the left to a multiple": _plain(
        tokenizer=PADDED, padding="max_length", max_length=300, padding_side="left", pad_to_multiple_of=64
    ),
    "masks and positions": _plain(attention_mask=True, position_ids=True),
    "one sample a turn": lambda: _prepare([*_BAD, *rows()], split="per_turn", shard_tokens=1500),
    "split rows": _plain(max_length=60, truncation="split", keep_columns=["id"]),
    "split and shuffled": _plain(max_length=60, truncation="split", shuffle=True, validation=0.2),
    "weights": _plain(labels=_WEIGHTS),
    "weights and padding": _plain(labels=_WEIGHTS, tokenizer=PADDED, padding="longest"),
    "shuffled": _plain(shuffle=True, seed=3),
    "duplicates": lambda: _prepare([*rows(), *rows(9)], deduplicate=True),
    "validation": lambda: _prepare([*rows(), *_BAD], validation=5, deduplicate=True, shard_tokens=700),
    "kept without labels": _plain(max_length=20, all_masked="keep"),
    "datasets": _datasets,
    "several inputs": _of_several_inputs,
    "rows in memory": _in_memory,
    "part of a dataset": _part_of_a_dataset,
    "duplicates for trl": lambda: _prepare([*rows(), *rows(9)], deduplicate=True, trainer="trl", validation=3),
    "pairs": _of_format(pairs(), template=CHATML, format="preference"),
    "one answer": _of_format(_KTO, template=CHATML, format="kto"),
    "tokens": _of_format(_TOKENS, tokenizer=TOKENIZER),
    "steps": _of_format(_STEPS, format="stepwise_supervised"),
    "trl": _plain(trainer="trl", keep_columns=["id"]),
    "trl-dpo": lambda: _prepare(pairs(), trainer="trl-dpo"),
    "trl-reward": lambda: _prepare(pairs(), trainer="trl-reward"),
    "axolotl": _plain(trainer="axolotl", validation=3),
    "llama-factory": _plain(trainer="llama-factory"),
    "llama-factory with validation": _plain(trainer="llama-factory", validation=4, shuffle=True),
    "nemo": _plain(trainer="nemo"),
    "packs": _packed(),
    "packs with validation": _packed(of={"validation": 6}, seed=1),
    "packs with all marks": _packed(
        marks=["seq_lengths", "position_ids", "cu_seqlens", "segment_ids", "seq_start_id", "loss_mask"],
        align=8,
        pad_id=5,
        multiple_of=4,
        pad_to_max_length=True,
    ),
    "packs with fewer rows": _packed(80, truncation="drop", multiple_of=3, remainder="drop"),
    "packs of ends": _packed(70, truncation="keep_end", max_rows=2),
    "packs of split rows": _packed(70, strategy="bfd_split", seed=4),
    "packs that drop parts": _packed(50, strategy="bfd_split", multiple_of=7, remainder="drop"),
    "wrapped packs": _packed(128, strategy="wrapped"),
    "packs of weights": _packed(of={"labels": _WEIGHTS}),
    "packs of multipack": _packed(strategy="multipack"),
    "packs of no rows": _packed_of_nothing,
    "packs with numbers alone": _packed(marks=["segment_ids"], align=8, pad_id=5, pad_to_max_length=True),
    "first labels to nemo": _plain(labels="all", to="nemo"),
    "packs for trl": _packed(trainer="trl"),
    "packs for hf": _packed(trainer="hf", strategy="knapsack", group_size=7),
    "packs for axolotl": _packed(trainer="axolotl", strategy="sequential"),
    "packs for llama-factory": _packed(trainer="llama-factory", pad_id=5, of={"validation": 6}),
    "packs for nemo": _packed(trainer="nemo", align=4, pad_id=5),
    "index": _index,
    **{f"turns to {it}": _plain(split="per_turn", to=it) for it in ("parquet", *LAYOUTS)},
    **{f"validation to {it}": _converted("validation", it) for it in ("parquet", *LAYOUTS)},
    **{f"packs to {it}": _packed(to=it) for it in ("parquet", *OF_PACKS)},
    **{f"packs with validation to {it}": _converted("packs with validation", it) for it in OF_PACKS},
    **{f"packs with all marks to {it}": _converted("packs with all marks", it) for it in OF_PACKS},
    **{f"packs for llama-factory to {it}": _converted("packs for llama-factory", it) for it in OF_PACKS},
    **{f"packs numbered to {it}": _converted("packs with numbers alone", it) for it in OF_PACKS},
    **{f"weights to {it}": _plain(labels=_WEIGHTS, to=it) for it in OF_WEIGHTS},
    **{f"packs of weights to {it}": _converted("packs of weights", it) for it in OF_WEIGHTS},
    **{f"first labels to {it}": _converted("first labels to nemo", it) for it in ("megatron", "arrow")},
    "pairs to mds": _converted("pairs", "mds"),
    "one answer to mds": _converted("one answer", "mds"),
    "trl to hf": _converted("trl", "hf"),
    "nemo to olmo": _converted("nemo", "olmo"),
    "packs of no rows to megatron": _converted("packs of no rows", "megatron"),
    "packs of no rows to nemo": _converted("packs of no rows", "nemo"),
}
