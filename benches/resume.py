"""What it costs a run to keep its blocks, and how long a run takes that finds all of them.

    python benches/resume.py ROWS.jsonl TOKENIZER [--runs 5]

Runs with and without kept blocks take turns, each in a process of its own. Ratios are of the medians; the outputs are
compared byte by byte.
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
from pathlib import Path

WAYS = {
    "without": ["--no-resume"],
    "with": ["--resume"],
    "first with --cache": ["--cache", "{fresh}"],
    "all kept": ["--cache", "{kept}"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("tokenizer")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    clock: dict[str, list[float]] = {way: [] for way in WAYS}
    work: dict[str, list[float]] = {way: [] for way in WAYS}
    outputs: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=options.rows.parent) as name:
        folder = Path(name)
        run(options, folder / "out", ["--cache", str(folder / "kept")])
        for number in range(options.runs):
            for way, arguments in WAYS.items():
                places = {"fresh": folder / f"fresh-{number}", "kept": folder / "kept"}
                begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
                outputs[way] = run(options, folder / "out", [it.format(**places) for it in arguments])
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                clock[way].append(time.monotonic() - begin)
                work[way].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"{options.rows.name}, {options.runs} runs each; outputs are equal: {len(set(outputs.values())) == 1}")
    for way in WAYS:
        one, other = (statistics.median(figures[way]) for figures in (clock, work))
        ratios = [one / statistics.median(clock["without"]), other / statistics.median(work["without"])]
        print(f"{way:20} {one:6.2f} s ({ratios[0]:.3f}), processor time {other:6.2f} s ({ratios[1]:.3f})")


def run(options: argparse.Namespace, output: Path, arguments: list[str]) -> str:
    command = [sys.executable, "-m", "chatmill", "prepare", str(options.rows), "--tokenizer", options.tokenizer]
    subprocess.run([*command, "--output", str(output), "--overwrite", "--quiet", *arguments], check=True)
    content = b"".join(path.read_bytes() for path in sorted(output.glob("*.parquet")))
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
