"""The report in the terminal and in notebooks: its numbers, several side by side, and hostile texts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from chatmill.reporting.bins import counts_in, few_bins
from chatmill.reporting.choose import some_samples
from chatmill.reporting.histogram import bar, spark
from chatmill.reporting.model import LengthLimit, RejectReason, Report, ReportFinding, ReportSample, Source, TokenShare
from chatmill.reporting.shown import ShownReport
from chatmill.reporting.terminal import report_text, show_reports
from chatmill.statistics.quantiles import quantiles
from chatmill.terminal.console import new_console
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import empty_report, example_report
from report_values import full_report

EVIL = (
    "\x1b[2J\x1b]0;t\x07\x00\x9b\u202enimda\u2066\u200b\ufeff\ud800\r\n"
    "good: nothing was found\n\t[bold red]:warning:[/]</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"'&amp;"
)
# Control characters besides the line feed, and what hides or turns text.
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
LENGTHS = st.dictionaries(st.integers(0, 200_000), st.integers(0, 10_000), max_size=60)


def section(text: str, title: str) -> list[list[str]]:
    """The cells of the lines of one section."""
    _, found, rest = text.partition(f"\n{title}\n")
    assert found, f"no section {title!r} in:\n{text}"
    return [re.split(r" {2,}", line.strip()) for line in rest.partition("\n\n")[0].splitlines()]


def test_the_head_and_the_findings() -> None:
    run = replace(example_report().run, labels="last")
    lines = str(ShownReport((example_report(run=run),))).splitlines()
    assert lines[:3] == [
        "tokens: an output of chatmill 0.1.0, made 2026-11-22T21:00:00Z, parquet",
        "tokenizer org/model tokens (fastokens), template qwen3 tokens, labels last, max_length 2,048 (keep_start)",
        "bad: something is wrong (1 bad, 2 to look at)",
    ]
    assert section("\n".join(lines), "findings") == [
        ["bad", "stop_untrained", "611 trained turns do not train their stop token tokens"],
        ["first: chats.jsonl:13 tokens"],
        ["Use labels with `train_on_eos`. tokens"],
        ["look truncated", "431 rows are cut"],
        ["first: more.jsonl:4"],
        ["Raise max_length."],
        ["look reasoning_dropped", "The template drops reasoning."],
    ]


def test_a_report_without_findings_says_so() -> None:
    text = report_text([example_report(findings=[])])
    assert "\ngood: nothing was found\n" in text
    assert "\nfindings\n" not in text


def test_rows_are_not_called_an_output() -> None:
    run = replace(example_report("rows.jsonl").run, is_output=False, created="", layout="", max_length=None)
    lines = report_text([example_report(run=run)]).splitlines()
    assert lines[0] == "rows.jsonl: rows, without an output"
    assert "max_length" not in lines[1]


def test_the_sections_have_the_numbers() -> None:
    text = report_text([example_report(totals=replace(example_report().totals, are_duplicates_exact=True))])
    assert section(text, "totals") == [
        ["rows in", "10,613"],
        ["rows out", "10,601"],
        ["rejected", "12", "0.1 % of the rows"],
        ["samples", "10,607"],
        ["tokens", "7,654,321", "3.87 bytes per token"],
        ["trained", "2,345,678", "30.6 % of the tokens"],
        ["untrained", "17", "0.2 % of the samples have no trained token"],
        [
            "truncated",
            "431",
            "rows cut to max_length; 469,135 tokens (5.8 %) are lost, 123,457 of them would have been trained",
        ],
        ["lost in packs", "455", "rows cut or dropped by packing; 143,842 tokens (1.8 %) are lost"],
        ["turns", "22,111", "trained, of 22,229 turns of the assistant"],
        ["duplicates", "53", "samples are equal to an earlier one"],
        ["BOS", "9,973", "samples begin with the begin-of-text token"],
    ]
    assert section(text, "packs of 2,051 tokens") == [
        ["packs", "tokens", "full", "trained", "rows cut", "rows dropped", "tokens lost"],
        ["train", "3,797", "7,654,319", "98.3 %", "2,345,677", "30.6 %", "409", "37", "137,650", "1.8 %"],
        ["tokens", "31", "60,169", "94.6 %", "20,177", "33.5 %", "5", "4", "6,192", "9.3 %"],
        ["all other sections describe the rows before they were packed"],
    ]
    lengths = section(text, "lengths, in tokens")
    assert [lengths[0], lengths[2], lengths[10]] == [
        ["0 – 199", "██▋", "322"],
        ["400 – 599", "█" * 24, "3,001"],
        ["2,000 – 2,199", "███▌", "431"],
    ]
    assert lengths[-1] == ["at most: 50 %: 511, 90 %: 1,500, 95 %: 1,500, 99 %: 2,048, max: 2,048"]
    assert section(text, "what a max_length cuts") == [
        ["max_length", "rows cut", "tokens lost", "trained"],
        ["256", "9,901", "5,500,003", "67.7 %", "1,900,007"],
        ["512", "6,701", "4,200,011", "51.7 %", "1,300,021"],
        ["1,024", "3,203", "2,100,013", "25.9 %", "700,027"],
        ["2,048", "431", "469,135", "5.8 %", "123,457"],
        ["4,096", "29", "31,337", "0.4 %", "4,243"],
        ["8,192", "0", "0", "0.0 %", "0"],
        ["100 % are the 8,123,459 tokens of 10,611 sequences before any cut"],
    ]
    shares = section(text, "trained share of a sample")
    assert [shares[0], shares[1], shares[4], shares[10], shares[11]] == [
        ["none", "▏", "17"],
        ["to 10 %", "▏", "23"],
        ["to 40 %", "█" * 24, "4,007"],
        ["above 90 %", "▏", "2"],
        ["all", "▏", "1"],
    ]
    assert len(shares) == 12
    known = ", of 10,599 of 10,601 rows"
    # 10 blocks are 80 eighths: 0.8118 of them are 65, 0.9522 are 76.
    assert section(text, f"tokens by role and kind{known}")[1:] == [
        ["–", "scaffold", "21,214", "0.3 %", "0.0 %"],
        ["system", "content", "303,031", "4.0 %", "0.0 %"],
        ["user", "content", "4,404,041", "57.5 %", "0.0 %"],
        ["assistant", "header", "66,687", "0.9 %", "0.0 %"],
        ["assistant", "reasoning", "505,051", "6.6 %", "81.2 %", "████████▏"],
        ["assistant", "content", "2,009,011", "26.2 %", "95.2 %", "█████████▌"],
        ["assistant", "closer", "22,651", "0.3 %", "100.0 %", "█" * 10],
        ["tokens", "content", "77", "0.0 %", "1.3 %", "▏"],
    ]
    # 0.9167 are 73, 0.8890 are 71, 0.8853 are 71.
    assert section(text, f"turns of the assistant{known}")[1:] == [
        ["1", "10,589", "1,200,007", "91.7 %", "█████████▏"],
        ["2", "7,001", "900,001", "88.9 %", "████████▉"],
        ["3 and later", "4,639", "503,389", "88.5 %", "████████▉"],
    ]
    assert [row[:2] for row in section(text, f"stop tokens of trained turns{known}")] == [
        ["trained", "21,017"],
        ["not trained", "611"],
        ["cut", "419"],
        ["missing", "73"],
    ]
    assert section(text, "reasoning")[0][0].endswith("of 1,009 of 3,011 messages that have a field for it")
    assert section(text, "roles of the messages")[0] == ["3,607", "user assistant"]
    assert section(text, "roles of the messages")[2] == ["153", "tokens"]
    assert section(text, "tools") == [["501 rows declare tools, at most 12"]]
    assert section(text, "first trained tokens")[1] == ["5,003", "151667", "<think>"]
    assert section(text, "last trained tokens")[3] == ["39", "7", "tokens"]
    # 0.983 are 79 of 80 eighths.
    assert section(text, "packing")[1] == ["2,048", "3,803", "98.3 %", "█████████▉", "0", "57.1 %"]
    assert section(text, "sources")[2] == ["more.jsonl", "1,499", "7", "1,654,313", "20.9 %", "3.14"]
    assert section(text, "rejected rows") == [
        ["row_json", "7", "more.jsonl:7: the row is no JSON"],
        ["tokens", "5", "tokens: tokens"],
    ]
    assert ["doubled_bos", "71", "rows that begin with two begin-of-text tokens"] in section(text, "notes")
    assert "\n2 samples\n" in text


def test_a_part_of_the_rows_is_named() -> None:
    regions = example_report().regions
    assert regions is not None
    text = report_text([example_report(regions=replace(regions, rows=9_900))])
    assert "\ntokens by role and kind, of 9,900 of 10,601 rows\n" in text


def test_estimates_are_named() -> None:
    assert "estimated from a part of them" in report_text([example_report()])
    totals = replace(example_report().totals, are_duplicates_exact=True)
    assert "estimated from a part of them" not in report_text([example_report(totals=totals)])


def test_long_lists_are_cut() -> None:
    report = example_report(
        sources=[Source(f"{number}.jsonl", 0, 1, 0, 1, 1, 1, 1) for number in range(50)],
        rejects=[RejectReason(f"code{number}", 1, "p", "r" * 10_000_000) for number in range(50)],
    )
    text = report_text([report])
    assert text.count("… and 30 more") == 2
    assert len(text) < 40_000


def test_a_report_of_nothing() -> None:
    report = empty_report()
    text = report_text([report])
    assert re.findall("^[a-z].*", text, re.MULTILINE)[-1] == "totals"
    assert section(text, "totals")[0] == ["rows in", "0"]
    assert "verdict" in report_text([report, report])
    assert "<table" in ShownReport((report,))._repr_html_()


def test_several_reports_are_columns() -> None:
    other = example_report(
        "other",
        lengths={300: 4},
        findings=[ReportFinding("untrained", "look", "3 samples", 3, 1000), ReportFinding("no_rows", "look", "none")],
        limits=[LengthLimit(512, 1, 1, 1)],
    )
    assert other.regions is not None
    other = replace(other, regions=replace(other.regions, shares=[TokenShare("tool", "content", 8, 2)]))
    text = report_text([example_report(), other, example_report("third", regions=None)])
    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    for expected in (
        ["tokens", "other", "third"],
        ["verdict", "bad", "look", "bad"],
        ["rows in", *["10,613"] * 3],
        ["tokens in packs", *["7,714,488"] * 3],
        ["length in tokens", *["2,051"] * 3],
        ["tokens lost", *["143,842"] * 3],
        ["trained", *["2,345,678 (30.6 %)"] * 3],
        ["50 %", "511", "300", "511"],
        ["max", "2,048", "300", "2,048"],
        # The bins of both have the same edges; 4 samples more do not change the blocks.
        ["0 – 2,199", "▁▆█·█··▆··▂", "·█·········", "▁▆█·█··▆··▂"],
        ["stop_untrained", "607", "607"],
        ["untrained", "3"],
        ["no_rows", "look"],
        ["assistant · content", "2,009,011 (95.2 %)"],
        ["tool · content", "8 (25.0 %)"],
        ["not trained", "611", "611"],
        ["2,048", *["98.3 %"] * 3],
        ["row_json", "7", "7", "7"],
    ):
        assert expected in lines, f"{expected} is not in\n{text}"


def test_hostile_texts_stay_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HIDDEN.search(report_text([full_report()]) + report_text([full_report(), example_report()])) is None
    for reports in ([example_report(EVIL)], [example_report(EVIL), example_report("b")]):
        plain = report_text(reports)
        assert HIDDEN.search(plain) is None
        assert "␛[2J" in plain
        assert "⟨U+202E⟩nimda" in plain
        assert not re.search(r"^good", plain, re.MULTILINE)
    # Without folded cells, the line break of the text does not begin a line either.
    monkeypatch.setattr("chatmill.reporting.terminal._WIDTH", 10_000)
    for reports in ([example_report(EVIL)], [example_report(EVIL), example_report("b")]):
        assert not re.search(r"^ *good", report_text(reports), re.MULTILINE)


def test_markup_in_texts_is_text() -> None:
    assert "[boldred]:warning:[/]" in re.sub(r"\s", "", report_text([example_report(EVIL)]))


def test_hostile_texts_on_a_terminal() -> None:
    for width in (20, 80, 300):
        console = new_console(width=width, force_terminal=True, color_system="truecolor")
        with console.capture() as capture:
            console.print(show_reports([example_report(EVIL)]))
            console.print(show_reports([example_report(EVIL), example_report(EVIL)]))
        # The colors are the console's own.
        assert HIDDEN.search(re.sub(r"\x1b\[[0-9;]*m", "", capture.get())) is None


@settings(max_examples=30, deadline=None)
@given(st.text())
def test_any_text_can_be_shown(text: str) -> None:
    report = example_report(text)
    plain = report_text([report]) + report_text([report, report])
    plain.encode()
    assert HIDDEN.search(plain) is None


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def tags_of(html: str) -> _Tags:
    """Parse HTML, whose tags must all be closed."""
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("text", ["tokens", EVIL], ids=["plain", "hostile"])
def test_notebooks_get_a_small_static_summary(text: str) -> None:
    for reports in ([example_report(text)], [example_report(text), example_report("b")]):
        html = ShownReport(tuple(reports))._repr_html_()
        html.encode()
        assert len(html) < 20_000
        assert HIDDEN.search(html) is None
        parsed = tags_of(html)
        assert {tag for tag, _ in parsed.found} <= {"div", "b", "ul", "li", "span", "table", "tr", "th", "td"}
        assert {name for _, names in parsed.found for name in names} <= {"style", "title"}
        for shown in (
            "bad: something is wrong (1 bad, 2 to look at)",
            "7,654,321",
            "2,345,678 (30.6 %)",
            "511 / 2,048 / 2,048",
            "3,828 (1.8 % of the tokens lost)",
        ):
            assert shown in parsed.text
    assert tags_of(ShownReport((example_report(EVIL),))._repr_html_()).text.count("<script>") > 2


def test_a_notebook_shows_a_few_findings() -> None:
    findings = [ReportFinding(f"code{number}", "look", "x" * 100_000) for number in range(100)]
    html = ShownReport((example_report(findings=findings),))._repr_html_()
    assert html.count("<li>") == 11
    assert "… and 90 more" in html
    assert len(html) < 20_000


@settings(deadline=None)
@given(LENGTHS)
def test_bins_hold_each_sample_once(lengths: dict[int, int]) -> None:
    bins = few_bins([lengths])
    counts = counts_in(bins, lengths)
    assert sum(counts) == sum(lengths.values())
    assert len(bins) <= 13
    for it, samples in zip(bins, counts, strict=True):
        assert samples == sum(number for length, number in lengths.items() if it.first <= length <= it.last)
    for left, right in pairwise(bins):
        assert right.first == left.last + 1


@settings(deadline=None)
@given(LENGTHS, LENGTHS)
def test_several_reports_have_the_same_bins(first: dict[int, int], second: dict[int, int]) -> None:
    bins = few_bins([first, second])
    for lengths in (first, second):
        assert sum(counts_in(bins, lengths)) == sum(lengths.values())


@settings(deadline=None)
@given(LENGTHS)
def test_quantiles(lengths: dict[int, int]) -> None:
    every = sorted(length for length, samples in lengths.items() for _ in range(min(samples, 50)))
    capped = {length: min(samples, 50) for length, samples in lengths.items()}
    expected = {str(it): every[-(-it * len(every) // 100) - 1] for it in (50, 90, 95, 99)} if every else {}
    assert quantiles(capped) == ({**expected, "max": every[-1]} if every else {})


def test_bars_and_sparks() -> None:
    assert [bar(part, 4, 4) for part in range(5)] == ["", "█", "██", "███", "████"]
    assert bar(9, 4, 4) == "████"
    assert bar(1, 0, 4) == ""
    assert spark([]) == ""
    assert spark([0, 0]) == "··"
    assert spark([1, 1000]) == "▁█"


def samples_of(report: Report) -> list[str]:
    """The place of each sample."""
    return [it.place for it in report.samples]


def test_fewer_samples_show_as_many_reasons() -> None:
    samples = [
        *(ReportSample(("random",), f"random {number}", "", None) for number in range(5)),
        ReportSample(("longest", "random"), "longest", "", None),
        ReportSample(("rejected",), "rejected a", "", None, code="a"),
        ReportSample(("rejected",), "rejected b", "", None, code="b"),
    ]
    assert [it.place for it in some_samples(samples, 4)] == ["random 0", "longest", "rejected a", "rejected b"]
    assert [it.place for it in some_samples(samples, 5)] == [
        "random 0",
        "random 1",
        "longest",
        "rejected a",
        "rejected b",
    ]
    assert some_samples(samples, 99) == tuple(samples)
    assert some_samples(samples, 0) == ()
