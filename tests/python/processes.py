"""Other processes, each with a deadline, so that one that hangs is a failed test and not a run that never ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Seconds: far more than any of them needs on a busy machine.
DEADLINE = 40.0


def start_chatmill(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command, running. The caller waits for it."""
    command = [sys.executable, "-m", "chatmill", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **{**pipes, **options})


def seconds_until_end(process: subprocess.Popen[str]) -> float:
    """The seconds of work until a process ends.

    Where the system tells it, this is processor time, because other processes of a busy machine take their share.
    """
    begin, figures = time.monotonic(), Path(f"/proc/{process.pid}/stat")
    if not figures.exists():
        process.wait(DEADLINE)
        return time.monotonic() - begin

    def worked() -> float:
        user, system = figures.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    before = worked()
    # The figures are there until somebody waits for the process.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        assert time.monotonic() < begin + DEADLINE, "the process does not end"
        time.sleep(0.02)
    return worked() - before


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
        except BaseException:  # noqa: BLE001  # it ends here
            # pytest shows what the child prints.
            traceback.print_exc()
        finally:
            # Not even an exception may let the child run the other tests.
            os._exit(status)
    return child


def is_killed(action: Callable[[], object]) -> bool:
    """Run an action in a forked process; return whether it was killed. The action must not fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks in processes with threads
        child = fork(lambda: (action(), True)[1])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), "the action failed"
    return status != 0


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
