"""Runs a training as it is, and compares the loss of each step with the one computed from the rows by hand.

    python tests/trainers/recorded.py KIND FOLDER -- SCRIPT.py | MODULE ARGUMENT…

KIND is `labels`, `pairs` or `conversations`; FOLDER has the rows in files of any kind. The weights before each step are
copied, and the rows go through a fresh model one by one, without padding. The rows of a step are unknown, so it must
have the loss of one of the possible batches; together the steps must use each row once. The last line that is printed
is the result as JSON.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
import transformers
from torch.nn.functional import cross_entropy, log_softmax, logsigmoid
from transformers import trainer

Row = dict[str, Any]
# Trainers log their losses with four digits.
TOLERANCE = 2e-4
BATCH = 2


class Recorder(transformers.TrainerCallback):  # type: ignore[misc]
    """Copies the weights before each step, and keeps what is logged after it."""

    def __init__(self) -> None:
        self.config: Any = None
        self.weights: list[dict[str, torch.Tensor]] = []
        self.logs: list[dict[str, float]] = []

    def on_step_begin(self, *_: Any, model: Any = None, **__: Any) -> None:
        self.config = model.config
        self.weights.append({name: it.detach().clone() for name, it in model.state_dict().items()})

    def on_log(self, *_: Any, logs: Any = None, **__: Any) -> None:
        if logs and "loss" in logs:
            self.logs.append({name: float(value) for name, value in logs.items()})


def train_on_the_cpu() -> None:
    """Make all trainers use the CPU and float32. TRL would choose bfloat16, which is too coarse to compare losses."""
    finish = transformers.TrainingArguments.__post_init__

    def on_cpu(self: Any) -> None:
        self.use_cpu, self.bf16, self.fp16 = True, False, False
        finish(self)

    transformers.TrainingArguments.__post_init__ = on_cpu
    # torchaudio, which LLaMA-Factory imports, refuses a torch for another version of CUDA. The CPU needs none.
    torch.version.cuda = None


def read_rows(folder: Path) -> list[Row]:
    """The rows of the shards of a folder, read without any trainer."""
    tables = [
        pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_stream(path).read_all()
        for path in sorted(folder.glob("train-*"))
    ]
    rows: list[Row] = pa.concat_tables(tables).to_pylist()
    return rows


def fresh_model(kind: str, config: Any, weights: dict[str, torch.Tensor]) -> Any:
    """A model with these weights, which no trainer has touched."""
    auto = (
        transformers.AutoModelForSequenceClassification
        if kind == "conversations"
        else transformers.AutoModelForCausalLM
    )
    model = auto.from_config(config).float().eval()
    model.load_state_dict(weights)
    return model


def loss_of_labels(model: Any, rows: list[Row], _reference: Any) -> dict[str, float]:
    """The mean cross entropy of the tokens whose label is not -100."""
    total, count = 0.0, 0
    for row in rows:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        targets = torch.tensor(row["labels"][1:], dtype=torch.long)
        total += cross_entropy(logits, targets, ignore_index=-100, reduction="sum").item()
        count += int((targets != -100).sum())
    return {"loss": total / count}


def log_probability(model: Any, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """The logarithm of the probability of an answer."""
    logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, :-1]
    places = torch.arange(len(prompt) - 1, len(prompt) + len(answer) - 1)
    return log_softmax(logits, -1)[places, torch.tensor(answer)].sum()


def loss_of_pairs(model: Any, rows: list[Row], reference: Any, beta: float = 0.1) -> dict[str, float]:
    """The loss of DPO, with the log probabilities of the answers."""
    names = ("chosen_ids", "rejected_ids")
    own = torch.stack([torch.stack([log_probability(model, it["prompt_ids"], it[n]) for n in names]) for it in rows])
    base = torch.stack(
        [torch.stack([log_probability(reference, it["prompt_ids"], it[n]) for n in names]) for it in rows]
    )
    margins = (own - base)[:, 0] - (own - base)[:, 1]
    means = own.mean(0)
    return {
        "loss": -logsigmoid(beta * margins).mean().item(),
        "logps/chosen": means[0].item(),
        "logps/rejected": means[1].item(),
    }


def loss_of_conversations(model: Any, rows: list[Row], _reference: Any) -> dict[str, float]:
    """The loss of a reward model."""
    scores = [
        [model(input_ids=torch.tensor([row[n]])).logits[0, 0] for n in ("chosen_ids", "rejected_ids")] for row in rows
    ]
    margins = torch.stack([better - worse for better, worse in scores])
    return {"loss": -logsigmoid(margins).mean().item()}


BY_HAND: dict[str, Callable[[Any, list[Row], Any], dict[str, float]]] = {
    "labels": loss_of_labels,
    "pairs": loss_of_pairs,
    "conversations": loss_of_conversations,
}


@torch.no_grad()
def compared(kind: str, rows: list[Row], recorder: Recorder) -> dict[str, Any]:
    """Compare each step, and return the losses of both."""
    steps = len(rows) // BATCH
    if not len(recorder.logs) == len(recorder.weights) == steps:
        raise SystemExit(f"{steps} steps were expected; {len(recorder.logs)} were logged")
    reference = fresh_model(kind, recorder.config, recorder.weights[0])
    left = set(range(len(rows)))
    results = []
    for weights, logs in zip(recorder.weights, recorder.logs, strict=True):
        model = fresh_model(kind, recorder.config, weights)
        computed = {
            batch: BY_HAND[kind](model, [rows[at] for at in batch], reference)
            for batch in combinations(range(len(rows)), BATCH)
        }
        batch = min(computed, key=lambda it: distance(computed[it], logs))
        if distance(computed[batch], logs) > TOLERANCE or not left >= set(batch):
            raise SystemExit(f"logged {logs}, but the rows give {computed}")
        left -= set(batch)
        results.append(
            {"rows": batch, "logged": {name: logs[name] for name in computed[batch]}, "by_hand": computed[batch]}
        )
    return {
        "tokens": [sum(len(it) for name, it in row.items() if name.endswith("_ids")) for row in rows],
        "steps": results,
    }


def distance(computed: dict[str, float], logs: dict[str, float]) -> float:
    """The largest relative difference."""
    return max(abs(value - logs[name]) / max(1.0, abs(value)) for name, value in computed.items())


def main() -> None:
    kind, folder, _, target, *arguments = sys.argv[1:]
    recorder = Recorder()
    trainer.DEFAULT_CALLBACKS.append(recorder)
    train_on_the_cpu()
    sys.argv = [target, *arguments]
    try:
        if target.endswith(".py"):
            runpy.run_path(target, run_name="__main__")
        else:
            runpy.run_module(target, run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        if stopped.code:
            raise
    print(json.dumps(compared(kind, read_rows(Path(folder)), recorder)))


if __name__ == "__main__":
    main()
