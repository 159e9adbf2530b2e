"""Peak memory of `chatmill prepare` at 50,000 and at 200,000 rows: it must not grow with the input.

    python benches/memory.py [--rows 50000 200000] [--threads N]

Each run is a separate process; the kernel reports its peak when it ends. The rows are the real sets, repeated.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path

from processes import measured

import rows

SETS = ("smilechat_zh_10k", "chitchat_en_4k", "tau2_tools")


@dataclass(frozen=True)
class Run:
    """The cost and the results of a run."""

    rows_in: int
    rows_out: int
    rejected: int
    tokens: int
    seconds: float
    peak_mib: float


def lines() -> tuple[list[str], list[str]]:
    """Return the rows to repeat, as JSON, and the options of `prepare` for them."""
    if rows.CORPUS.is_dir():
        real: Iterator[dict[str, object]] = chain.from_iterable(map(rows.dataset, SETS))
        options = ["--tokenizer", str(rows.CORPUS / "tokenizers" / "qwen3")]
        return [json.dumps(row, ensure_ascii=False) + "\n" for row in real], options
    workload = rows.load()
    options = ["--tokenizer", str(workload.tokenizer), "--template", "deepseek"]
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in workload.rows], options


def write(path: Path, repeated: list[str], count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(islice(cycle(repeated), count))


def prepare(source: Path, output: Path, options: list[str]) -> Run:
    """Run `chatmill prepare` and measure it."""
    command = [sys.executable, "-m", "chatmill", "prepare", str(source), "--output", str(output), "--no-progress"]
    usage = measured([*command, *options])
    counts = json.loads((output / "_manifest.json").read_text("utf-8"))["counts"]
    return Run(
        rows_in=counts["rows_in"],
        rows_out=counts["rows_out"],
        rejected=counts["rejected"],
        tokens=counts["tokens"],
        seconds=usage.seconds,
        peak_mib=usage.peak_mib,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="peak memory of chatmill prepare")
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 200_000], help="sizes (default: 50000 200000)")
    parser.add_argument("--threads", type=int, help="threads of chatmill (default: one per core)")
    options = parser.parse_args()

    repeated, how = lines()
    if options.threads:
        how += ["--threads", str(options.threads)]
    runs: list[Run] = []
    print(f"{'rows in':>9}  {'rows out':>9}  {'rejects':>7}  {'tokens':>13}  {'seconds':>7}  {'rows/s':>7}  peak RSS")
    with tempfile.TemporaryDirectory(prefix="chatmill-memory-") as folder:
        for count in options.rows:
            source, output = Path(folder, f"{count}.jsonl"), Path(folder, f"out-{count}")
            write(source, repeated, count)
            run = prepare(source, output, how)
            if run.rows_in != count or run.rows_in != run.rows_out + run.rejected:
                raise SystemExit(f"{count:,} rows went in, but the manifest accounts for {run}")
            runs.append(run)
            source.unlink()
            print(
                f"{run.rows_in:>9,}  {run.rows_out:>9,}  {run.rejected:>7,}  {run.tokens:>13,}  {run.seconds:>7.1f}  "
                f"{run.rows_in / run.seconds:>7,.0f}  {run.peak_mib:,.0f} MiB",
                flush=True,
            )
    if len(runs) > 1:
        print(f"\npeak of the last / peak of the first: {runs[-1].peak_mib / runs[0].peak_mib:.3f}")


if __name__ == "__main__":
    main()
