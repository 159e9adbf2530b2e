"""Tests of the page of a report, without a browser: what is in it, that texts stay texts, its policy and its size."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from chatmill.drawing.row import DrawnRow
from chatmill.reporting.bins import bins_of, counts_in
from chatmill.reporting.model import LengthLimit, Report, ReportFinding, Sequences, TokenShare
from chatmill.reporting.page import page
from chatmill.text.visible import visible
from parsed_page import ELEMENTS, Parsed
from report_example import empty_report
from report_values import (
    AUDIT,
    full_report,
    other_report,
)


@pytest.fixture(scope="module")
def html() -> str:
    return page([full_report()], audit=AUDIT)


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    return Parsed(html)


def numbers_in(value: Any) -> Iterator[int]:
    """All whole numbers of a report, without those of rows: they have their own tests."""
    if isinstance(value, bool | str | float | DrawnRow | None):
        return
    if isinstance(value, int):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from numbers_in(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from numbers_in(key)
            yield from numbers_in(part)
    else:
        for part in value:
            yield from numbers_in(part)


def one_figure_each(report: Report) -> Report:
    """The report without what the page shows in another way: bins, and turns counted from 1."""
    return replace(report, lengths={}, messages={}, tools={}, regions=None)


# Structure


def test_every_element_is_closed_and_known(parsed: Parsed) -> None:
    assert parsed.stack == []
    assert {tag for tag, _ in parsed.elements} <= ELEMENTS


def test_ids_are_unique_and_links_lead_somewhere(parsed: Parsed) -> None:
    assert len(parsed.ids) == len(set(parsed.ids))
    links = [values["href"] or "" for tag, values in parsed.elements if tag == "a"]
    assert links
    assert all(link.startswith("#") and link[1:] in parsed.ids for link in links)


def test_nothing_comes_from_outside(parsed: Parsed) -> None:
    names = {name for _, values in parsed.elements for name in values}
    assert names.isdisjoint(
        {"src", "srcset", "action", "formaction", "data", "poster", "xlink:href", "style", "srcdoc"}
    )
    assert not [name for name in names if name.startswith("on")]
    targets = {values["href"] for tag, values in parsed.elements if "href" in values and tag != "a"}
    assert targets == {"data:,"}
    sheet = "".join(parsed.scripts["style"])
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_policy_allows_only_the_scripts_and_styles_of_the_page(parsed: Parsed) -> None:
    metas = [values for tag, values in parsed.elements if tag == "meta"]
    policy = next(it["content"] or "" for it in metas if it.get("http-equiv") == "Content-Security-Policy")
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives.pop("default-src") == "'none'"
    for tag, name in (("style", "style-src"), ("script", "script-src")):
        (text,) = parsed.scripts[tag]
        assert directives.pop(name) == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert directives == {"base-uri": "'none'", "form-action": "'none'", "img-src": "data:"}
    # Nothing but the encoding is read before the policy holds.
    assert [tag for tag, _ in parsed.elements[:4]] == ["html", "head", "meta", "meta"]
    assert "http-equiv" in parsed.elements[3][1]


def test_script_makes_no_html() -> None:
    (script,) = Parsed(page([full_report()])).scripts["script"]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "import(",
    ):
        assert word not in script, word


def test_everything_that_can_be_used_has_a_name(parsed: Parsed) -> None:
    regions = [values for _, values in parsed.elements if values.get("role") in {"region", "img", "search"}]
    assert regions
    assert all(values["aria-label"] for values in regions)
    focusable = [values for _, values in parsed.elements if values.get("tabindex") == "0"]
    assert all(values["role"] == "region" for values in focusable)


# Figures


def test_every_number_is_in_the_page(parsed: Parsed) -> None:
    shown = set(re.findall(r"\d+(?:,\d{3})*", " ".join(parsed.texts)))
    wanted = list(numbers_in(one_figure_each(full_report())))
    assert len(wanted) > 100
    assert [it for it in wanted if f"{it:,}" not in shown and str(it) not in shown] == []


def test_numbers_of_regions_are_in_the_page(parsed: Parsed) -> None:
    regions = full_report().regions
    assert regions is not None
    shown = set(parsed.cells)
    counted = [(it.tokens, it.trained_tokens) for it in regions.shares]
    counted += [(it.tokens, it.trained_tokens) for it in regions.turns]
    assert {f"{number:,}" for numbers in counted for number in numbers} <= shown
    assert {f"{it.turns:,}" for it in regions.turns} <= shown
    assert {"1", "2", "3 and later"} <= shown
    assert {
        f"{it:,}" for it in (*vars(regions.stops).values(), regions.reasoning_given, regions.reasoning_printed)
    } <= shown
    assert "known for 10,599 of 10,601 rows" in parsed.text


def test_every_number_of_an_audit_is_in_the_page(parsed: Parsed) -> None:
    shown = set(re.findall(r"\d+(?:,\d{3})*", " ".join(parsed.texts)))
    wanted = [*numbers_in(replace(AUDIT, options={})), AUDIT.differing_rows]
    assert [it for it in wanted if f"{it:,}" not in shown] == []


def test_totals_are_beside_their_names() -> None:
    cells = Parsed(page([full_report()])).cells
    cells = cells[cells.index("rows read") : cells.index("name")]
    after = {name: (number, share) for name, number, share in zip(cells, cells[1:], cells[2:], strict=False)}
    assert after["trained tokens"] == ("2,345,678", "30.6 %")
    assert after["rejected rows"] == ("12", "0.1 %")
    assert after["rows cut to max_length"] == ("431", "4.1 %")
    assert after["trained turns of the assistant"] == ("22,111", "99.5 %")
    # 123,457 of the trained tokens before the cut: 2,345,678 and these.
    assert after["trained tokens that were cut off"] == ("123,457", "5.0 %")
    assert after["tokens per byte of text"][0] == "0.259"


def test_limits_are_shares_of_what_was_there_before_the_cut() -> None:
    cells = Parsed(page([full_report()])).cells
    at = cells.index("6,701")
    assert cells[at - 1 : at + 6] == ["512", "6,701", "63.2 %", "4,200,011", "51.7 %", "1,300,021", "52.7 %"]


def test_limits_know_of_rows_that_are_not_among_the_samples() -> None:
    """All ten sequences of 1,000 tokens are rejected, so that the totals have no tokens."""
    limits = (LengthLimit(128, 10, 8_720, 5_000), LengthLimit(512, 10, 4_880, 2_500), LengthLimit(1_024, 0, 0, 0))
    report = replace(other_report(), limits=limits, sequences=Sequences(10, 10_000, 5_000))
    none = replace(report.totals, rows_out=0, samples=0, tokens=0, trained_tokens=0, cut_tokens=0)
    cells = Parsed(page([replace(report, totals=none)])).cells
    at = cells.index("4,880")
    assert cells[at - 3 : at + 4] == ["512", "10", "100.0 %", "4,880", "48.8 %", "2,500", "50.0 %"]


def test_lengths_are_counted_in_bins_without_loss() -> None:
    lengths = full_report().lengths
    bins = bins_of(list(lengths))
    assert sum(counts_in(bins, lengths)) == sum(lengths.values())
    shown = Parsed(page([full_report()])).cells
    assert {f"{it:,}" for it in counts_in(bins, lengths) if it} <= set(shown)


@pytest.mark.parametrize(
    "numbers",
    [[0], [7], [0, 1], [1, 1000000], [5, 44], [5, 45], [1000, 1100], [100, 5000], [*range(50, 120)], [0, 99999]],
)
def test_bins_have_each_number_once(numbers: list[int]) -> None:
    bins = bins_of(numbers)
    assert len(bins) <= 90
    assert all(one.last + 1 == other.first for one, other in pairwise(bins))
    assert bins[0].first <= min(numbers)
    assert bins[-1].last >= max(numbers)
    assert all(it.first <= it.last for it in bins)
    assert sum(counts_in(bins, dict.fromkeys(numbers, 2))) == 2 * len(numbers)


def test_findings_have_their_place_and_remedy_and_lead_to_a_row(parsed: Parsed) -> None:
    for found in full_report().findings:
        assert visible(found.text) in parsed.text
        assert visible(found.place) in parsed.text
        assert visible(found.remedy) in parsed.text
    # The finding `truncated` has a sample: the fourth.
    assert ("a", {"href": "#sample-4"}) in parsed.elements


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((), "Good chatmill found nothing"),
        (("look",), "Look at this"),
        (("look", "bad"), "Correct this before you train"),
    ],
)
def test_verdict(statuses: tuple[Any, ...], verdict: str) -> None:
    findings = tuple(ReportFinding("code", status, "text") for status in statuses)
    assert verdict in Parsed(page([replace(full_report(), findings=findings)])).text


def test_charts_say_the_figures_of_their_bars(parsed: Parsed) -> None:
    titles = [text for text in parsed.texts if " samples (" in text]
    assert "up to 40 %: 4,007 samples (37.8 %)" in titles
    assert any(text.startswith("max_length 1,024: 3,203 sequences cut (30.2 %)") for text in parsed.texts)


# Several reports


def test_two_reports_have_their_columns_side_by_side() -> None:
    parsed = Parsed(page([full_report("out/a"), other_report("out/b")]))
    at = parsed.cells.index("rows read")
    assert parsed.cells[at : at + 5] == ["rows read", "10,613", "", "815", ""]
    at = parsed.cells.index("more.jsonl")
    assert parsed.cells[at + 11 : at + 20] == ["–"] * 9
    assert parsed.text.count("out/a") > 5
    assert "Report" in "".join(parsed.texts)


def test_reports_of_one_name_are_told_apart() -> None:
    text = Parsed(page([full_report(), full_report(), full_report()])).text
    assert "out/train (2)" in text
    assert "out/train (3)" in text


def test_no_report_is_an_error() -> None:
    with pytest.raises(ValueError, match="give at least one"):
        page([])


@pytest.mark.parametrize("others", [[], [full_report()]])
def test_nothing_of_anything_makes_a_page(others: list[Report]) -> None:
    parsed = Parsed(page([empty_report(), *others]))
    assert parsed.stack == []
    assert "nan" not in parsed.text


def test_a_limit_of_one_token_and_a_single_limit() -> None:
    report = replace(full_report(), limits=(LengthLimit(1, 10_601, 8_000_000, 2_400_000),))
    assert Parsed(page([report])).stack == []


def test_roles_beyond_two_hundred_are_one_row() -> None:
    report = full_report(with_samples=False)
    assert report.regions is not None
    shares = tuple(TokenShare(f"role {at}", "content", 1000 + at, 1) for at in range(1000))
    html = page([replace(report, regions=replace(report.regions, shares=shares))])
    assert "role 199<" in html
    assert "role 200<" not in html
    rest = sum(1000 + at for at in range(200, 1000))
    row = next(it for it in re.findall(r"<tr>.*?</tr>", html) if "800 others" in it)
    assert f"{rest:,}" in row
    assert ">800<" in row
