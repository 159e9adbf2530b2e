"""Compares the output of `chatmill.ray.prepare` with that of `chatmill.prepare`, also when workers are killed.

    python tests/trainers/ray_prepare.py [SEED]

It runs in an environment with ray, with chatmill on the path; `recipes.py` starts it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import chatmill.ray
import ray
from job_rows import byte_mill

ROWS = 60_000


def main() -> None:
    random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    ray.init(
        num_cpus=2, include_dashboard=False, object_store_memory=300 << 20, log_to_driver=False, logging_level="ERROR"
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder))
    finally:
        ray.shutdown()


def compare(folder: Path) -> None:
    mill = byte_mill()
    (folder / "tokenizer.json").write_text(mill.tokenizer.__getnewargs_ex__()[0][0])
    (folder / "chat.jinja").write_text(mill.template.source)
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(ROWS):
            turns = [
                ("user", f"What is {number} + 1?"),
                ("assistant", f"It is {number + 1}. " * random.randrange(1, 9)),
            ]
            messages = [{"role": role, "content": text} for role, text in turns] if number % 100 else []
            file.write(json.dumps({"messages": messages}) + "\n")
    options: dict[str, Any] = {
        "tokenizer": folder / "tokenizer.json",
        "template": str(folder / "chat.jinja"),
        "now": datetime(2026, 1, 1),  # noqa: DTZ001  # templates have no time zone
        "block_bytes": 200_000,
        "shuffle": True,
        "validation": 100,
    }
    chatmill.prepare(folder / "rows.jsonl", output=folder / "whole", **options)
    arguments = {**options, "unit_bytes": 600_000}
    chatmill.ray.prepare(str(folder / "rows.jsonl"), output=folder / "ray", **arguments)
    assert files_of(folder / "ray") == files_of(folder / "whole")
    killed: list[int] = []
    stop = threading.Event()
    killer = threading.Thread(target=kill_workers, args=(folder / "killed.blocks", killed, stop))
    killer.start()
    chatmill.ray.prepare(str(folder / "rows.jsonl"), output=folder / "killed", **arguments)
    stop.set()
    killer.join()
    assert killed, "no worker was killed"
    assert files_of(folder / "killed") == files_of(folder / "whole")
    assert not (folder / "killed.blocks").exists()
    print(f"chatmill.ray.prepare: {ROWS} rows are equal byte for byte, also after {len(killed)} killed workers")


def kill_workers(blocks: Path, killed: list[int], stop: threading.Event) -> None:
    """Kill two workers, each while it makes a unit."""
    while len(killed) < 2 and not stop.is_set():
        time.sleep(0.02)
        # Some units are done, and the others are not.
        if not list(blocks.glob("units/*/*.json")):
            continue
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                name = status.read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::_run_unit"):
                os.kill(int(status.parent.name), signal.SIGKILL)
                killed.append(int(status.parent.name))
                time.sleep(0.3)
                break


def files_of(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads(found.pop("_manifest.json"))
    kept = {name: value for name, value in manifest.items() if name not in ("created", "sha256")}
    kept["options"].pop("threads")
    return {**found, "_manifest.json": json.dumps(kept).encode()}


if __name__ == "__main__":
    main()
