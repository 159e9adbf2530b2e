"""How long a tokenizer takes to load: the first time, with a known verdict, from a pickle, and `chatmill show`.

    python benches/loads.py [TOKENIZER...]

A folder with the tokenizers of the corpus is found through CHATMILL_CORPUS. Each load runs in a process of its own, so
nothing is warm but the files. The table shows medians of processor time, of all threads, because a busy machine changes
it less than the time on the clock; and ratios to the first load. The time of `chatmill show` is that of the whole
command, with the start of Python and all imports. The command works on two threads, so its time on the clock follows,
which counts only on a machine without other work.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import rows

ROUNDS = 5
LOAD = """
import pickle, sys, time
import chatmill
begun = time.process_time()
tokenizer = chatmill.Tokenizer.from_pretrained(sys.argv[1], engine=sys.argv[2])
loaded = time.process_time()
again = pickle.dumps(tokenizer)
begun_again = time.process_time()
pickle.loads(again)
print(loaded - begun, time.process_time() - begun_again)
"""


def load(folder: Path, cache: str, engine: str = "auto") -> tuple[float, float]:
    """Return the seconds of a load in a new process, and of a load from a pickle."""
    command = [sys.executable, "-c", LOAD, str(folder), engine]
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "CHATMILL_CACHE": cache}
    )
    first, second = ran.stdout.split()
    return float(first), float(second)


def show(folder: Path, cache: str) -> tuple[float, float]:
    """Return the processor time of the command `chatmill show`, from start to end, and its time on the clock."""
    row = str(rows.ROOT / "examples" / "conversations.jsonl")
    command = [sys.executable, "-m", "chatmill", "show", row, "--tokenizer", str(folder), "--template", "chatml"]
    begun = os.times()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "CHATMILL_CACHE": cache})
    ended = os.times()
    worked = ended.children_user + ended.children_system - begun.children_user - begun.children_system
    return worked, ended.elapsed - begun.elapsed


def main() -> None:
    """Print a line for each tokenizer."""
    folders = [Path(it) for it in sys.argv[1:]] or [
        rows.CORPUS / "tokenizers" / it for it in ("qwen3", "gemma-4", "phi-3")
    ]
    names = f"{'first':>8}{'second':>8}{'ratio':>7}{'pickle':>8}{'reference':>11}{'show':>7}{'ratio':>7}{'clock':>7}"
    print(f"{'tokenizer':<14}{names}   seconds of processor time")
    for folder in folders:
        with tempfile.TemporaryDirectory() as cache:
            first = statistics.median(load(folder, "off")[0] for _ in range(ROUNDS))
            load(folder, cache)
            known = [load(folder, cache) for _ in range(ROUNDS)]
            second, pickled = (statistics.median(times) for times in zip(*known, strict=True))
            reference = statistics.median(load(folder, cache, "reference")[0] for _ in range(ROUNDS))
            shown = [show(folder, cache) for _ in range(ROUNDS)]
            command, clock = (statistics.median(times) for times in zip(*shown, strict=True))
        loads = f"{first:>8.2f}{second:>8.2f}{second / first:>7.2f}{pickled:>8.2f}{reference:>11.2f}"
        print(f"{folder.name:<14}{loads}{command:>7.2f}{command / first:>7.2f}{clock:>7.2f}")


if __name__ == "__main__":
    main()
