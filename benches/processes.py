"""Runs a command in a process of its own, and measures its seconds, its processor time and its peak of memory.

A small process starts the command and waits for it: the kernel counts the memory of whoever starts a command toward the
peak of the command, so a program that holds rows must not start what it measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a command used.

    Attributes:
        seconds: The time on the clock.
        processor_seconds: The processor time, in user and system, of the process and of those that it waited for.
        peak_mib: The peak of memory of the process, or of the largest one that it waited for.
        output: What it printed.
    """

    seconds: float
    processor_seconds: float
    peak_mib: float
    output: str


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command and return what it used.

    Args:
        command: The program and its arguments.
        environment: Variables to add to those of this process.

    Raises:
        SystemExit: The command failed; the message has the end of what it printed on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="chatmill-usage-") as folder:
        usage = Path(folder, "usage.json")
        launcher = [sys.executable, "-I", "-S", __file__, str(usage), *command]
        ran = subprocess.run(
            launcher, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
        )
        if ran.returncode != 0:
            error = ran.stderr.strip()[-4000:]
            raise SystemExit(f"{' '.join(command)[:400]} ended with status {ran.returncode}:\n{error}")
        return Usage(**json.loads(usage.read_text("utf-8")), output=ran.stdout)


def launch(usage: Path, command: list[str]) -> int:
    """Run a command, write what it used to a file, and return its status."""
    begun = time.perf_counter()
    # The usage of this child only; getrusage(RUSAGE_CHILDREN) would return the maximum over all children so far.
    _, status, used = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {
        "seconds": time.perf_counter() - begun,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss * unit / 2**20,
    }
    usage.write_text(json.dumps(figures), "utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(launch(Path(sys.argv[1]), sys.argv[2:]))
