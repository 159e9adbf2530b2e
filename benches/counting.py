"""What it costs a run to count its statistics and to choose rows to look at.

    python benches/counting.py ROWS.jsonl TOKENIZER [--template TEMPLATE] [--runs 5]

Runs with and without statistics take turns, each in a process of its own, so each sees its rows for the first time.
Without statistics, the mill is called as in a run of another program, and nothing is counted. Ratios are of the
medians; the shards are compared byte by byte. Use rows that do not repeat: the tokenizer keeps what it has seen.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import chatmill
import chatmill.pipeline.run
import chatmill.resume.run
from chatmill.inputs.mill import mill_block
from chatmill.statistics.samples import SampleChoice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("tokenizer")
    parser.add_argument("--template")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", choices=["with", "without"], help="one run, which is not timed")
    parser.add_argument("--output", type=Path, help="the output of the one run")
    options = parser.parse_args()
    if options.one is not None:
        one(options)
        return
    clock: dict[bool, list[float]] = {False: [], True: []}
    work: dict[bool, list[float]] = {False: [], True: []}
    sums = set()
    with tempfile.TemporaryDirectory(dir=options.rows.parent) as name:
        output = Path(name, "out")
        for number in range(options.runs + 1):
            for counts in (number % 2 == 0, number % 2 == 1):
                way = "with" if counts else "without"
                begin, before = time.monotonic(), _processor_time()
                command = [sys.executable, __file__, *sys.argv[1:], "--one", way, "--output", str(output)]
                subprocess.run(command, check=True)
                sums.add(hashlib.sha256(b"".join(it.read_bytes() for it in sorted(output.glob("*.parquet")))).digest())
                if number:  # the first run of each reads the files into the memory of the system
                    clock[counts].append(time.monotonic() - begin)
                    work[counts].append(_processor_time() - before)
    print(f"{options.rows.name}, {options.runs} runs each; shards are equal: {len(sums) == 1}")
    for what, figures in (("time", clock), ("processor time", work)):
        before, now = (statistics.median(figures[counts]) for counts in (False, True))
        least = min(figures[True]) / min(figures[False])
        print(f"{what:15} without {before:6.2f} s, with {now:6.2f} s: {now / before:.3f}, of the least {least:.3f}")


def one(options: argparse.Namespace) -> None:
    with as_it_is() if options.one == "with" else without():
        chatmill.prepare(
            options.rows,
            tokenizer=options.tokenizer,
            template=options.template,
            output=options.output,
            overwrite=True,
            progress=False,
            resume=False,
        )


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def as_it_is() -> Iterator[None]:
    yield


@contextmanager
def without() -> Iterator[None]:
    """Runs without statistics. Blocks are not kept, so nothing asks for them."""

    def plain(mill: Any, block: Any, **_: Any) -> Any:
        return mill_block(mill, block)

    with (
        patch.object(chatmill.resume.run, "mill_block", plain),
        patch.object(chatmill.pipeline.run, "RunStatistics", _Nothing),
    ):
        yield


class _Nothing:
    def __init__(self, *_: Any) -> None:
        self.chosen = SampleChoice()

    def add(self, *_: Any) -> None:
        pass

    def counted(self, writer: Any, *_: Any) -> Any:
        return writer

    def record(self) -> dict[str, Any]:
        return {}


if __name__ == "__main__":
    main()
