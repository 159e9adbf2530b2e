"""A report names each fault that is planted in good rows, with its rows and its first place, and finds nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chatmill import prepare
from chatmill.reporting.job import report
from chatmill.reporting.model import Report, ReportFinding
from corpus_folder import CORPUS
from planted_faults import ALL, CASES, FAULTS, GROUNDS, ROWS, Fault, Ground, planted

Made = tuple[Report, Report]


def reports(ground: Ground, fault: Fault | None, **options: Any) -> Made:
    """The report of an output of the rows, and the report of the rows."""
    Path("rows.jsonl").write_bytes(planted(ground, fault))
    template = options.pop("template", None) or ground.template()
    given = {"tokenizer": ground.tokenizer(), "template": template, **options}
    prepare("rows.jsonl", output="out", overwrite=True, progress=False, **given)
    return report("out").report, report("rows.jsonl", **given).report


def named(made: Report, code: str) -> ReportFinding:
    """The finding with a code."""
    (found,) = [found for found in made.findings if found.code == code]
    return found


@pytest.fixture(autouse=True)
def _skip_without_corpus(request: pytest.FixtureRequest) -> None:
    name = request.getfixturevalue("ground") if "ground" in request.fixturenames else "bytes"
    if GROUNDS[name].is_real and not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}; set CHATMILL_CORPUS")


@pytest.mark.parametrize(("fault", "ground"), CASES, ids=[f"{fault}-{ground}" for fault, ground in CASES])
def test_a_planted_fault_is_named(fault: Fault, ground: str, in_tmp_path: Path) -> None:
    of_output, of_rows = reports(GROUNDS[ground], fault, **{**fault.options, **fault.faulty})
    of_some, of_all = {**fault.found, **fault.in_output}, {**fault.found, **fault.in_rows}
    for made, expected in ((of_output, of_some), (of_rows, of_all)):
        rows = {code: rows if rows != ALL else named(made, code).of for code, rows in expected.items()}
        assert {found.code: found.rows for found in made.findings} == rows
        for found in made.findings:
            assert found.place.startswith("" if found.code in fault.unplaced else fault.place), found
            assert found.remedy
        assert [(it.code, it.rows) for it in made.rejects] == ([(fault.rejected, 2)] if fault.rejected else [])
        assert all(it.place.startswith(fault.place) and it.reason for it in made.rejects)


@pytest.mark.parametrize("ground", GROUNDS)
def test_nothing_is_found_in_good_rows(ground: str, in_tmp_path: Path) -> None:
    options: dict[str, Any] = {}
    for fault in FAULTS:
        options |= fault.options if ground in fault.grounds else {}
    for given in ({}, {**options, "truncation": "keep_start"}) if options else ({},):
        for made in reports(GROUNDS[ground], None, **given):
            assert (made.status, made.findings, made.rejects) == ("good", [], [])
            assert made.totals.rows_out == ROWS


def test_more_than_twenty_kinds_are_named() -> None:
    codes = {code for fault in FAULTS for code in fault.found} | {fault.rejected for fault in FAULTS if fault.rejected}
    assert len(codes) > 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
