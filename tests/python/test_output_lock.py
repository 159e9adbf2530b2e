"""Tests of the lock of an output: an output belongs to one run, whatever names, processes and folders do."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chatmill import DataError
from chatmill.outputs.place import Base
from chatmill.outputs.settle import settle
from chatmill.outputs.staging import staged_output
from chatmill.outputs.workspace import Workspace
from staged_outputs import MadeOutput, content_of


@pytest.mark.parametrize("name", ["out", "linked", "./deep/../deep/out"])
def test_a_second_run_is_refused_at_once(name: str, place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    (place.parent / "linked").symlink_to(place)
    with staged_output(place, overwrite=True) as output:
        made[1].write_into(output.folder)
        with pytest.raises(DataError) as caught:
            made[0].put(place.parent / name if "/" not in name else place.parent.parent / name)
        output.commit(made[1].records)
    message = str(caught.value)
    assert f"another run of chatmill (process {os.getpid()} on " in message
    assert "started at 20" in message
    assert message.endswith(f"writes to {place}; wait until it has ended, or choose another output")
    assert content_of(place) == made[1].files


def test_the_folder_itself_is_held_too(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    """A lock file that somebody deletes, or another name of the same folder, must not let two runs in."""
    with staged_output(place, overwrite=True) as output:
        for lock in place.parent.glob(".chatmill-*.lock"):
            lock.unlink()
        with pytest.raises(DataError, match="another run of chatmill writes to"), staged_output(place, overwrite=True):
            pass
        made[1].write_into(output.folder)
        output.commit(made[1].records)
    assert content_of(place) == made[1].files


def test_a_live_workspace_is_left_alone(tmp_path: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    place = tmp_path / "out"
    with staged_output(place) as output:
        made[1].write_into(output.folder)
        (lock,) = tmp_path.glob(".chatmill-*.lock")
        lock.unlink()
        made[0].put(place)
        assert content_of(output.folder) == made[1].files
        with pytest.raises(DataError, match="not empty"):
            output.commit(made[1].records)
    assert content_of(place) == made[0].files
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_only_looks_like_a_workspace(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    mine = Base(place.parent, place.name).new_workspace()
    (mine / "output").mkdir(parents=True)
    (mine / "output" / "only-copy.txt").touch()
    made[1].put(place)
    assert (mine / "output" / "only-copy.txt").exists()
    (mine / "chatmill-run.json").write_text('{"what": "mine"}')
    made[0].put(place)
    assert (mine / "output" / "only-copy.txt").exists()


def test_leftovers_of_another_output_stay(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    other = Workspace.create(Base(place.parent, "other"))
    made[1].put(place)
    assert other.output.is_dir()
    settle(other, place.parent / "other")
    assert [path.name for path in place.parent.iterdir()] == ["out"]


_CONTENDER = """
import os, sys, time
os.getpid = lambda: 7
from pathlib import Path
from chatmill import DataError
from chatmill.outputs.staging import staged_output
place, start, name = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
sys.path.insert(0, sys.argv[4])
from staged_outputs import MadeOutput
made = MadeOutput(place.parent.with_name(name), ids=[int(name)] * 9)
time.sleep(max(0, start - time.time()))
try:
    with staged_output(place) as output:
        made.write_into(output.folder)
        time.sleep(1)
        output.commit(made.records)
except DataError as error:
    print(error)
    sys.exit(3)
"""


def test_two_processes_with_equal_ids(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    place, start = tmp_path / "shared" / "out", str(time.time() + 6)
    command = [sys.executable, "-c", _CONTENDER, str(place), start]
    runs = [
        subprocess.Popen([*command, name, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True)
        for name in ("1", "2")
    ]
    said = {run.communicate(timeout=60)[0]: run.returncode for run in runs}
    assert sorted(said.values()) == [0, 3]
    (refused,) = (text for text, status in said.items() if status == 3)
    assert "another run of chatmill (process 7 on " in refused
    winner = {status: name for (_, status), name in zip(said.items(), ("1", "2"), strict=True)}[0]
    made = MadeOutput(tmp_path / "again", ids=[int(winner)] * 9)
    assert content_of(place) == made.files
    assert [path.name for path in place.parent.iterdir()] == ["out"]


def test_a_fork_does_not_hold_the_output(place: Path, made: tuple[MadeOutput, MadeOutput]) -> None:
    """A worker process that outlives its parent's run must not block the next run."""
    context = multiprocessing.get_context("fork")
    event = context.Event()
    with staged_output(place, overwrite=True):
        child = context.Process(target=event.wait, args=(60,))
        child.start()
    try:
        made[1].put(place)
    finally:
        event.set()
        child.join()
    assert content_of(place) == made[1].files
