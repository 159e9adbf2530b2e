"""Compares the loss of packs with that of their rows one by one, on a tiny model. Runs in the environment of TRL.

    python tests/trainers/packed_loss.py TOKENS PACKS MODEL

TOKENS is an output of `chatmill prepare`, PACKS the same rows after `chatmill pack` with the marks `seq_lengths` and
`position_ids`. The last line that is printed is the result as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

TOLERANCE = 1e-5


def summed(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, int]:
    """The sum of the losses of the trained tokens of one sequence, and their number."""
    shifted = labels[1:]
    loss = cross_entropy(logits[:-1].double(), shifted, ignore_index=-100, reduction="sum")
    return float(loss), int((shifted != -100).sum())


def main(tokens: Path, packs: Path, folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    rows, packed = (pq.read_table(sorted(place.glob("train-*.parquet"))).to_pylist() for place in (tokens, packs))
    result: dict[str, Any] = {"rows": len(rows), "packs": len(packed)}
    with torch.no_grad():
        single = [
            summed(model(torch.tensor([row["input_ids"]])).logits[0], torch.tensor(row["labels"])) for row in rows
        ]
        total, count = sum(loss for loss, _ in single), sum(trained for _, trained in single)
        result["one by one"] = total / count
        found = []
        for pack in packed:
            ids, positions = torch.tensor([pack["input_ids"]]), torch.tensor([pack["position_ids"]])
            logits = model(input_ids=ids, position_ids=positions, use_cache=False).logits[0]
            found.append(summed(logits, torch.tensor(pack["labels"])))
        result["position_ids"] = sum(loss for loss, _ in found) / sum(trained for _, trained in found)
        collator = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
        columns = ("input_ids", "labels", "seq_lengths")
        found = []
        for pack in packed:
            batch = collator([{name: pack[name] for name in columns}])
            logits = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits[0]
            found.append(summed(logits, batch["labels"][0]))
        result["seq_lengths"] = sum(loss for loss, _ in found) / sum(trained for _, trained in found)
        # Without marks, rows see the rows before them.
        found = [
            summed(model(torch.tensor([pack["input_ids"]])).logits[0], torch.tensor(pack["labels"])) for pack in packed
        ]
        result["without marks"] = sum(loss for loss, _ in found) / sum(trained for _, trained in found)
    print(json.dumps(result))
    for name in ("position_ids", "seq_lengths"):
        if abs(result[name] - result["one by one"]) > TOLERANCE:
            raise SystemExit(f"the loss with {name} is {result[name]}, but {result['one by one']} row by row")
    if abs(result["without marks"] - result["one by one"]) < 10 * TOLERANCE:
        raise SystemExit("the loss is the same without marks, so this test cannot fail")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
