"""What it costs a run to count its statistics and to choose rows to look at.

    python benches/counting.py ROWS.jsonl TOKENIZER [--template TEMPLATE] [--runs 5]

Runs with and without statistics take turns in one process. Without them, the mill is called as in a run of another
program, and nothing is counted. Ratios are of the medians; the shards are compared byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
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
    options = parser.parse_args()
    clock: dict[bool, list[float]] = {False: [], True: []}
    work: dict[bool, list[float]] = {False: [], True: []}
    sums = set()
    with tempfile.TemporaryDirectory(dir=options.rows.parent) as name:
        for number in range(options.runs + 1):
            for counts in (number % 2 == 0, number % 2 == 1):
                begin, before = time.monotonic(), time.process_time()
                with as_it_is() if counts else without():
                    chatmill.prepare(
                        options.rows,
                        tokenizer=options.tokenizer,
                        template=options.template,
                        output=Path(name, "out"),
                        overwrite=True,
                        progress=False,
                        resume=False,
                    )
                sums.add(hashlib.sha256(b"".join(it.read_bytes() for it in sorted(Path(name).glob("*/*.parquet")))))
                if number:  # the first run of each warms up
                    clock[counts].append(time.monotonic() - begin)
                    work[counts].append(time.process_time() - before)
    equal = len({it.hexdigest() for it in sums}) == 1
    print(f"{options.rows.name}, {options.runs} runs each; shards are equal: {equal}")
    for what, figures in (("time", clock), ("processor time", work)):
        before, now = (statistics.median(figures[counts]) for counts in (False, True))
        least = min(figures[True]) / min(figures[False])
        print(f"{what:15} without {before:6.2f} s, with {now:6.2f} s: {now / before:.3f}, of the least {least:.3f}")


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
