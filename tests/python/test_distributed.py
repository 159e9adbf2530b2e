"""Tests of `plan`, `run-unit` and `merge`: the output is that of one run, whoever made the units, and when."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chatmill import DataError, Tokenizer, prepare
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from chatmill.distributed.merge import merge
from chatmill.distributed.plan import DistributedPlan, make_plan
from chatmill.distributed.unit import run_unit
from click.testing import CliRunner
from resumed import BASE, TOKENIZER, Made, files_of, inputs, made, rows
from samples import write_rows

__all__ = ["inputs", "made"]

ARGUMENTS: dict[str, Any] = {**BASE, "output": "out"}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.1},
    "packs": {"pack": 256},
    "kept": {"keep_columns": ["id"], "split": "per_turn", "shard_tokens": 900},
    "cache": {"cache": "shared"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_units_in_any_order(name: str, inputs: list[str], made: Made) -> None:
    # Kept columns have the type of the inputs, which all inputs must share.
    last = "c.jsonl" if name == "kept" else "c.parquet"
    write_rows(Path(last), rows(100, 900))
    write_rows(Path("d.jsonl.gz"), rows(50, 2000))
    files = [*inputs, last, "d.jsonl.gz"]
    prepare(files, output="whole", **{**BASE, **OPTIONS[name]})
    plan = make_plan({**ARGUMENTS, **OPTIONS[name], "inputs": files}, unit_bytes=9000)
    assert len(plan.units) > 12
    Path("plan.json").write_text(plan.to_json())
    assert DistributedPlan.read("plan.json") == plan
    order = list(range(len(plan.units)))
    random.Random(name).shuffle(order)
    done = [run_unit(plan, number) for number in [*order, *order[:3]]]
    assert [it.reused == it.blocks for it in done[-3:]] == [True] * 3
    assert sum(it.rows for it in done[:-3]) == 300 + 221 + 100 + 50
    assert made.by(lambda: merge(plan)) == 0
    found, whole = files_of("out"), files_of("whole")
    assert found == whole
    assert Path("out.blocks").exists() is False
    assert Path("shared").exists() == (name == "cache")


def test_two_processes(inputs: list[str]) -> None:
    prepare(inputs, output="whole", **BASE)
    plan = make_plan({**ARGUMENTS, "inputs": inputs}, unit_bytes=8000)
    Path("plan.json").write_text(plan.to_json())
    numbers = list(range(len(plan.units)))
    random.Random(3).shuffle(numbers)
    command = [sys.executable, "-m", "chatmill", "run-unit", "plan.json"]
    # Both make the first two units.
    shares = [[*numbers[:2], *numbers[at::2]] for at in range(2)]
    running = [subprocess.Popen([*command, *map(str, share)]) for share in shares]
    assert [process.wait(60) for process in running] == [0, 0]
    merge(plan)
    assert files_of("out") == files_of("whole")


def test_on_the_command_line(inputs: list[str]) -> None:
    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == status, done.output
        return done.stdout if status == 0 else done.stderr

    prepare(inputs, output="whole", **{**BASE, "template": "chatml", "max_length": 100})
    options = ["--tokenizer", str(TOKENIZER), "--template", "chatml", "--max-length", "100", "--block-bytes", "4000"]
    options += ["--now", BASE["now"].isoformat(), "--output", "out", "--unit-bytes", "30000"]
    text = run("plan", *inputs, *options)
    count = len(json.loads(text)["units"])
    assert 2 < count < 10
    Path("plan.json").write_text(text)
    assert run("run-unit", "plan.json", "1").startswith("unit 1: ")
    message = run("merge", "plan.json", status=1)
    assert f"{count - 1} of the {count} units of the plan are not done (0, 2, " in message
    assert "run each of them, the first with `chatmill run-unit PLAN 0`" in message
    assert run("run-unit", "plan.json", "0-1000").count("unit ") == count
    assert "rows out" in run("merge", "plan.json")
    assert files_of("out") == files_of("whole")
    message = run("merge", "plan.json", status=1)
    assert "out has a complete output: if an earlier merge of this plan wrote it, all is done" in message
    assert "'x' is not a number of a unit" in run("run-unit", "plan.json", "x", status=2)
    assert "the range 2-1 ends before it begins; give 1-2" in run("run-unit", "plan.json", "2-1", status=2)
    assert "there is no unit 90; the plan has the units 0 to" in run("run-unit", "plan.json", "90-99", status=2)
    script = run("plan", *inputs, *options[:-3], "other", "--unit-bytes", "4000", "--save", "my plan.json", "--slurm")
    units = len(json.loads(Path("my plan.json").read_text())["units"])
    assert f"--array=0-{units - 1} " in script
    assert "--dependency=afterok:$job" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert "--slurm needs the file of the plan" in run("plan", *inputs, *options, "--slurm", status=2)


def test_a_cache_at_home(inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    plan = make_plan({**ARGUMENTS, "inputs": inputs, "cache": "~/shared"})
    for number in range(len(plan.units)):
        run_unit(plan, number)
    merge(plan)
    assert list(Path("home/shared").rglob("*.block"))
    assert not Path("~").exists()


def test_a_merge_removes_only_blocks(inputs: list[str]) -> None:
    plan = make_plan({**ARGUMENTS, "inputs": inputs})
    for number in range(len(plan.units)):
        run_unit(plan, number)
    # A killed process leaves such a file.
    unfinished = Path(f"out.blocks/runs/.{'0' * 16}.json.{'0' * 16}")
    names = ("notes.txt", "units/notes.json", "runs/mine.json", f"{'0' * 32}/key.txt", "deep/er/x.block")
    foreign = {Path("out.blocks", name) for name in names}
    for path in (unfinished, *foreign):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    merge(plan)
    left = set(Path("out.blocks").rglob("*"))
    assert {it for it in left if it.is_file()} == foreign
    # The folders of the units and of the blocks are removed too.
    assert {it for it in left if it.is_dir()} == {
        Path("out.blocks", it) for it in ("units", "runs", "0" * 32, "deep", "deep/er")
    }


def test_a_plan_of_datasets(inputs: list[str]) -> None:
    datasets = "[{path: a.jsonl, type: chat_template}, {path: b.jsonl, type: chat_template}]"
    Path("config.yaml").write_text(f"chat_template: chatml\nval_set_size: 30\ndatasets: {datasets}\n")
    options = {"tokenizer": str(TOKENIZER), "block_bytes": 4000, "now": BASE["now"]}
    prepare_config("config.yaml", output="whole", **options)
    plan = make_plan({**options, "config": "config.yaml", "output": "out"}, unit_bytes=9000)
    for number in range(len(plan.units)):
        run_unit(plan, number)
    merge(plan)
    assert files_of("out") == files_of("whole")


def other_rows() -> None:
    write_rows(Path("a.jsonl"), rows(299))


def other_version(plan: DistributedPlan) -> DistributedPlan:
    key = plan.keys[0]
    return DistributedPlan(**{**vars(plan), "keys": [type(key)({**key.fields, "recipe": 0}, key.names)]})


def test_what_has_changed_since_the_plan(inputs: list[str]) -> None:
    plan = make_plan({**ARGUMENTS, "inputs": inputs}, unit_bytes=9000)
    with pytest.raises(DataError, match=r"there is no unit 99; the plan has the units 0 to \d+"):
        run_unit(plan, 99)
    with pytest.raises(DataError, match=r"would make other tokens than the plan: this version of chatmill makes other"):
        run_unit(other_version(plan), 0)
    run_unit(plan, 0)
    other_rows()
    with pytest.raises(DataError, match=r"the input a\.jsonl has changed since the plan was made; make the plan again"):
        run_unit(plan, 1)
    plan = make_plan({**ARGUMENTS, "inputs": ["*.jsonl"]}, unit_bytes=9000)
    write_rows(Path("aa.jsonl"), rows(3))
    with pytest.raises(
        DataError, match=r"the inputs have changed since the plan was made: aa\.jsonl is in the place of b\.jsonl"
    ):
        run_unit(plan, 0)


def test_units_of_another_key_are_refused(inputs: list[str]) -> None:
    plan = make_plan({**ARGUMENTS, "inputs": inputs})
    for number in range(len(plan.units)):
        run_unit(plan, number)
    (path,) = Path("out.blocks").glob("units/*/00001.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "key": "0" * 64}))
    with pytest.raises(DataError, match="unit 1 was made with other options than the plan; run it again"):
        merge(plan)
    run_unit(plan, 1)
    lost = next(iter(Path("out.blocks").rglob("*.block")))
    lost.unlink()
    with pytest.raises(DataError, match=r"are missing or damaged in .*; run all units again"):
        merge(plan)
    for number in range(len(plan.units)):
        run_unit(plan, number)
    merge(plan)
    prepare(inputs, output="whole", **BASE)
    assert files_of("out") == files_of("whole")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"tokenizer": Tokenizer(TOKENIZER.read_text())}, "`tokenizer` is an object of the type Tokenizer"),
        ({"inputs": [{"messages": []}]}, "other machines cannot read"),
    ],
)
def test_what_cannot_be_planned(arguments: dict[str, Any], problem: str, inputs: list[str]) -> None:
    with pytest.raises(DataError, match=problem):
        make_plan({**ARGUMENTS, "inputs": inputs, **arguments})
    with pytest.raises(DataError, match="`unit_bytes` is 0"):
        make_plan({**ARGUMENTS, "inputs": inputs}, unit_bytes=0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "units": 3}'])
def test_files_that_are_no_plans(content: str, in_tmp_path: Path) -> None:
    Path("plan.json").write_text(content)
    with pytest.raises(DataError, match=r"plan\.json (is not a plan of `chatmill plan`|was made by another version)"):
        DistributedPlan.read("plan.json")
    with pytest.raises(DataError, match=r"cannot read gone\.json"):
        DistributedPlan.read("gone.json")
