"""Compares packs with those of the trainers' own code on random tables, and the loss of packs with that of their rows.

    python tests/trainers/packs.py --environments build/trainers [--only trl …] [--tables 500] [--seed 1]

`make trainers` makes the environments and calls it. A trainer that is not installed is SKIPPED.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from chatmill import PackPlan, pack, prepare
from packs_of_trainer import TOKENS

HERE = Path(__file__).parent


def table(numbers: random.Random, strategies: list[str], most_rows: int) -> dict[str, Any]:
    max_length = numbers.choice([1, 7, 64, 100, 1000])
    longest = numbers.choice([max_length, 2 * max_length, max(1, max_length // 3)])
    lengths = [numbers.randint(1, longest) for _ in range(numbers.randint(1, most_rows))]
    return {
        "lengths": lengths,
        "max_length": max_length,
        "strategy": numbers.choice(strategies),
        "max_rows": numbers.choice([1, 2, 5, 200]),
    }


def trl(it: dict[str, Any]) -> list[Any]:
    plan = PackPlan.of(it["lengths"], it["max_length"], it["strategy"])
    return [[row * TOKENS + at for row, start, stop in pack for at in range(start, stop)] for pack in plan.packs()]


def axolotl(it: dict[str, Any]) -> list[Any]:
    plan = PackPlan.of(it["lengths"], it["max_length"], "multipack", max_rows=it["max_rows"])
    return [[row for row, *_ in pack] for pack in plan.packs()]


def llama_factory(it: dict[str, Any]) -> list[Any]:
    plan = PackPlan.of(it["lengths"], it["max_length"], "knapsack")
    return [[stop for *_, stop in pack] for pack in plan.packs()]


def nemo(it: dict[str, Any]) -> list[Any]:
    plan = PackPlan.of(it["lengths"], it["max_length"], it["strategy"])
    return [[stop for *_, stop in pack] for pack in plan.packs()]


# The strategies and the most rows of a table. TRL packs groups of 1,000 rows.
TRAINERS: dict[str, Any] = {
    "trl": (trl, ["bfd", "bfd_split", "wrapped"], 1000),
    "axolotl": (axolotl, ["multipack"], 1000),
    "llama-factory": (llama_factory, ["knapsack"], 1000),
    "nemo": (nemo, ["ffd", "first_fit"], 1000),
}


def loss(python: Path, rows: int, seed: int) -> str:
    """Train on nothing: compute the loss of random rows, one by one and in packs, and return a line about it."""
    numbers = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        subprocess.run([str(python), str(HERE / "tiny_model.py"), "model"], cwd=place, check=True, capture_output=True)
        with (place / "rows.jsonl").open("w", encoding="utf-8") as file:
            for _ in range(rows):
                texts = ["".join(numbers.choices("abc def\n", k=numbers.randint(1, 90))) for _ in range(4)]
                messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
                file.write(json.dumps({"messages": messages}) + "\n")
        prepare(place / "rows.jsonl", tokenizer=place / "model", output=place / "tokens", progress=False)
        pack(place / "tokens", 1024, place / "packs", seed=seed, marks=["seq_lengths", "position_ids"])
        command = [str(python), str(HERE / "packed_loss.py"), "tokens", "packs", "model"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the loss of packs:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout.splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(TRAINERS), choices=list(TRAINERS))
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in options.only:
        own, strategies, most_rows = TRAINERS[name]
        python = (options.environments / name / "bin" / "python").absolute()
        if not python.exists():
            print(f"packs of {name}: SKIPPED, because it is not installed")
            continue
        numbers = random.Random(options.seed)
        tables = [table(numbers, strategies, most_rows) for _ in range(options.tables)]
        if name != "trl":  # the others expect rows that fit
            for it in tables:
                it["lengths"] = [min(length, it["max_length"]) for length in it["lengths"]]
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "HF_DATASETS_DISABLE_CACHING": "1",
        }
        command = [str(python), str(HERE / "packs_of_trainer.py"), name]
        done = subprocess.run(
            command,
            input=json.dumps(tables),
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=3600,
        )
        expected = json.loads(done.stdout.splitlines()[-1])
        wrong = [it for it, packs in zip(tables, expected, strict=True) if own(it) != packs]
        if wrong:
            raise SystemExit(
                f"packs of {name}: {len(wrong)} of {len(tables)} tables differ, such as {json.dumps(wrong[0])}"
            )
        print(f"packs of {name}: {len(tables)} tables are equal", flush=True)
        if name == "trl":
            print(f"the loss of packs: {loss(python, 40, options.seed)}", flush=True)


if __name__ == "__main__":
    main()
