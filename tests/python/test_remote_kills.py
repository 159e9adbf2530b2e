"""Tests of SIGKILL while an output is put into a store: the next run completes it, and nothing foreign is deleted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import chatmill
import pytest
from chatmill import DataError, prepare
from chatmill.outputs.claim import MARKER
from chatmill.outputs.destination import new_output
from processes import DEADLINE
from shelves import content_of, die_before
from staged_outputs import MadeOutput
from test_remote_outputs import cache
from test_resume import BASE, files_of, inputs, keeping

__all__ = ["cache", "inputs", "keeping"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes")


def is_killed_at(step: int, action: Callable[[], object]) -> bool:
    """Run an action in a process that is killed right before a step of a `Shelf`; return whether it was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks in processes with threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            die_before(step)
            action()
            status = 0
        except BaseException:  # noqa: BLE001  # it ends here
            # pytest shows what the child prints.
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


def put(output: MadeOutput, url: str) -> None:
    """Write an output as a run does: its first shards leave while the others are written."""
    with new_output(url, overwrite=True) as new:
        output.write_into(new.folder)
        if new.shard_closed is not None:
            for record in output.records[:3]:
                new.shard_closed(new.folder / record.file, record)  # type: ignore[arg-type]
        new.commit(output.records)


@pytest.mark.parametrize("has_earlier", [False, True])
def test_a_kill_before_any_step(has_earlier: bool, tmp_path: Path) -> None:
    old = MadeOutput(tmp_path / "old", ids=[1, 2, 3], rejects=b"{}\n{}\n")
    new = MadeOutput(tmp_path / "new", ids=[4, 5, 6, 7, 8, 9])
    kills = 0
    for step in range(100):
        place = tmp_path / "store" / str(step)
        place.mkdir(parents=True)
        if has_earlier:
            old.write_into(place)
        url = f"shelf://{place}"
        killed = is_killed_at(step, lambda url=url: put(new, url))  # type: ignore[misc]
        found = content_of(place)
        found.pop(MARKER, None)
        if "_manifest.json" in found:
            assert found in ([old.files, new.files] if has_earlier else [new.files])
        if not killed:
            break
        kills += 1
        # The run that cleans up may be killed too.
        is_killed_at(step % 3, lambda url=url: put(new, url))  # type: ignore[misc]
        put(new, url)
        assert content_of(place) == new.files, step
    assert found == new.files
    assert kills >= 12
    assert list((tmp_path / "user" / "outputs").iterdir()) == []


def test_what_is_foreign_stays_after_a_kill(tmp_path: Path) -> None:
    new = MadeOutput(tmp_path / "new", ids=[4, 5, 6, 7, 8, 9])
    place = tmp_path / "store" / "out"
    assert is_killed_at(7, lambda: put(new, f"shelf://{place}"))
    left = content_of(place)
    assert {MARKER, "train-00000.parquet"} < left.keys()
    assert "_manifest.json" not in left
    for name in ("notes.txt", "train-00000.parquet", "train-00009.parquet"):
        (place / name).write_bytes(b"mine")
        with pytest.raises(DataError, match=rf"the killed run did not write, or wrote only in part \({name}\)"):
            put(new, f"shelf://{place}")
        assert (place / name).read_bytes() == b"mine"
        (place / name).write_bytes(left[name]) if name in left else (place / name).unlink()
    assert content_of(place) == left
    put(new, f"shelf://{place}")
    assert content_of(place) == new.files


# A run in a process of its own, which is killed before a step of the store.
KILLED = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from chatmill import prepare
from shelves import Shelf, die_before
from test_resume import BASE
if int(sys.argv[4]) >= 0:
    die_before(int(sys.argv[4]))
prepare(["a.jsonl", "b.jsonl"], output=sys.argv[3], shard_tokens=1700, **BASE)
"""


@pytest.mark.parametrize("steps", [(0, 9), (1, 30, 55)])
def test_the_same_command_goes_on_after_kills(steps: tuple[int, ...], inputs: list[str], tmp_path: Path) -> None:
    place = tmp_path / "store" / "out"
    package = str(Path(chatmill.__file__).parents[1])
    command = [sys.executable, "-c", KILLED, package, str(Path(__file__).parent), f"shelf://{place}"]
    for step in (*steps, -1):
        done = subprocess.run([*command, str(step)], capture_output=True, text=True, check=False, timeout=DEADLINE)
        assert done.returncode == (-signal.SIGKILL if step >= 0 else 0), done.stderr
    assert re.search(r"an earlier run on this output did not end; \d+ blocks of it need not", done.stderr)
    prepare(inputs, output="whole", **BASE, shard_tokens=1700)
    assert files_of(place) == files_of("whole")
    assert json.loads((place / "_manifest.json").read_text())["counts"]["rows_in"] == 521
