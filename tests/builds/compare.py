"""Compare two builds of chatmill: do the same `prepare` runs give the same tokens, labels and rejected rows?

Run it before and after a refactoring, with the `chatmill` commands of two virtual environments:

    python tests/builds/compare.py OLD/.venv/bin/chatmill NEW/.venv/bin/chatmill

The runs are: every dataset of the corpus with four tokenizers, a number of options, an example file for every format
and style, and the configs of the corpus. Columns are compared value by value, rejected rows by place and code. If a
code of an error or a note was renamed, `--renamed OLD=NEW` maps the old code to the new one. The clock of templates is
fixed. The exit status is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from config_rows import SERVED, with_tokens  # noqa: E402
from corpus_folder import CORPUS  # noqa: E402
from samples import write_rows  # noqa: E402

TOKENIZERS = ("qwen3", "llama-3.1", "gemma-4", "mistral-v0.3")
# Datasets whose rows are not messages. Their format is named, so that a change of `auto` is not a difference.
FORMATS = {
    "gsm8k_train": "alpaca_chat.load_qa",
    "xquad_12lang": "context_qa",
    "toolrl_think_400": "alpaca",
}
# Options, each on one small dataset: every way to select, truncate, split, pad and reject.
OPTIONS: list[tuple[str, str, list[str]]] = [
    (dataset, tokenizer, options)
    for dataset, tokenizer, length in (
        ("tau2_tools", "qwen3", "16000"),
        ("glaive_toolcall_en_demo", "llama-3.1", "700"),
    )
    for options in (
        ["--labels", "all"],
        ["--labels", "none", "--all-masked", "keep"],
        ["--labels", "last"],
        ["--labels", "axolotl"],
        ["--labels", "unsloth"],
        ["--labels", "open-instruct"],
        ["--labels", "completion"],
        ["--labels", "llama-factory"],
        ["--labels", "hf", "--all-masked", "keep"],
        ["--labels", "{roles: [assistant, tool], tags: false, weights: {reasoning: 0.5}}"],
        ["--labels", "{kinds: [content, closer], boundary: contained}"],
        ["--labels", "{boundary: split, unproved: mask}"],
        ["--split", "per_turn", "--max-length", "3000", "--truncation", "keep_end"],
        ["--max-length", length, "--truncation", "keep_start"],
        ["--max-length", length, "--truncation", "turns"],
        ["--max-length", length, "--truncation", "drop"],
        ["--max-length", length, "--truncation", "split"],
        ["--max-length", length, "--truncation", "drop", "--padding", "max_length"],
        ["--attention-mask", "--keep-columns", "id"],
        ["--special-tokens", "text"],
        ["--special-tokens", "raise"],
        ["--shuffle", "--seed", "7", "--validation", "0.1", "--deduplicate"],
        ["--chat-template-kwargs", '{"enable_thinking": false, "nothing_reads_this": 1}'],
        ["--template", "qwen2.5"],
    )
]

# The template of Qwen3 rewrites earlier turns, so open-instruct rejects every row. Llama 3.1 has no `pad_token`.
REFUSED = {("qwen3", "open-instruct"), ("llama-3.1", "--padding")}


@dataclass(frozen=True)
class Run:
    """One `prepare` run of both builds.

    Attributes:
        name: Its name.
        arguments: The arguments without the output.
        status: The expected exit status. With another one there is nothing to compare, so the run counts as different.
    """

    name: str
    arguments: list[str]
    status: int = 0


def dataset_runs(rows: Path, *, limit: int | None) -> Iterator[Run]:
    """Return the runs of all datasets with four tokenizers, then the runs of options."""
    files = {}
    for file in sorted((CORPUS / "datasets").glob("*.jsonl.xz")):
        name = file.name.removesuffix(".jsonl.xz")
        files[name] = rows / f"{name}.jsonl"
        with lzma.open(file, "rb") as source, files[name].open("wb") as target:
            for number, line in enumerate(source):
                if limit is not None and number >= limit:
                    break
                target.write(line)
    plain: list[tuple[str, str, list[str]]] = [(name, model, []) for name in files for model in TOKENIZERS]
    for name, model, options in plain + OPTIONS:
        chosen = ["--format", FORMATS.get(name, "auto"), *options]
        folder = CORPUS / "tokenizers" / model
        status = 1 if any((model, option) in REFUSED for option in options) else 0
        yield Run(" ".join([name, model, *options]), [str(files[name]), "--tokenizer", str(folder), *chosen], status)


def format_runs(work: Path) -> Iterator[Run]:
    """Return the runs of every format in every style on its example rows, with a tokenizer of bytes."""
    folder = work / "bytes"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "data" / "byte_tokenizer.json", folder / "tokenizer.json")
    config = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    names = json.loads((ROOT / "tests" / "data" / "format_segments.json").read_text("utf-8"))
    for name in names:
        file = ROOT / "tests" / "formats" / f"{name}.jsonl"
        if not file.is_file():
            file = ROOT / "tests" / "formats" / f"{name.split(':')[0]}.jsonl"
        given = [str(file), "--tokenizer", str(folder), "--template-fallback", "chatml", "--format", name]
        yield Run(f"format {name}", given)
        yield Run(f"format {name} short", [*given, "--max-length", "200"])


def config_runs(work: Path) -> Iterator[Run]:
    """Return the runs of the corpus' configs, on rows like those of their datasets."""
    for name, (model, rows, _) in SERVED.items():
        path = CORPUS / "reference" / "axolotl_configs" / name
        config = yaml.safe_load(path.read_text("utf-8"))
        tokens = [*(config.get("special_tokens") or {}).values(), *(config.get("eot_tokens") or [])]
        folder = with_tokens(CORPUS / "tokenizers" / model, tokens, work / f"{path.stem}.model")
        file = work / f"{path.stem}.jsonl"
        write_rows(file, rows)
        sets = [*(config.get("datasets") or []), *_listed(config.get("pretraining_dataset"))]
        local = [arg for it in sets for arg in ("--local", f"{it['path']}={file}")]
        yield Run(f"config {name}", [str(path), "--tokenizer", str(folder), *local])


