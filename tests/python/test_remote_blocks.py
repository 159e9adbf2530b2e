"""Tests of blocks in a store of fsspec: units of a plan that machines share by a URL, and a cache there."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import fsspec
import pytest
from buckets import Bucket
from chatmill import DataError, prepare
from chatmill.cli.main import app
from chatmill.distributed.merge import merge
from chatmill.distributed.plan import DistributedPlan, make_plan
from chatmill.distributed.unit import run_unit
from chatmill.outputs.object_store import ObjectStore
from chatmill.resume.store import BlockStore
from click.testing import CliRunner
from resumed import BASE, INPUT_CHANGES, Made, files_of, inputs, keeping, made, rows
from samples import write_rows
from test_remote_outputs import cache, fetched

__all__ = ["cache", "inputs", "keeping", "made"]

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.1},
    "packs": {"pack": 256},
}


@pytest.mark.parametrize("has_cache", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_units_in_any_order(name: str, has_cache: bool, inputs: list[str], bucket: Bucket, made: Made) -> None:
    write_rows(Path("c.jsonl"), rows(100, 900))
    bucket.write("in/c.jsonl", Path("c.jsonl").read_bytes())
    files = [*inputs, f"{bucket.url}/in/c.jsonl"]
    prepare(files, output="whole", **{**BASE, **OPTIONS[name]})
    shared = {"cache": f"{bucket.url}/shared"} if has_cache else {}
    place = f"{bucket.url}/out"
    plan = make_plan({**BASE, **OPTIONS[name], **shared, "output": place, "inputs": files}, unit_bytes=9000)
    assert plan.blocks == (f"{bucket.url}/shared" if has_cache else f"{place}.blocks")
    Path("plan.json").write_text(plan.to_json())
    plan = DistributedPlan.read("plan.json")
    order = list(range(len(plan.units)))
    random.Random(name).shuffle(order)
    with pytest.raises(DataError, match=rf"{len(order)} of the {len(order)} units of the plan are not done"):
        merge(plan)
    done = [run_unit(plan, number) for number in [*order, *order[:3]]]
    assert [it.reused == it.blocks for it in done[-3:]] == [True] * 3
    assert made.by(lambda: merge(plan)) == 0
    assert fetched(ObjectStore(place)) == files_of("whole")
    assert bool(ObjectStore(plan.blocks).sizes()) == has_cache


def test_a_merge_removes_only_blocks(inputs: list[str], bucket: Bucket) -> None:
    plan = make_plan({**BASE, "output": f"{bucket.url}/out", "inputs": inputs})
    for number in range(len(plan.units)):
        run_unit(plan, number)
    foreign = {"notes.txt", "units/notes.json", "runs/a/b.json", f"{'0' * 32}/key.txt"}
    for name in foreign:
        bucket.write(f"out.blocks/{name}", b"mine")
    merge(plan)
    assert ObjectStore(plan.blocks).sizes().keys() == foreign


def test_damaged_and_missing_blocks(inputs: list[str], bucket: Bucket) -> None:
    place = f"{bucket.url}/out"
    plan = make_plan({**BASE, "output": place, "inputs": inputs}, unit_bytes=9000)
    for number in range(len(plan.units)):
        run_unit(plan, number)
    store = ObjectStore(plan.blocks)
    names = sorted(name for name in store.sizes() if name.endswith(".block"))
    store.remove(names[0])
    store.write(names[1], (store.read(names[1]) or b"")[:-1] + b"\0")
    (mark,) = (name for name in store.sizes() if name.endswith("/00001.json"))
    for content in (b"", b"[]", b"{}", b"5"):
        store.write(mark, content)
        with pytest.raises(DataError, match="unit 1 of the plan is not done; run it with `chatmill run-unit PLAN 1`"):
            merge(plan)
    run_unit(plan, 1)
    with pytest.raises(DataError, match=r"are missing or damaged in .*; run all units again"):
        merge(plan)
    for number in range(len(plan.units)):
        run_unit(plan, number)
    merge(plan)
    prepare(inputs, output="whole", **BASE)
    assert fetched(ObjectStore(place)) == files_of("whole")


@pytest.mark.parametrize("change", INPUT_CHANGES)
def test_a_cache_makes_only_new_blocks(change: str, inputs: list[str], made: Made, bucket: Bucket) -> None:
    place = f"{bucket.url}/cache"
    prepare(inputs, output="first", cache=place, **BASE)
    act, names, again = INPUT_CHANGES[change]
    act()
    assert made.by(lambda: prepare(names, output="out", cache=place, **BASE)) == again


def test_a_store_that_fails(
    inputs: list[str], made: Made, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, memory = f"{bucket.url}/cache", fsspec.get_filesystem_class("memory")
    plan = make_plan({**BASE, "output": "out", "cache": place, "inputs": inputs})

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "pipe_file", refuse)
        # A run goes on, and a unit whose tokens are lost does not.
        report = prepare(inputs, output="out", cache=place, **BASE)
        warnings = " ".join(report.warnings)
        assert re.search(
            rf"cannot keep blocks in {place} \(.*the store is away.*\); a run that is interrupted", warnings
        )
        with pytest.raises(DataError, match=rf"cannot keep blocks in {place} .*the store is away.*; free some room"):
            run_unit(plan, 0)
    run_unit(plan, 0)
    monkeypatch.setattr(memory, "cat_file", refuse)
    away = f"cannot read {place}/.*: the store is away; check the URL, the access"
    with pytest.raises(DataError, match=away):
        prepare(inputs, output="out2", cache=place, **BASE)
    with pytest.raises(DataError, match=away):
        merge(plan)


def test_on_the_command_line(inputs: list[str], bucket: Bucket) -> None:
    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == status, done.output
        return done.stdout if status == 0 else done.stderr

    place = f"{bucket.url}/cache"
    assert f"there is no folder {place}" in " ".join(run("cache", "ls", place, status=1).split())
    prepare(inputs, output="first", cache=place, **BASE)
    prepare(inputs, output="second", cache=place, **{**BASE, "max_length": 99})
    lines = run("cache", "ls", place).splitlines()
    assert len(lines) == 3
    assert all("never" not in line for line in lines)
    assert "max_length 99" in "".join(lines)
    assert lines[-1].endswith(f" GB in {place}")
    blocks = sum(it.blocks for it in BlockStore(place).kept())
    most = 20_000
    assert f"; the cache still has {blocks} blocks (" in run("cache", "prune", place, "--max-size", "1GB")
    assert "removed " in run("cache", "prune", place, "--max-size", str(most))
    kept = list(BlockStore(place).kept())
    assert 0 < sum(it.bytes for it in kept) <= most
    assert 0 < sum(it.blocks for it in kept) < blocks
    # The last ones that were written stay.
    assert kept[0].blocks == 0 or kept[1].blocks == 0
