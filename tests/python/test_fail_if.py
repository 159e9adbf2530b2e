"""Figures of a report, and conditions on them: what they mean, which hold, and what is refused."""

from __future__ import annotations

import operator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from chatmill import DataError
from chatmill.reporting.fail_if import Condition, held
from chatmill.reporting.figures import FIGURES, figure_values
from chatmill.reporting.model import Regions, Report, Stops
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import empty_report, example_report

DOCS = Path(__file__).parents[2] / "docs" / "report.md"

# Read by a person from `example_report`.
EXPECTED = {
    "findings": 3,
    "findings_bad": 1,
    "findings_look": 2,
    "rows_in": 10_613,
    "rows_out": 10_601,
    "rejected": 12,
    "samples": 10_607,
    "duplicates": 53,
    "sources": 3,
    "tokens": 7_654_321,
    "trained_tokens": 2_345_678,
    "trained_share": 2_345_678 / 7_654_321,
    "untrained": 17,
    "fully_trained": 1,
    "bytes": 31_415_926,
    "text_tokens": 8_123_456,
    "tokens_per_byte": 8_123_456 / 31_415_926,
    "length_50": 511,
    "length_90": 1_500,
    "length_95": 1_500,
    "length_99": 2_048,
    "length_max": 2_048,
    "truncated": 431,
    "truncated_tokens": 469_135,
    "truncated_trained_tokens": 123_457,
    "uncut_tokens": 8_123_456,
    "uncut_trained_tokens": 2_469_135,
    "assistant_turns": 22_229,
    "trained_turns": 22_111,
    "untrained_turns": 118,
    "stops": 22_120,
    "stop_trained": 21_017,
    "stop_untrained": 611,
    "stop_cut": 419,
    "stop_missing": 73,
    "reasoning_given": 3_011,
    "reasoning_dropped": 2_002,
    "begins_with_bos": 9_973,
    "doubled_bos": 71,
    "control_text": 61,
    "empty_answers": 47,
}


def report_of_rows(text: str = "tokens", **parts: Any) -> Report:
    """A report without packs, so that only `max_length` cuts."""
    return example_report(text, **{"packs": (), **parts})


def test_the_figures_are_those_of_the_report() -> None:
    assert figure_values(report_of_rows()) == EXPECTED


def test_a_report_of_nothing_has_figures() -> None:
    regions = ("stops", "stop_trained", "stop_untrained", "stop_cut", "stop_missing")
    unknown = {*regions, "reasoning_given", "reasoning_dropped"}
    assert figure_values(empty_report()) == {name: None if name in unknown else 0 for name in FIGURES}
    for name, figure in FIGURES.items():
        if name not in unknown:
            sign = "%" if figure.base or figure.is_share else ""
            assert not held([empty_report()], [f"{name} > 0{sign}"])
            assert held([empty_report()], [f"{name} == 0{sign}"])


def test_bases_are_figures_and_totals_of_their_figure() -> None:
    values = figure_values(report_of_rows())
    for figure in FIGURES.values():
        if figure.base:
            part, whole = values[figure.name], values[figure.base]
            assert part is not None
            assert whole is not None
            assert part <= whole
            assert not FIGURES[figure.base].is_share


def test_the_document_lists_every_figure() -> None:
    text = DOCS.read_text("utf-8")
    table = text.partition("## Figures")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert [[it.strip("| ") for it in row] for row in rows] == [
        [f"`{it.name}`", it.about, "1" if it.is_share else f"`{it.base}`" if it.base else ""] for it in FIGURES.values()
    ]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("stop_untrained > 0", True),
        ("stop_untrained > 611", False),
        ("stop_untrained >= 611", True),
        ("stop_untrained<611", False),
        (" stop_untrained  <= 611 ", True),
        ("stop_untrained == 611", True),
        ("stop_untrained != 611", False),
        # 469,135 of 8,123,456 tokens are 5.775 %.
        ("truncated_tokens > 5.77%", True),
        ("truncated_tokens > 5.78 %", False),
        # 12 of 10,613 rows are 0.113 %; 431 of 10,601 rows are 4.066 %.
        ("rejected > 0.12%", False),
        ("truncated > 4.06%", True),
        ("truncated > 4.07%", False),
        ("length_max > 2048", False),
        ("tokens_per_byte > 0.25", True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    assert Condition.of(condition).holds(report_of_rows()) is holds


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("control_text > 0", False),
        # 10 of 1,010 rows; 20 of 1,000 rows, exactly.
        ("rejected > 1%", False),
        ("truncated == 2%", True),
        ("truncated > 2%", False),
        ("trained_share < 0.4", False),
        ("trained_share <= 40%", True),
        ("trained_share < 40.01%", True),
    ],
)
def test_conditions_at_their_limit(condition: str, holds: bool) -> None:
    totals = replace(
        report_of_rows().totals,
        rows_in=1010, rows_out=1000, rejected=10, truncated=20, tokens=500_000, trained_tokens=200_000,
    )  # fmt: skip
    assert Condition.of(condition).holds(report_of_rows(totals=totals, notes={})) is holds


