"""Tests of the page of a report, without a browser: what is in it, that texts stay texts, its policy and its size."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from chatmill.drawing.row import DrawnRegion, DrawnRow
from chatmill.reporting.model import LengthLimit, Report, ReportFinding, ReportSample
from chatmill.reporting.page import page
from chatmill.reporting.page.charts.bins import bins_of, counts_in
from chatmill.reporting.page.document import MOST_BYTES
from chatmill.reporting.page.samples.fit import fitting
from chatmill.reporting.page.samples.shorten import shortened
from chatmill.text.visible import visible
from report_values import (
    AUDIT,
    AWKWARD,
    HOSTILE,
    conversation,
    full_report,
    full_samples,
    long_samples,
    other_report,
    row_of,
    span,
)

VOID = {"br", "input", "link", "meta"}
# What a page may have. Anything else came out of a text.
ELEMENTS = {
    "a", "article", "b", "body", "code", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer", "h1",
    "h2", "h3", "head", "header", "html", "i", "input", "kbd", "label", "li", "line", "link", "main", "meta", "nav",
    "option", "p", "polyline", "rect", "script", "section", "select", "span", "style", "summary", "svg", "table",
    "tbody", "td", "text", "th", "thead", "title", "tr", "u", "ul",
}  # fmt: skip


class Parsed(HTMLParser):
    """A page, read like in a browser: elements that are open, texts, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.cells: list[str] = []
        self.scripts: dict[str, list[str]] = {"script": [], "style": []}
        self.ids: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.stack.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] in self.scripts:
            self.scripts[self.stack[-1]].append(data)
            return
        self.texts.append(data)
        if "td" in self.stack or "th" in self.stack:
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    @property
    def text(self) -> str:
        return "".join(self.texts)


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
    assert after["tokens a byte of text"][0] == "0.259"


def test_limits_are_shares_of_what_was_there_before_the_cut() -> None:
    cells = Parsed(page([full_report()])).cells
    at = cells.index("6,701")
    assert cells[at - 1 : at + 6] == ["512", "6,701", "63.2 %", "4,200,011", "51.7 %", "1,300,021", "52.7 %"]


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
    [((), "Good Nothing was found"), (("look",), "Look at this"), (("look", "bad"), "Mend this before you train")],
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


def empty_report() -> Report:
    report = other_report()
    zeros: dict[str, Any] = {it.name: 0 for it in fields(report.totals) if it.name != "are_duplicates_exact"}
    totals = replace(report.totals, **zeros)
    nothing: dict[str, Any] = {"lengths": {}, "tools": {}, "trained_shares": (0,) * 12}
    for name in ("limits", "first_trained", "last_trained", "packing", "sources", "samples"):
        nothing[name] = ()
    return replace(report, totals=totals, **nothing)


@pytest.mark.parametrize("others", [[], [full_report()]])
def test_nothing_of_anything_makes_a_page(others: list[Report]) -> None:
    parsed = Parsed(page([empty_report(), *others]))
    assert parsed.stack == []
    assert "nan" not in parsed.text


def test_a_limit_of_one_token_and_a_single_limit() -> None:
    report = replace(full_report(), limits=(LengthLimit(1, 10_601, 8_000_000, 2_400_000),))
    assert Parsed(page([report])).stack == []


# Hostile texts


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_stay_texts(name: str, html: str, parsed: Parsed) -> None:
    # In samples, places, roles, sources, findings, rejects, tokens and run: as characters, never as elements.
    line = visible(HOSTILE[name])
    assert "".join(parsed.texts).count(line) >= 4
    assert HOSTILE[name] == line or HOSTILE[name] not in html


def test_page_has_no_characters_that_hide_text(html: str) -> None:
    assert visible(html) == html
    html.encode("utf-8")


def test_hostile_texts_add_no_elements_and_attributes() -> None:
    """The same report with plain texts has the same elements, with the same names of attributes."""

    def tame(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"[^\w .,:/()+\n\t-]", "x", visible(value))
        if isinstance(value, dict):
            return {tame(key): tame(part) for key, part in value.items()}
        if isinstance(value, tuple):
            return tuple(tame(part) for part in value)
        if is_dataclass(value) and not isinstance(value, type):
            # The ends of tokens are places in the text of a span, whose length changes.
            known = {it.name: tame(getattr(value, it.name)) for it in fields(value) if it.name not in {"ids", "ends"}}
            return replace(value, **known)
        return value

    def shape(report: Report) -> list[tuple[str, list[str]]]:
        # Codes, columns of names and marks of spaces depend on no text here.
        return [(tag, sorted(values)) for tag, values in Parsed(page([report])).elements]

    report = replace(full_report(), samples=())
    assert shape(report) == shape(tame(report))


@pytest.mark.parametrize(
    "text", ["<b>" * 350_000, "\u202e" * 200_000, "\x00" * 1_000_000, "x" * 1_000_000, "\n" * 1_000_000]
)
def test_a_text_of_a_megabyte_everywhere(text: str) -> None:
    report = full_report()
    row = conversation(text, text, notes=(text,))
    role = row_of(DrawnRegion(0, text, "content", (span("a", 1.0),)), DrawnRegion(1, text, "closer", (span("b", 1.0),)))
    report = replace(
        report,
        run=replace(report.run, name=text, template=text, tokenizer=text, labels=text),
        role_sequences={text: 3},
        first_trained=tuple(replace(it, text=text) for it in report.first_trained),
        sources=tuple(replace(it, path=text + it.path) for it in report.sources),
        findings=tuple(replace(it, text=text, place=text, remedy=text, code=text) for it in report.findings),
        rejects=tuple(replace(it, place=text, reason=text, code=text + it.code) for it in report.rejects),
        samples=(
            ReportSample(("random", text), text, text, row, answer=text),
            ReportSample(("random",), text, text, role),
            ReportSample(("rejected",), text, text, None, "", text, text, text),
        ),
        notes={text: 3},
    )
    shown = page([report])
    assert len(shown.encode()) <= MOST_BYTES
    assert Parsed(shown).stack == []


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
    assert all(
        len(it) + int(out.replace(",", "")) >= 5 * tokens // 2 * 2 for it, out in zip(shown, left_out, strict=True)
    )


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


def test_a_row_that_fits_is_not_changed() -> None:
    assert shortened(AWKWARD, len(AWKWARD.text)).first == AWKWARD.regions


def test_fitting_checks_its_guess() -> None:
    """The expensive characters are at the beginning, so that the guess from the whole text is wrong."""
    texts = ["é" * 3000 + "e" * 7000] * 4
    drawn = fitting([len(it) for it in texts], lambda at, limit: texts[at][:limit], 10_000)
    assert 4 * 1000 <= sum(len(it.encode()) for it in drawn) <= 10_000
