"""Other processes, each with a deadline, so that one that hangs is a failed test and not a run that never ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

# Seconds: far more than any of them needs on a busy machine.
DEADLINE = 40.0


def start_chatmill(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command, running. The caller waits for it."""
    command = [sys.executable, "-m", "chatmill", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **{**pipes, **options})


def run_python(source: str) -> str:
    """What a new Python prints.

    A thread that waits while it holds the GIL stops its whole process, also the timer of pytest; another process does
    not notice.
    """
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fork(is_right: Callable[[], bool]) -> int:
    """The id of a forked child process, which ends with status 0 if `is_right` returns True in it."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if is_right() else 1
        finally:
            # Not even an exception may let the child run the other tests.
            os._exit(status)
    return child


def wait_for(*children: int) -> list[int]:
    """The exit statuses of children. Those that still run at the deadline are killed; their status is `-SIGKILL`."""
    end = time.monotonic() + DEADLINE
    statuses: dict[int, int] = {}
    while len(statuses) < len(children):
        for child in children:
            if child not in statuses:
                if time.monotonic() > end:
                    os.kill(child, signal.SIGKILL)
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    statuses[child] = os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return [statuses[child] for child in children]