def _listed(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value] if value else []
    return [{"path": it} if isinstance(it, str) else it for it in values]


@dataclass
class Outcome:
    """The result of a run with one build."""

    status: int
    seconds: float
    message: str
    columns: dict[str, list[Any]]
    rejects: list[tuple[Any, ...]]
    counts: dict[str, Any]


def outcome(command: str, run: Run, folder: Path) -> Outcome:
    """Run one build and read its output."""
    shutil.rmtree(folder, ignore_errors=True)
    now = [] if "--now" in run.arguments else ["--now", "2026-07-04T13:05:09"]
    started = time.monotonic()
    done = subprocess.run(
        [command, "prepare", *run.arguments, "--output", str(folder), "--no-progress", *now],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    columns: dict[str, list[Any]] = {}
    for part in sorted(folder.glob("**/train-*.parquet")):
        table = pq.read_table(part)
        for name in table.column_names:
            key = f"{part.parent.name} {name}" if part.parent != folder else name
            columns.setdefault(key, []).extend(table.column(name).to_pylist())
    rejects = []
    if (folder / "_rejects.jsonl").is_file():
        for line in (folder / "_rejects.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            rejects.append((row["file"], row.get("line", row.get("row")), row["code"], row["message"]))
    counts = {}
    if (folder / "_manifest.json").is_file():
        counts = json.loads((folder / "_manifest.json").read_text("utf-8"))["counts"]
    message = (done.stdout + done.stderr).replace(str(folder), "OUTPUT")[-600:]
    # With status 3 the output is complete, but many rows are rejected; older builds end with 0.
    status = 0 if done.returncode == 3 else done.returncode
    return Outcome(status, seconds, message, columns, rejects, counts)


def differing_ends(run: Run, old: Outcome, new: Outcome) -> Iterator[str]:
    """Yield a line if the builds end in different ways, or both in another way than expected."""
    if old.status != new.status:
        yield f"exit status {old.status} and {new.status}: {old.message!r} and {new.message!r}"
    elif new.status != run.status:
        yield f"both FAILED with exit status {new.status} instead of {run.status}: {new.message!r}"
    elif new.status != 0 and old.message != new.message:
        yield f"messages {old.message!r} and {new.message!r}"


def differing_outputs(old: Outcome, new: Outcome, renamed: dict[str, str]) -> Iterator[str]:
    """Yield a line for each difference of the outputs."""
    if list(old.columns) != list(new.columns):
        yield f"columns {list(old.columns)} and {list(new.columns)}"
    for name in old.columns.keys() & new.columns.keys():
        left, right = old.columns[name], new.columns[name]
        if name == "error":
            continue
        if left != right:
            first = next((at for at, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
            yield f"column {name}: {len(left)} and {len(right)} values, the first difference in row {first}"
    rejects = [(file, line, renamed.get(code, code), message) for file, line, code, message in old.rejects]
    if rejects != new.rejects:
        pairs = zip(rejects, new.rejects, strict=False)
        first_pair = next((pair for pair in pairs if pair[0] != pair[1]), None)
        yield f"{len(rejects)} and {len(new.rejects)} rejects, the first difference {first_pair}"
    for name in ("rows_in", "rows_out", "tokens", "trained_tokens", "samples", "untrained"):
        if old.counts.get(name) != new.counts.get(name):
            yield f"count {name}: {old.counts.get(name)} and {new.counts.get(name)}"
    notes = {renamed.get(code, code): rows for code, rows in old.counts.get("notes", {}).items()}
    if notes != new.counts.get("notes", {}):
        yield f"notes {notes} and {new.counts.get('notes')}"


def main() -> None:
    """Compare two builds."""
    parser = argparse.ArgumentParser(description="Compare the outputs of two builds of chatmill for the same runs.")
    parser.add_argument("old", help="the chatmill command of the old build")
    parser.add_argument("new", help="the chatmill command of the new build")
    parser.add_argument("--only", help="do only the runs whose name contains this text")
    parser.add_argument("--rows", type=int, help="use only the first N rows of each dataset")
    parser.add_argument(
        "--renamed", action="append", default=[], metavar="OLD=NEW", help="a renamed code; can be given several times"
    )
    given = parser.parse_args()
    renamed = dict(pair.split("=", 1) for pair in given.renamed)
    same = different = rows = tokens = rejected = 0
    seconds = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        runs = [*format_runs(work)]
        if CORPUS.is_dir():
            runs += [*config_runs(work), *dataset_runs(work, limit=given.rows)]
        else:
            print(f"skipped: datasets and configs, because there is no corpus at {CORPUS}")
        for run in runs:
            if given.only and given.only not in run.name:
                continue
            old, new = outcome(given.old, run, work / "old"), outcome(given.new, run, work / "new")
            found = list(differing_ends(run, old, new)) or list(differing_outputs(old, new, renamed))
            seconds[0] += old.seconds
            seconds[1] += new.seconds
            rows += new.counts.get("rows_in", 0)
            tokens += new.counts.get("tokens", 0)
            rejected += len(new.rejects)
            same, different = same + (not found), different + bool(found)
            print(f"{'same' if not found else 'DIFFERENT':<9} {run.name} (status {new.status})", flush=True)
            for line in found:
                print(f"          {line}", flush=True)
    print(
        f"{same} of {same + different} runs are equal: {rows:,} rows, {tokens:,} tokens, {rejected:,} rejects; "
        f"{seconds[0]:.0f} s and {seconds[1]:.0f} s"
    )
    sys.exit(1 if different or not same else 0)


if __name__ == "__main__":
    main()
