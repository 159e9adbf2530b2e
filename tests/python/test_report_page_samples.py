"""Tests of the samples in the page of a report, and of its size, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from chatmill.drawing import shorten
from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.reporting.model import ReportSample
from chatmill.reporting.page import page
from chatmill.reporting.page.document import MOST_BYTES
from chatmill.reporting.page.samples.fit import fitting
from chatmill.reporting.page.samples.names import Choices
from chatmill.reporting.page.samples.sample import Numbered, draw_sample
from chatmill.reporting.page.samples.shorten import shortened
from chatmill.text.visible import visible
from parsed_page import Parsed
from report_values import (
    AWKWARD,
    conversation,
    full_report,
    full_samples,
    long_samples,
)

# Samples


def articles(html: str) -> list[str]:
    return re.findall(r"<article.*?</article>", html, re.DOTALL)


def text_of(html: str) -> str:
    return Parsed(f"<div>{html}</div>").text


def test_samples_have_their_text_and_tokens() -> None:
    drawn = articles(page([full_report()]))
    samples = full_samples()
    assert len(drawn) == len(samples)
    for article, sample in zip(drawn, samples, strict=True):
        expected = sample.row.text if sample.row else sample.data
        assert visible(expected) in text_of(article)
        assert sum(len(ids.split()) for ids in re.findall(r'data-ids="([^"]*)"', article)) == (
            sample.row.tokens if sample.row else 0
        )


def test_spaces_and_line_breaks_have_marks() -> None:
    article = articles(page([full_report()]))[3]
    assert "You<i>  </i>are<u>\t</u>a bot.<i> </i><b></b>\n<b></b>\n<i>  </i>Be<i>\u00a0</i>kind." in article


def test_samples_name_their_filters_by_numbers() -> None:
    html = page([full_report()])
    found = re.findall(r'<article[^>]*data-report="(\d+)" data-why="([\d ]*)" data-source="(\d+)"', html)
    assert len(found) == len(full_samples())
    options = {values["value"] for tag, values in Parsed(html).elements if tag == "option"}
    assert {number for _, why, source in found for number in (*why.split(), source)} <= options


def test_roles_of_the_filter_are_those_of_the_regions() -> None:
    parsed = Parsed(page([full_report()]))
    options = [values["value"] for tag, values in parsed.elements if tag == "option"]
    roles = {values["data-role"] for _, values in parsed.elements if "data-role" in values}
    assert len(roles) == 5
    assert roles <= set(options)


def test_no_samples() -> None:
    html = page([full_report(with_samples=False)])
    assert "This report has no samples." in html
    assert not articles(html)
    assert 'id="controls"' not in html


# Size


def test_fifty_samples_fit() -> None:
    samples = tuple(replace(sample, why=("longest",)) for sample in full_samples()[:6]) * 9
    assert len(page([replace(full_report(), samples=samples[:50])]).encode()) < 500_000


@pytest.mark.parametrize(("number", "tokens"), [(50, 8_000), (5, 200_000), (1, 700_000)])
def test_long_samples_are_shortened_to_the_size(number: int, tokens: int) -> None:
    html = page([replace(full_report(), samples=long_samples(number, tokens))])
    size = len(html.encode())
    # The place is used, too.
    assert 0.9 * MOST_BYTES < size <= MOST_BYTES
    left_out = re.findall(r"([\d,]+) characters are left out here", html)
    assert len(left_out) == number
    shown = [unescape(re.sub(r"<[^>]*>", "", it)) for it in articles(html)]
    assert all(len(it) + int(out.replace(",", "")) >= 5 * tokens for it, out in zip(shown, left_out, strict=True))


def test_short_samples_stay_whole_beside_long_ones() -> None:
    html = page([replace(full_report(), samples=(*long_samples(50, 8_000), full_samples()[0]))])
    assert "What is the capital of France?" in html
    assert "left out" not in articles(html)[-1]


def test_two_reports_fit_too() -> None:
    reports = [replace(full_report(name), samples=long_samples(25, 8_000)) for name in ("a", "b")]
    assert len(page(reports).encode()) <= MOST_BYTES


def test_fixed_parts_are_small() -> None:
    assert len(page([full_report(with_samples=False)]).encode()) < 90_000


@pytest.mark.parametrize("limit", range(1, 60))
def test_shortened_rows_keep_their_tokens(limit: int) -> None:
    part = shortened(AWKWARD, limit)
    first = "".join(it.text for region in part.first for it in region.spans)
    last = "".join(it.text for region in part.last for it in region.spans)
    text = AWKWARD.text
    assert text.startswith(first)
    assert text.endswith(last)
    assert len(first) + part.left_out + len(last) == len(text)
    assert len(first) + len(last) == min(limit, len(text))
    for region in (*part.first, *part.last):
        for it in region.spans:
            assert len(it.ids) == len(it.ends)
            assert all(0 <= end <= len(it.text) for end in it.ends)


@pytest.mark.parametrize("size", [31, 100, 12_345, 2_000_000])
@pytest.mark.parametrize("limit", [1, 2, 10, 19, 20, 21, 29])
def test_a_row_that_the_output_shortened_is_counted_as_a_whole(size: int, limit: int) -> None:
    region = DrawnRegion(0, "user", "content", (DrawnSpan("x" * size, 0.0),))
    part = shortened(shorten.shortened(DrawnRow((region,), 0, 0), 30), limit)
    shown = "".join(it.text for region in (*part.first, *part.last) for it in region.spans)
    assert shown == "x" * limit
    assert part.left_out + limit == size


def test_what_the_output_left_out_is_said_once() -> None:
    row = shorten.shortened(conversation("What?", "y" * 50_000), 10_000)
    size = len(conversation("What?", "y" * 50_000).text)
    sample = ReportSample(("longest",), "a, line 1", "a", row)
    (whole,) = articles(page([replace(full_report(), samples=[sample])]))
    assert f"… {size - 10_000:,} characters are not shown …" in text_of(whole)
    assert "left out here" not in whole
    choices = Choices(("run",), ("longest",), ("a",), ())
    cut = text_of(draw_sample(Numbered(1, 0, sample), choices, 3_000))
    assert f"{size - 3_000:,} characters are left out here" in cut
    assert "characters are not shown" not in cut


def test_a_text_like_that_of_the_output_stays() -> None:
    text = "… 6 characters are not shown …"
    region = DrawnRegion(0, "user", "content", (DrawnSpan(text, 0.0), DrawnSpan(f"{text}!", None)))
    part = shortened(DrawnRow((region,), 0, 0), 12)
    assert part.left_out == 2 * len(text) + 1 - 12


@pytest.mark.parametrize(("end", "left"), [("…", "more than 300 more"), ("}", "301 more")])
def test_data_of_which_the_output_has_the_beginning(end: str, left: str) -> None:
    sample = ReportSample(("rejected",), "a, line 1", "a", None, "", "row_json", "no JSON", "z" * 500 + end)
    drawn = draw_sample(Numbered(1, 0, sample), Choices(("run",), ("rejected", "row_json"), ("a",), ()), 200)
    assert f"{'z' * 200} … ({left} characters)" in text_of(drawn)


def test_a_row_that_fits_is_not_changed() -> None:
    assert shortened(AWKWARD, len(AWKWARD.text)).first == AWKWARD.regions


def test_fitting_checks_its_guess() -> None:
    """The expensive characters are at the beginning, so that the guess from the whole text is wrong."""
    texts = ["é" * 3000 + "e" * 7000] * 4
    drawn = fitting([len(it) for it in texts], lambda at, limit: texts[at][:limit], 10_000)
    assert 4 * 1000 <= sum(len(it.encode()) for it in drawn) <= 10_000


# Forged files


def forged(rows: int, regions: int, text: str, *, spans: int = 1) -> tuple[ReportSample, ...]:
    """Samples whose regions have a role each, as only a forged file has them."""
    every = (
        tuple(DrawnRegion(at, f"role {row} {at}", "content", (DrawnSpan(text, 0.0),) * spans) for at in range(regions))
        for row in range(rows)
    )
    return tuple(ReportSample(("random",), f"a, line {at}", "a", DrawnRow(it, 0, 0)) for at, it in enumerate(every))


@pytest.mark.parametrize(("rows", "regions"), [(1000, 100), (20, 5000)])
@pytest.mark.parametrize("text", ["x", ""])
def test_thousands_of_roles_do_not_fill_the_page(rows: int, regions: int, text: str) -> None:
    html = page([replace(full_report(), samples=forged(rows, regions, text))])
    assert len(html.encode()) <= MOST_BYTES
    drawn = articles(html)
    assert len(drawn) == min(rows, 500)
    left_out = re.findall(r"([\d,]+) (?:characters|spans without text) are left out here", html)
    assert len(left_out) == len(drawn)
    for article, out in zip(drawn, left_out, strict=True):
        assert article.count("data-kind") + int(out.replace(",", "")) == regions
    assert f"… and {len(drawn) * regions - 200:,} more, which are left out" in html


def test_the_page_says_how_many_samples_it_left_out() -> None:
    samples = forged(700, 1, "x")
    html = page([replace(full_report(name), samples=samples) for name in ("a", "b")])
    assert len(articles(html)) == 500
    assert "900 more samples are left out, to keep the page small." in html
    assert "more samples are left out" not in page([replace(full_report(), samples=samples[:500])])


@pytest.mark.parametrize("most", range(1, 12))
@pytest.mark.parametrize("limit", [5, 40, 10_000])
def test_spans_are_left_out_of_the_middle(most: int, limit: int) -> None:
    part = shortened(AWKWARD, limit, most)
    first = "".join(it.text for region in part.first for it in region.spans)
    last = "".join(it.text for region in part.last for it in region.spans)
    assert sum(len(region.spans) for region in (*part.first, *part.last)) <= most
    assert AWKWARD.text.startswith(first)
    assert AWKWARD.text.endswith(last)
    assert len(first) + part.left_out + len(last) == len(AWKWARD.text)
