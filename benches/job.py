"""The whole job as people feel it: JSONL in, tokens and labels on disk, over rows that nobody has seen before.

    python benches/job.py [--sets chinese english] [--rows N] [--rounds 3] [--threads 1 2] [--json FILE]

Contenders:

* `chatmill prepare`, the command, from JSONL to Parquet, with the model's own template and with tagged ChatML
* `datasets.map` with transformers' `apply_chat_template` and its mask, in two processes, with tagged ChatML
* TRL's preparation for `SFTTrainer`, in two processes; without TRL, its steps
* the bare tokenizers over texts that are rendered already: no reading, no template, no labels, no writing

Each run is a process of its own that passes over the rows once, so no cache is warm. Rows are not repeated, unless
`--copies` asks for it (`job_rows.py`). In a round each contender runs once, in an order that changes from round to
round; figures are medians over the rounds.

* *s*, *CPU s*: the whole process from its start to its end, on the clock and on all processors, with children
* *start*: the same of a run over two rows; a row's figures are without it
* *µs/row*: processor time of a row, and *with start*: with its share of the start. It is a difference of two runs; in
  parentheses if the rows took less than a quarter of the start, because then it is mostly noise: use more rows
* *× bare*: processor time of a row, relative to the bare tokenizer with the least one among those whose ids are exact,
  with as many threads and the same template
* *× faster than map*: the time of the whole job of `datasets.map` on the clock, relative to this one
* *peak*: memory of the largest process
* *ids*, *labels*: rows that differ from the first contender with the same template, in the worst round. For tagged
  ChatML that is transformers with its mask; for the model's own template, the ids of the tokenizers package and the
  labels of the first `prepare`

Bare tokenizers are timed inside, call by call, so their *s* is their start plus their calls. What a tokenizer loads in
its first call is a part of the start, for all contenders. chatmill has checked the
tokenizer in an earlier run, as from the second run on; `--first-load` measures as if no run came before. The tables of
stages are about `prepare` with one thread (`job_stages.py`). Processes of the other contenders count as their threads.

Packages in other environments take part with `--python`, such as `--python trl=build/trainers/trl/bin/python`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chatmill
import job_stages
from job_contenders import Contender, contenders, run
from job_rounds import Figures, fastest_bare, mapped, measure
from job_rows import DEFAULT_SETS, SETS, STOCK, TAGGED, Material, material
from processes import measured
from table import table

HEADER = ["", "template", "threads", "s", "CPU s", "start s", "start CPU", "µs/row", "with start"]
HEADER += ["× bare", "× faster than map", "peak MiB", "ids", "labels"]


def line(it: Figures, figures: Sequence[Figures]) -> list[str]:
    """Return the line of a contender in the table."""
    who = it.contender
    bare, map_ = fastest_bare(figures, who.template, who.threads), mapped(figures)
    seconds = [it.seconds, it.processor_seconds, it.start_seconds, it.start_processor_seconds]
    return [
        who.name,
        who.template,
        str(who.threads),
        *(f"{value:.2f}" for value in seconds),
        _maybe(f"{it.row_processor_seconds * 1e6:.1f}", it),
        f"{it.whole_row_processor_seconds * 1e6:.1f}",
        "–" if bare is None else _maybe(f"{it.row_processor_seconds / bare.row_processor_seconds:.2f}", it),
        "–" if map_ is None or who.template != TAGGED or who.kind == "bare" else f"{map_.seconds / it.seconds:.1f}",
        f"{it.peak_mib:,.0f}",
        _equal(it.other_ids),
        _equal(it.other_labels) if who.has_labels else "none",
    ]


def _maybe(figure: str, it: Figures) -> str:
    return f"({figure})" if it.is_uncertain else figure


def _equal(rows_that_differ: int | None) -> str:
    if rows_that_differ is None:
        return "reference"
    return "equal" if rows_that_differ == 0 else f"{rows_that_differ:,} rows differ"


def stages_of(template: str, it: Material, figures: Sequence[Figures], folder: Path) -> list[tuple[str, float]]:
    """Measure the stages of `prepare` with one thread."""
    made: dict[str, dict[str, float]] = {}
    for labels in ("assistant", "none"):
        files = (it.whole.rows, it.start.rows, it.tokenizer, it.templates[template], folder / "stages")
        command = job_stages.command(*files, labels)
        made[labels] = json.loads(measured(command).output)
        shutil.rmtree(folder / "stages")
    bare = fastest_bare(figures, template, 1)
    whole = {one.contender.threads: one for one in _prepare(figures, template)}.get(1)
    return job_stages.lines(
        made["assistant"],
        made["none"],
        it.whole.count,
        None if bare is None else bare.row_processor_seconds,
        None if whole is None else whole.row_processor_seconds,
    )


def _prepare(figures: Sequence[Figures], template: str) -> list[Figures]:
    return [it for it in figures if it.contender.kind == "prepare" and it.contender.template == template]


def warm_up(people: Sequence[Contender], it: Material, folder: Path, cache: str) -> None:
    """Run `prepare` once over a few rows, which fills the cache of checked tokenizers."""
    first = next((who for who in people if who.kind == "prepare"), None)
    if first is not None:
        run(first, it, it.start, folder / "first", cache=cache)
        shutil.rmtree(folder / "first")


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=list(DEFAULT_SETS), metavar="SET")
    parser.add_argument("--rows", type=int, help="rows of each set (default: all)")
    parser.add_argument("--copies", type=int, default=1, help="how often each set is repeated (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of chatmill and bare tokenizers")
    parser.add_argument("--processes", type=int, default=2, help="of datasets.map and TRL (default: 2)")
    parser.add_argument("--only", nargs="+", help="only contenders whose name has one of these words, such as prepare")
    parser.add_argument("--python", action="append", default=[], metavar="PACKAGE=PATH", help="see above")
    parser.add_argument("--first-load", action="store_true", help="as if chatmill had never seen the tokenizer")
    parser.add_argument("--no-stages", action="store_true", help="without the tables of stages")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    return parser


def main() -> None:
    """Print a table for each set."""
    options = arguments().parse_args()
    pythons = dict(it.split("=", 1) for it in options.python)
    people, notes = contenders(options.threads, options.processes, pythons)
    if options.only:
        people = [it for it in people if any(word in it.name for word in options.only)]
        if not people:
            raise SystemExit(f"no contender has {' or '.join(options.only)} in its name")
    names = ("transformers", "tokenizers", "fastokens", "datasets", "pyarrow")
    versions = {"chatmill": chatmill.__version__, **{it: version(it) for it in names}}
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, " + ", ".join(map(" ".join, versions.items())))
    print("\n".join(notes))
    report: dict[str, Any] = {
        "versions": {"python": platform.python_version(), **versions},
        "cpus": os.cpu_count(),
        "first_load": options.first_load,
        "notes": notes,
        "sets": [],
    }
    with tempfile.TemporaryDirectory(prefix="chatmill-job-", dir=options.folder) as name:
        folder = Path(name)
        cache = "off" if options.first_load else str(folder / "checked")
        for set_name in options.sets:
            report["sets"].append(one_set(set_name, people, options, folder, cache))
            if options.json:
                options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


def one_set(
    name: str, people: Sequence[Contender], options: argparse.Namespace, folder: Path, cache: str
) -> dict[str, Any]:
    """Measure a set, print its tables and return its record."""
    it = material(name, options.rows, folder / name, options.copies)
    print(f"\n{name}: {it.whole.count:,} rows{f' ({it.note})' if it.note else ''}\n", flush=True)
    warm_up(people, it, folder, cache)
    figures = measure(people, it, folder, rounds=options.rounds, cache=cache, say=_progress)
    _progress("")
    print(table(HEADER, [line(one, figures) for one in figures]), flush=True)
    found = {}
    for template in () if options.no_stages else (STOCK, TAGGED):
        found[template] = stages_of(template, it, figures, folder)
        body = [[stage, f"{seconds * 1e6:.1f}"] for stage, seconds in found[template]]
        print(f"\n{table([f'CPU of a row of {name}, {template} template', 'µs'], body)}", flush=True)
    shutil.rmtree(folder / name)
    return {
        "set": name,
        "rows": it.whole.count,
        "note": it.note,
        "contenders": [one.record() for one in figures],
        "stages": {template: job_stages.record(stages) for template, stages in found.items()},
    }


def _progress(text: str) -> None:
    if os.isatty(2):
        os.write(2, f"\r\033[K{text}".encode())


if __name__ == "__main__":
    main()
