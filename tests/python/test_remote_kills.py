"""Tests of SIGKILL while an output is put into a store: the next run completes it, and nothing foreign is deleted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import chatmill
import pytest
from chatmill import DataError, prepare
from chatmill.outputs.claim import MARKER
from chatmill.outputs.destination import new_output
from folders import files_in
from processes import DEADLINE, is_killed
from resumed import BASE, files_of, inputs, keeping
from shelves import die_before
from staged_outputs import MadeOutput
from test_remote_outputs import cache

__all__ = ["cache", "inputs", "keeping"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes")


def is_killed_at(step: int, action: Callable[[], object]) -> bool:
    """Run an action in a process that is killed right before a step of a `Shelf`; return whether it was killed."""

    def run() -> None:
        die_before(step)
        action()

    return is_killed(run)


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
    kills = whole_after_kill = 0
    for step in range(100):
        place = tmp_path / "store" / str(step)
        place.mkdir(parents=True)
        if has_earlier:
            old.write_into(place)
        url = f"shelf://{place}"
        killed = is_killed_at(step, lambda url=url: put(new, url))  # type: ignore[misc]
        found = files_in(place)
        found.pop(MARKER, None)
        # Until there is a manifest, nobody takes the files for an output.
        is_whole = found in ([old.files, new.files] if has_earlier else [new.files])
        assert is_whole == ("_manifest.json" in found), step
        if not killed:
            break
        kills += 1
        whole_after_kill += is_whole
        # The run that cleans up may be killed too.
        is_killed_at(step % 3, lambda url=url: put(new, url))  # type: ignore[misc]
        put(new, url)
        assert files_in(place) == new.files, step
    assert found == new.files
    assert kills >= 12
    assert whole_after_kill >= (2 if has_earlier else 1)
    assert list((tmp_path / "user" / "outputs").iterdir()) == []


def test_what_is_foreign_stays_after_a_kill(tmp_path: Path) -> None:
    new = MadeOutput(tmp_path / "new", ids=[4, 5, 6, 7, 8, 9])
    place = tmp_path / "store" / "out"
    assert is_killed_at(7, lambda: put(new, f"shelf://{place}"))
    left = files_in(place)
    assert {MARKER, "train-00000.parquet"} < left.keys()
    assert "_manifest.json" not in left
    for name in ("notes.txt", "train-00000.parquet", "train-00009.parquet"):
        (place / name).write_bytes(b"mine")
        with pytest.raises(DataError, match=rf"the killed run did not write, or wrote only in part \({name}\)"):
            put(new, f"shelf://{place}")
        assert (place / name).read_bytes() == b"mine"
        (place / name).write_bytes(left[name]) if name in left else (place / name).unlink()
    assert files_in(place) == left
    put(new, f"shelf://{place}")
    assert files_in(place) == new.files


# A run in a process of its own, which is killed before a step of the store.
KILLED = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from chatmill import prepare
from shelves import Shelf, die_before
from resumed import BASE
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
    assert re.search(r"an earlier run on this output did not end; \d+ blocks of it can be used", done.stderr)
    prepare(inputs, output="whole", **BASE, shard_tokens=1700)
    assert files_of(place) == files_of("whole")
    assert json.loads((place / "_manifest.json").read_text())["counts"]["rows_in"] == 521
