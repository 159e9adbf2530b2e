"""The whole job over a few of the bundled examples: contenders run, and their ids and labels are equal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import job
import job_stages
import pytest
from job_contenders import MAP, columns, contenders, run
from job_rounds import Figures, fastest_bare, measure
from job_rows import START_ROWS, TAGGED, material, unseen
from processes import measured

BARE, PREPARE = "bare tokenizers", "chatmill prepare"


def test_contenders_agree_and_cost_something(tmp_path: Path) -> None:
    it = material("examples", 20, tmp_path / "examples")
    everybody = {who.name: who for who in contenders([1], 1, {})[0] if who.template == TAGGED}
    runs = {name: run(everybody[name], it, it.whole, tmp_path / name) for name in (MAP, PREPARE)}
    made = {name: columns(everybody[name], one.output) for name, one in runs.items()}
    assert len(made[MAP].lengths) == 20
    assert (made[MAP].labels == -100).any()
    assert made[PREPARE].rows_that_differ(made[MAP]) == (0, 0)

    [bare] = measure([everybody[BARE]], it, tmp_path, rounds=1)
    assert bare.other_ids is None
    assert 0 < bare.row_processor_seconds < bare.whole_row_processor_seconds
    prepare = Figures(everybody[PREPARE], 20, START_ROWS, [runs[PREPARE]], [runs[PREPARE]], other_ids=0, other_labels=3)
    assert prepare.is_uncertain
    assert fastest_bare([bare, prepare], TAGGED, 1) is bare
    assert min(bare.peak_mib, prepare.peak_mib) > 10
    line = dict(zip(job.HEADER, job.line(prepare, [bare, prepare]), strict=True))
    assert (line["ids"], line["labels"], line["× bare"]) == ("equal", "3 rows differ", "(0.00)")
    json.dumps([bare.record(), prepare.record()])


def test_the_stages_of_prepare_are_measured(tmp_path: Path) -> None:
    it = material("examples", 20, tmp_path / "examples")
    files = (it.whole.rows, it.start.rows, it.tokenizer, it.templates[TAGGED], tmp_path / "out")
    seconds = job_stages.stages(*files, "assistant")
    assert list(seconds) == ["read", "render", "mill", "write"]
    assert all(value > 0 for value in seconds.values())
    found = dict(job_stages.lines(seconds, seconds, 1, 0.0, sum(seconds.values())))
    assert found["rest of prepare, by difference"] == pytest.approx(seconds["render"])


def test_rows_are_not_repeated() -> None:
    every, nothing = unseen("examples", None)
    texts = [json.dumps(row) for row in every]
    assert len(set(texts)) == len(texts)
    asked, note = unseen("examples", len(every) + 1)
    assert asked == every
    assert f"the set has {len(every)}, and rows are not repeated" in note
    few, _ = unseen("examples", START_ROWS)
    assert few == [every[0], every[len(every) // 2]]
    assert nothing == note.rpartition("; ")[0]


def test_a_command_that_fails_says_so() -> None:
    with pytest.raises(SystemExit, match="ended with status 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"])
