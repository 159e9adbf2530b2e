"""Compare the speed of two builds of chatmill, scenario by scenario, in one run.

    python benches/builds.py OLD/.venv/bin/python NEW/.venv/bin/python [--rounds 15] [--only TEXT]

Each build runs in its own process, which loads everything first. The two processes alternate, so a busy moment of the
machine affects both. The table shows the ratio of the medians, and the smallest and largest ratio of neighboring
rounds. A checksum compares the ids and labels of the two builds. `tests/builds/compare.py` compares complete outputs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import IO, Any

import chatmill
import pyarrow as pa

import rows

# The minimum speed of the new build, relative to the old build.
LEAST = 0.97


def scenarios(count: int) -> dict[str, Callable[[], tuple[Callable[[], Any], int]]]:
    """Return the scenarios: functions that load a scenario and return its work and its number of rows."""
    workload = rows.load(count)
    conversations = list(chain.from_iterable(workload.conversations))
    size = rows.BATCH

    def batches(values: list[dict[str, Any]]) -> list[pa.RecordBatch]:
        lines = [json.dumps(it, ensure_ascii=False) for it in values]
        return [pa.record_batch({"row": pa.array(lines[at : at + size])}) for at in range(0, len(lines), size)]

    def model(family: str) -> tuple[Any, Any]:
        folder = rows.CORPUS / "tokenizers" / family
        if folder.is_dir():
            return chatmill.Tokenizer.from_pretrained(folder), chatmill.ChatTemplate.from_pretrained(folder)
        return chatmill.Tokenizer.from_pretrained(workload.tokenizer), chatmill.ChatTemplate.named("chatml")

    plain = [{"messages": it} for it in conversations]
    pairs = [
        {"instruction": it[at]["content"], "input": "", "output": it[at + 1]["content"]}
        for it in conversations
        for at in range(len(it) - 1)
        if it[at]["role"] == "user" and it[at + 1]["role"] == "assistant" and it[at + 1]["content"].strip()
    ][: 4 * count]
    preferences = [
        {"prompt": it["instruction"], "chosen": it["output"], "rejected": it["output"] + "!"}
        for it in pairs
        if it["instruction"].strip()
    ]
    of_rows = [{**it, "chat_template_kwargs": {"row_id": at}} for at, it in enumerate(plain)]

    def mill(values: list[dict[str, Any]], family: str = "qwen3", **options: Any) -> tuple[Callable[[], Any], int]:
        tokenizer, template = model(family)
        template = options.pop("template", template)
        if template == "chatml":
            template = chatmill.ChatTemplate.named("chatml", **tokenizer.special_tokens)
        one = chatmill.Mill(tokenizer, template, threads=options.pop("threads", 1), on_error="null", **options)
        data = batches(values)
        return lambda: [one(batch, json_column="row") for batch in data], len(values)

    def from_columns() -> tuple[Callable[[], Any], int]:
        tokenizer, _ = model("qwen3")
        one = chatmill.Mill(tokenizer, chatmill.ChatTemplate.named("chatml", **tokenizer.special_tokens), threads=1)
        return lambda: [one(table) for table in workload.tables], len(conversations)

    def render(family: str) -> tuple[Callable[[], Any], int]:
        _, template = model(family)
        data = batches(plain)
        return lambda: [template.render_batch(batch, json_column="row") for batch in data], len(plain)

    def render_rows() -> tuple[Callable[[], Any], int]:
        _, template = model("qwen3")
        return lambda: [template.render(it) for it in conversations[:1000]], min(1000, len(conversations))

    def encode_rows() -> tuple[Callable[[], Any], int]:
        one = chatmill.Mill(*model("qwen3"))
        return lambda: [one.encode(it) for it in conversations[:300]], min(300, len(conversations))

    return {
        "qwen3, own template": lambda: mill(plain),
        "llama-3.1, own template": lambda: mill(plain, "llama-3.1"),
        "gemma-4, own template": lambda: mill(plain, "gemma-4"),
        "qwen3, ChatML with tags": lambda: mill(plain, template="chatml"),
        "qwen3, ChatML with tags, 2 threads": lambda: mill(plain, template="chatml", threads=2),
        "qwen3, ChatML from columns": from_columns,
        "qwen3, labels none": lambda: mill(plain, labels="none"),
        "qwen3, labels axolotl": lambda: mill(plain[:400], labels="axolotl"),
        "qwen3, a field of each row": lambda: mill(of_rows),
        "qwen3, max_length 512": lambda: mill(plain, max_length=512),
        "qwen3, per turn": lambda: mill(plain[:400], split="per_turn"),
        "qwen3, control tokens as text": lambda: mill(plain, special_tokens="text"),
        "format alpaca": lambda: mill(pairs, template=None, format="alpaca"),
        "format alpaca:messages": lambda: mill(pairs, format="alpaca:messages"),
        "format preference": lambda: mill(preferences, format="preference"),
        "render_batch qwen3": lambda: render("qwen3"),
        "render_batch llama-3.1": lambda: render("llama-3.1"),
        "render row by row": render_rows,
        "encode row by row": encode_rows,
    }


def checksum(results: Any) -> str:
    """Return a checksum of texts, ids and labels."""
    total = hashlib.sha256()
    for it in results:
        if isinstance(it, str):
            total.update(it.encode())
        elif hasattr(it, "input_ids"):
            total.update(repr((it.input_ids, it.labels)).encode())
        else:
            table = pa.table(it)
            for name in table.column_names:
                if name != "error":
                    total.update(repr(table[name].to_pylist()).encode())
    return total.hexdigest()


def work(count: int) -> None:
    """Run the process of one build, which answers requests on its standard input."""
    known = scenarios(count)
    loaded: dict[str, tuple[Callable[[], Any], int]] = {}
    print(json.dumps(list(known)), flush=True)
    for line in sys.stdin:
        request, name = line.rstrip("\n").split(" ", 1)
        if request == "load":
            loaded = {name: known[name]()}
            print(json.dumps([checksum(loaded[name][0]()), loaded[name][1]]), flush=True)
        else:
            started = time.perf_counter()
            loaded[name][0]()
            print(json.dumps(time.perf_counter() - started), flush=True)


class Build:
    """The process of one build."""

    def __init__(self, python: str, count: int) -> None:
        arguments = [python, __file__, "--work", "--rows", str(count)]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        )
        self.names: list[str] = self._answer()

    def _answer(self) -> Any:
        output: IO[str] | None = self._process.stdout
        assert output is not None
        while True:
            line = output.readline()
            if not line:
                raise SystemExit("a build ended early; see its messages above")
            if line.startswith(("[", '"')) or line[0].isdigit():
                return json.loads(line)

    def ask(self, request: str, name: str) -> Any:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{request} {name}\n")
        self._process.stdin.flush()
        return self._answer()


def main() -> None:
    """Print the table of all scenarios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="*", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=1000, help="rows of each set")
    parser.add_argument("--only", default="", help="run only scenarios whose name contains this text")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.rows)
        return
    old, new = (Build(python, given.rows) for python in given.builds)
    print(f"{'':<38}{'old, µs':>10}{'new, µs':>10}{'speed':>8}{'least':>8}{'most':>8}  outputs")
    slow = different = 0
    for name in old.names:
        if given.only not in name:
            continue
        left, right = old.ask("load", name), new.ask("load", name)
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(given.rounds):
            order = [(old, times[0]), (new, times[1])]
            for build, seconds in order if number % 2 else order[::-1]:
                seconds.append(build.ask("run", name))
        ratios = [a / b for a, b in zip(*times, strict=True)]
        medians = [statistics.median(it) for it in times]
        speed = medians[0] / medians[1]
        slow += speed < LEAST
        figures = "".join(f"{it / left[1] * 1e6:>10.1f}" for it in medians)
        different += left != right
        verdict = "equal" if left == right else "DIFFERENT"
        print(f"{name:<38}{figures}{speed:>8.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}  {verdict}", flush=True)
    print(f"{slow} scenarios are slower than {LEAST} times the old build" if slow else f"none is slower than {LEAST}")
    sys.exit(1 if slow or different else 0)


if __name__ == "__main__":
    main()
