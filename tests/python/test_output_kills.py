"""Tests of SIGKILL at every step of a run that writes an output: nothing is lost, and the next run leaves no trace."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from chatmill.outputs import commit
from chatmill.outputs.staging import staged_output
from staged_outputs import MadeOutput, content_of, is_killed_at

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

Patch = Callable[[pytest.MonkeyPatch], None]


def refused_exchange(code: int) -> Patch:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return lambda patch: patch.setattr(commit, "exchange_files", refuse)


def mounted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os.path, "ismount", lambda path: Path(path).name == "out")


#: The ways to the place: what is there before (nothing, an output, or one without its first shard), what the system
#: refuses, and whether there is a moment without output.
WAYS: dict[str, tuple[str, Patch, bool]] = {
    "new": ("", lambda _: None, False),
    "exchanged": ("whole", lambda _: None, False),
    "renamed": ("whole", refused_exchange(errno.EINVAL), True),
    "lower layer": ("whole", refused_exchange(errno.EXDEV), True),
    "new in a mount": ("", mounted, True),
    "replaced in a mount": ("whole", mounted, True),
    "replaced in a mount, a shard is gone": ("incomplete", mounted, True),
    "exchanged, of an earlier version": ("named as before", lambda _: None, False),
    "replaced in a mount, of an earlier version": ("named as before", mounted, True),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[MadeOutput, MadeOutput]:
    """An earlier output, and a new one with other files: more for training, fewer rows, and no rejects."""
    folder = tmp_path_factory.mktemp("made")
    old = MadeOutput(folder / "old", ids=[1, 2, 3], rejects=b"{}\n{}\n")
    return old, MadeOutput(folder / "new", ids=[4, 5, 6, 7, 8])


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest, outputs: tuple[MadeOutput, MadeOutput], monkeypatch: pytest.MonkeyPatch
) -> tuple[MadeOutput | None, bool]:
    """The earlier output, and whether there is a moment without output."""
    earlier, patch, has_gap = WAYS[request.param]
    patch(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    old = outputs[0]
    incomplete, named_as_before = old.without("train-00000.parquet"), old.of_earlier_version()
    return {"": None, "whole": old, "incomplete": incomplete, "named as before": named_as_before}[earlier], has_gap


def prepare_place(tmp_path: Path, earlier: MadeOutput | None, number: int) -> Path:
    place = tmp_path / str(number) / "out"
    place.mkdir(parents=True)
    if earlier is not None:
        earlier.write_into(place)
    return place


def check_after_next_run(place: Path, wholes: list[dict[str, bytes]]) -> dict[str, bytes]:
    with staged_output(place, overwrite=True) as output:
        pass
    assert output.warnings == []
    found = content_of(place)
    assert found in wholes
    assert [path.name for path in place.parent.iterdir()] == ["out"]
    assert not [path for path in place.rglob("*") if path.is_dir() and path.name != "validation"]
    return found or {}


def test_a_kill_at_any_step(
    way: tuple[MadeOutput | None, bool], outputs: tuple[MadeOutput, MadeOutput], tmp_path: Path
) -> None:
    earlier, has_gap = way
    new = outputs[1]
    before = {} if earlier is None else earlier.files
    ends = []
    # Every third step, because a fork of a large test process takes long. `tests/attacks/kills.py` kills at any moment.
    for step in range(0, 500, 3):
        place = prepare_place(tmp_path, earlier, step)
        killed = is_killed_at(step, lambda place=place: new.put(place))  # type: ignore[misc]
        found = content_of(place)
        if not has_gap:
            assert found in (before, new.files), step
        elif found is not None and found.keys() & {"_manifest.json", "manifest.json"}:
            listed = {name: content for name, content in found.items() if not name.startswith(".chatmill-")}
            assert listed in (before, new.files), step
        if not killed:
            break
        ends.append(check_after_next_run(place, [before, new.files]))
    assert found == new.files
    assert ends[0] == before
    assert ends[-1] == new.files
    assert len(ends) > 7


def test_a_kill_of_the_run_that_cleans_up(
    way: tuple[MadeOutput | None, bool], outputs: tuple[MadeOutput, MadeOutput], tmp_path: Path
) -> None:
    earlier, new = way[0], outputs[1]
    random.seed(7)
    cleanups = 0
    for step in range(0, 500, 11):
        place = prepare_place(tmp_path, earlier, step)
        if not is_killed_at(step, lambda place=place: new.put(place)):  # type: ignore[misc]
            break

        def clean(place: Path = place) -> None:
            with staged_output(place, overwrite=True):
                pass

        cleanups += is_killed_at(random.randrange(20), clean)
        cleanups += is_killed_at(random.randrange(20), clean)
        check_after_next_run(place, [{} if earlier is None else earlier.files, new.files])
    assert cleanups > 2
