"""Measures all contenders side by side in one process and prints ratios.

    python benches/table.py [--rounds 5] [--rows N]

The rounds are interleaved: every contender runs once before any contender runs again, and each round has another order.
So a busy moment of the machine affects all of them, and the ratios of the medians stay valid.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import chatmill
import contenders
import parts

import rows


def interleave(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Run everything `rounds` times in alternation, and return the median seconds of each contender."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            gc.collect()
            start = time.perf_counter()
            runs[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(it) for name, it in seconds.items()}


def table(header: list[str], lines: list[list[str]]) -> str:
    """Return lines as columns of text; the first column is aligned to the left."""
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = ["-" * width for width in widths]

    def show(line: list[str]) -> str:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        return "  ".join([line[0].ljust(widths[0]), *cells[1:]])

    return "\n".join(map(show, [header, rule, *lines]))


def differing(rows_that_differ: int) -> str:
    return "equal" if rows_that_differ == 0 else f"{rows_that_differ:,} rows differ"


def main() -> None:
    parser = argparse.ArgumentParser(description="compare the speed of chatmill with today's tools")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (default: 5)")
    parser.add_argument("--rows", type=int, help="maximum number of rows of each set")
    options = parser.parse_args()

    workload = rows.load(options.rows)
    others = ", ".join(f"{it} {version(it)}" for it in ("transformers", "tokenizers", "fastokens"))
    print(f"{workload.name}: {len(workload.rows):,} rows in batches of {rows.BATCH:,}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, chatmill {chatmill.__version__}, {others}\n")

    transformers = contenders.of_transformers(workload)
    one, two = (contenders.of_chatmill(workload, threads=threads) for threads in (1, 2))
    experts = [contenders.of_expert(workload, whole=whole) for whole in (False, True)]
    stages = [
        contenders.of_chatmill(workload, threads=1, json=True, name="chatmill, from JSON rows"),
        contenders.of_chatmill(workload, threads=1, tagged=False, name="chatmill, template without tags"),
    ]
    everybody = [transformers, *experts, one, two, *stages]

    # The comparison with transformers also warms up all caches.
    reference = transformers.result()
    differ = {it.name: it.result().rows_that_differ(reference) for it in everybody[1:]} | {transformers.name: (0, 0)}
    runs = {it.name: it.run for it in everybody} | {"bare tokenizer": parts.bare_tokenizer(workload)}
    runs["bare tokenizer"]()
    seconds = interleave(runs, options.rounds)

    best = min(experts, key=lambda it: seconds[it.name])
    count, lines = len(workload.rows), []
    for it in everybody:
        mine, (ids, labels) = seconds[it.name], differ[it.name]
        speed = [f"{count / mine:,.0f}", f"{mine / count * 1e6:,.1f}", f"{reference.num_tokens / mine / 1e6:,.1f}"]
        ratios = [f"{seconds[other.name] / mine:.2f}" for other in (transformers, best)]
        lines.append([it.name, str(it.threads), *speed, *ratios, differing(ids), differing(labels)])
    header = ["", "threads", "rows/s", "us/row", "Mtok/s", "x transformers", "x expert", "ids", "labels"]
    print(table(header, lines))

    bare = seconds["bare tokenizer"]
    print(f"\nx expert: against '{best.name}', the faster of the two")
    print(f"two threads / one thread: {seconds[one.name] / seconds[two.name]:.2f}")
    print(f"bare fast tokenizer on the same texts, one thread: {bare / count * 1e6:.1f} us/row; ", end="")
    print(f"whole path / bare tokenizer: {seconds[one.name] / bare:.2f}")


if __name__ == "__main__":
    main()
