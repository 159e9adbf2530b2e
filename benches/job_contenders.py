"""The contenders of the whole job: their commands, what one run of each costs, and the ids and labels that it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from contenders import Columns
from job_rows import STOCK, TAGGED, Files, Material
from processes import Usage, measured

import rows

Kind = Literal["prepare", "map", "sft", "bare"]
PEERS = Path(__file__).with_name("job_peers.py")
BARE = ("tokenizers", "fastokens", "gigatoken")
MAP = "datasets.map, transformers' mask"


@dataclass(frozen=True)
class Contender:
    """A contender.

    Attributes:
        name: The name in tables.
        kind: What it does.
        template: The template: `stock` or `tagged`.
        threads: The number of its threads, or of its processes.
        python: The Python that runs it.
        engine: The package of a bare tokenizer.
    """

    name: str
    kind: Kind
    template: str
    threads: int
    python: str = sys.executable
    engine: str = ""

    @property
    def key(self) -> str:
        """A name that no other contender has."""
        return f"{self.name}, {self.template}, {self.threads}"

    @property
    def has_labels(self) -> bool:
        """Whether it makes labels."""
        return self.kind != "bare"


@dataclass(frozen=True)
class Run:
    """One run of a contender in a process of its own.

    Attributes:
        usage: What the process used.
        seconds: The time in the calls of a bare tokenizer after its first rows; None for others.
        processor_seconds: The same in processor time.
        output: The files with ids and labels.
    """

    usage: Usage
    seconds: float | None
    processor_seconds: float | None
    output: list[Path]


def contenders(threads: Sequence[int], processes: int, pythons: dict[str, str]) -> tuple[list[Contender], list[str]]:
    """Return the contenders that can run, and notes about the others.

    The first contender with a template is the one with whose ids the others of this template are compared; so is the
    first one with labels.

    Args:
        threads: Numbers of threads of chatmill and of the bare tokenizers.
        processes: Number of processes of `datasets.map` and of TRL's preparation.
        pythons: The Python of a contender that is installed elsewhere, by its package.
    """
    notes: list[str] = []
    trl = _python("trl", pythons)
    if trl is None:
        notes.append(
            "TRL is not installed: its steps are written out here; --python trl=PATH names a Python that has it"
        )
    sft = Contender("TRL's preparation" if trl else "TRL's steps, without TRL", "sft", TAGGED, processes)
    engines = {name: _python(name, pythons) for name in BARE}
    notes += [
        f"SKIPPED {name}: it is not installed; --python {name}=PATH names a Python that has it, pyarrow and numpy"
        for name, python in engines.items()
        if python is None
    ]
    # transformers is the reference for tagged ChatML, and the tokenizers package for the stock template.
    found = [Contender(MAP, "map", TAGGED, processes)]
    found += [
        Contender(f"bare {name}", "bare", template, count, python, name)
        for template in (STOCK, TAGGED)
        for count in threads
        for name, python in engines.items()
        if python is not None
    ]
    found += [
        Contender("chatmill prepare", "prepare", template, count) for template in (STOCK, TAGGED) for count in threads
    ]
    return [*found, sft if trl is None else Contender(sft.name, "sft", TAGGED, processes, trl)], notes


def _python(package: str, pythons: dict[str, str]) -> str | None:
    """Return a Python that can import a package."""
    ours = rows.ROOT / "build" / "trainers" / package / "bin" / "python"
    for python in (pythons.get(package), sys.executable, str(ours)):
        if python is not None and Path(python).exists():
            look = f"import importlib.util as it, sys; sys.exit(it.find_spec({package!r}) is None)"
            if subprocess.run([python, "-c", look], check=False).returncode == 0:
                return python
            if python == pythons.get(package):
                raise SystemExit(f"--python {package}={python}: this Python has no package {package}")
    return None


def run(contender: Contender, material: Material, files: Files, folder: Path, *, cache: str | None = None) -> Run:
    """Run a contender once.

    Args:
        contender: The contender.
        material: The set.
        files: Its rows, all of them or a few.
        folder: A new folder for everything that the run writes.
        cache: The folder in which chatmill keeps the results of its checks of tokenizers, or `off`; None for its own.
    """
    folder.mkdir()
    command, environment = _command(contender, material, files, folder)
    usage = measured(command, environment if cache is None else {**environment, "CHATMILL_CACHE": cache})
    if contender.kind == "prepare":
        return Run(usage, None, None, sorted((folder / "out").glob("*.parquet")))
    said: dict[str, Any] = json.loads(usage.output.splitlines()[-1])
    if contender.kind == "bare":
        return Run(usage, said["seconds"], said["processor_seconds"], [folder / "ids.arrow"])
    return Run(usage, None, None, [Path(it) for it in said["files"]])


def _command(contender: Contender, material: Material, files: Files, folder: Path) -> tuple[list[str], dict[str, str]]:
    template = str(material.templates[contender.template])
    if contender.kind == "prepare":
        where = [str(files.rows), "--output", str(folder / "out"), "--tokenizer", str(material.tokenizer)]
        # All rows must come out, so that they can be compared.
        how = ["--template", template, "--all-masked", "keep", "--max-rejected", "0", "--no-progress"]
        command = [contender.python, "-m", "chatmill", "prepare", *where, *how, "--threads", str(contender.threads)]
        return command, {}
    job = {
        "rows": str(files.rows),
        "texts": str(files.texts[contender.template]),
        "tokenizer": str(material.tokenizer),
        "template": template,
        "special_tokens": material.special_tokens,
        "has_tools": material.has_tools,
        "processes": contender.threads,
        "engine": contender.engine,
        "start_rows": material.start.count,
        "output": str(folder / "ids.arrow"),
        "scratch": str(folder / "scratch"),
    }
    command = [contender.python, str(PEERS), contender.kind, json.dumps(job, ensure_ascii=False)]
    if contender.kind == "bare":
        return command, _threads(contender.threads)
    offline = {"HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    # Processes are the threads of these; torch, which TRL imports, gets no more.
    return command, {**offline, **_threads(1), "OMP_NUM_THREADS": "1"}


def _threads(count: int) -> dict[str, str]:
    return {
        "TOKENIZERS_PARALLELISM": "true" if count > 1 else "false",
        "RAYON_NUM_THREADS": str(count),
        "FASTOKENS_BPE_THREADS": str(count),
    }


def columns(contender: Contender, output: Sequence[Path]) -> Columns:
    """Return the ids and labels that a run wrote; labels are ids for contenders without labels."""
    return Columns.of(_tables(contender, output))


def _tables(contender: Contender, output: Sequence[Path]) -> Iterator[pa.Table]:
    for path in output:
        if contender.kind == "prepare":
            yield pq.read_table(path, columns=["input_ids", "labels"])
            continue
        with pa.memory_map(os.fspath(path)) as raw:
            opened = pa.ipc.open_file(raw) if contender.kind == "bare" else pa.ipc.open_stream(raw)
            yield _with_labels(opened.read_all())


def _with_labels(table: pa.Table) -> pa.Table:
    """Return ids and labels, as lists of int32; labels from a mask if there are none, and ids if there is no mask."""
    ids = _flat(table, "input_ids")
    lengths = np.asarray(table["input_ids"].combine_chunks().value_lengths())
    if "labels" in table.column_names:
        labels = _flat(table, "labels")
    elif "assistant_masks" in table.column_names:
        labels = np.where(_flat(table, "assistant_masks") != 0, ids, -100)
    else:
        labels = ids
    cuts = pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
    made = [pa.ListArray.from_arrays(cuts, pa.array(it.astype(np.int32))) for it in (ids, labels)]
    return pa.table(made, ["input_ids", "labels"])


def _flat(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(table[name].combine_chunks().flatten())