@settings(deadline=None)
@given(
    part=st.integers(0, 10**12),
    more=st.integers(0, 10**12),
    limit=st.decimals(0, 200, places=3),
    sign=st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
)
def test_percentages_are_exact(part: int, more: int, limit: Any, sign: str) -> None:
    report = report_of_rows()
    report = replace(report, totals=replace(report.totals, untrained=part, samples=part + more))
    share = Fraction(part * 100, part + more) if part + more else Fraction(0)
    compare = {
        ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    }[sign]  # fmt: skip
    assert Condition.of(f"untrained {sign} {limit}%").holds(report) is compare(share, Fraction(limit))


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("stop_untraind > 0", "names the figure 'stop_untraind', which does not exist; did you mean 'stop_untrained'?"),
        ("Rejected > 0", "did you mean 'rejected'?"),
        ("loss > 0", "the figures are findings, findings_bad"),
        ("stop_untrained = 0", "the operator '=', which is unknown; use =="),
        ("stop_untrained => 0", "use >="),
        ("stop_untrained ≥ 0", "use >="),
        ("stop_untrained >> 0", "use >, >=, <, <=, ==, !="),
        ("stop_untrained", "is not a condition; give a figure, an operator and a number"),
        ("", "is not a condition"),
        ("> 0", "is not a condition"),
        ("stop_untrained >", "compares with '', which is not a number of 0 or more"),
        ("stop_untrained > -1", "compares with '-1'"),
        ("stop_untrained > 1e3", "compares with '1e3'"),
        ("stop_untrained > 1,5", "compares with '1,5'"),
        ("stop_untrained > ٣", "compares with '٣'"),
        ("stop_untrained > nan", "compares with 'nan'"),
        ("stop_untrained > 0 or rejected > 0", "compares with '0 or rejected > 0'"),
        ("stop_untrained > 2%%", "compares with '2%%'"),
        (f"stop_untrained > {'9' * 5000}", "which is not a number"),
        ("tokens > 2%", "has a percentage, but `tokens` has no total that is 100 %; give a number without %"),
        ("length_max > 2%", "has a percentage"),
    ],
)
def test_what_is_no_condition(condition: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        Condition.of(condition)
    assert problem in str(caught.value)


def test_conditions_that_hold_tell_the_figure_and_the_report() -> None:
    reports = [report_of_rows("a"), replace(report_of_rows("b"), findings=[])]
    found = held(reports, ["findings_bad > 0", "truncated_tokens > 1%", "trained_share < 1%", "length_50 > 299"])
    assert [str(it) for it in found] == [
        "a: findings_bad > 0: findings_bad is 1",
        "a: truncated_tokens > 1%: truncated_tokens is 469,135 of 8,123,456 uncut_tokens (5.78 %)",
        "a: length_50 > 299: length_50 is 511",
        "b: truncated_tokens > 1%: truncated_tokens is 469,135 of 8,123,456 uncut_tokens (5.78 %)",
        "b: length_50 > 299: length_50 is 511",
    ]
    assert str(held(reports[:1], ["trained_share < 50%"])[0]).endswith("trained_share is 0.3065 (30.6 %)")
    assert held(reports, []) == ()


def test_an_unknown_figure_is_an_error_and_not_a_pass() -> None:
    stops = Stops(0, 0, 0, 0)
    for regions in (None, Regions(0, 1000, [], [], stops, 0, 0)):
        with pytest.raises(DataError, match="needs `stop_untrained`, which is unknown for rows"):
            held([report_of_rows("rows", regions=regions)], ["stop_untrained > 0"])
    # All rows were rejected: nothing is unknown about the others.
    assert not held([report_of_rows(regions=Regions(0, 0, [], [], stops, 0, 0))], ["stop_untrained > 0"])
