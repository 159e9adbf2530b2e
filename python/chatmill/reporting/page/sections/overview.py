"""The overview: whether something is wrong, what, and what to do; then what was made, and the totals."""

from collections.abc import Callable, Mapping, Sequence

from chatmill.reporting.model import Report, ReportFinding, Status
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.section import pair, section
from chatmill.reporting.page.tables import Column, Row, table
from chatmill.reporting.sentences import PROMPTS_COUNT

# Each status has a sign and a word, because colors alone do not tell it to everybody.
_WORDS: Mapping[Status, tuple[str, str]] = {"good": ("✓", "Good"), "look": ("!", "Look"), "bad": ("✗", "Wrong")}
_VERDICTS: Mapping[Status, str] = {
    "good": "chatmill found nothing to look at.",
    "look": "Look at this before you train.",
    "bad": "Correct this before you train.",
}

# A run has a dozen; one of many datasets may have a warning of each.
_MOST_FINDINGS = 100

# What each figure is a part of.
_TOTALS: Sequence[tuple[str, Callable[[Report], int], Callable[[Report], int | None]]] = (
    ("rows read", lambda it: it.totals.rows_in, lambda _: None),
    ("rows in the output", lambda it: it.totals.rows_out, lambda it: it.totals.rows_in),
    ("rejected rows", lambda it: it.totals.rejected, lambda it: it.totals.rows_in),
    ("samples", lambda it: it.totals.samples, lambda _: None),
    ("samples without a trained token", lambda it: it.totals.untrained, lambda it: it.totals.samples),
    ("samples equal to an earlier one", lambda it: it.totals.duplicates, lambda it: it.totals.samples),
    ("samples that begin with the begin-of-text token", lambda it: it.totals.begins_with_bos,
     lambda it: it.totals.samples),
    ("tokens", lambda it: it.totals.tokens, lambda _: None),
    ("trained tokens", lambda it: it.totals.trained_tokens, lambda it: it.totals.tokens),
    ("rows cut to max_length", lambda it: it.totals.truncated, lambda it: it.totals.rows_out),
    ("tokens that were cut off", lambda it: it.totals.cut_tokens,
     lambda it: it.totals.tokens + it.totals.cut_tokens),
    ("trained tokens that were cut off", lambda it: it.totals.cut_trained_tokens,
     lambda it: it.totals.trained_tokens + it.totals.cut_trained_tokens),
    ("turns of the assistant", lambda it: it.totals.assistant_turns, lambda _: None),
    ("trained turns of the assistant", lambda it: it.totals.trained_turns, lambda it: it.totals.assistant_turns),
    ("bytes of the rendered texts", lambda it: it.totals.bytes, lambda _: None),
    ("tokens of the rendered texts", lambda it: it.totals.text_tokens, lambda _: None),
)  # fmt: skip


def overview(reports: Sequence[Report], names: Sequence[str], links: Sequence[Mapping[str, str]]) -> Markup:
    """Return the overview.

    Args:
        reports: The reports.
        names: Their names.
        links: For each report, the place in the page of a sample for each code of a finding.
    """
    verdicts = (
        _verdict(report, name if len(reports) > 1 else "", places)
        for report, name, places in zip(reports, names, links, strict=True)
    )
    each = element("div", *verdicts, class_="each" if len(reports) > 1 else None)
    return section("overview", "Overview", each, pair(names, _totals(reports, names), _runs(reports, names)))


def _verdict(report: Report, name: str, places: Mapping[str, str]) -> Markup:
    sign, word = _WORDS[report.status]
    totals = report.totals
    kind = "Output" if report.run.is_output else "Rows that were counted, not written"
    sentence = (
        f"{kind}: {count(totals.rows_in)} rows read, {count(totals.samples)} samples, {count(totals.tokens)} tokens, "
        f"{share(totals.trained_tokens, totals.tokens)} of them trained."
        + (f" Each answer with its prompt is a sample: {PROMPTS_COUNT}." if report.run.has_answers else "")
    )
    findings = [_finding(found, places.get(found.code)) for found in report.findings[:_MOST_FINDINGS]]
    more = len(report.findings) - _MOST_FINDINGS
    if more > 0:
        findings.append(element("li", f"… and {count(more)} more"))
    return element(
        "div",
        element("h3", name) if name else "",
        element(
            "p",
            _badge(report.status, sign, word),
            " ",
            _VERDICTS[report.status],
            class_="verdict",
        ),
        element("p", sentence),
        element("ul", *findings, class_="findings") if findings else "",
        class_=f"card {report.status}",
    )


def _badge(status: Status, sign: str, word: str) -> Markup:
    return element("span", element("span", sign, aria_hidden="true"), f" {word}", class_=f"badge {status}")


def _finding(found: ReportFinding, place: str | None) -> Markup:
    rows = f"{count(found.rows)} of {count(found.of)} rows ({share(found.rows, found.of)})" if found.of else ""
    link = element("a", "See a row", href=f"#{place}") if place else ""
    lines = [
        joined(_badge(found.status, *_WORDS[found.status]), " ", clipped(found.text, 1000)),
        joined(element("code", clipped(found.code, 100)), f" · {rows} " if rows else " ", link),
        joined("First: ", clipped(found.place)) if found.place else "",
        joined(element("b", "What to do: "), clipped(found.remedy, 1000)) if found.remedy else "",
    ]
    return element("li", *(element("p", line) for line in lines if line))


def _totals(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    rows: list[Row] = [
        ([name], [(count(value(report)), _part(value(report), whole(report))) for report in reports])
        for name, value, whole in _TOTALS
    ]
    rates = [(f"{it.totals.text_tokens / it.totals.bytes:.3f}" if it.totals.bytes else "–", "") for it in reports]
    rows.append((["tokens per byte of text"], rates))
    guessed = "The number of equal samples is estimated, because only a part of them was compared."
    is_estimated = not all(report.totals.are_duplicates_exact for report in reports)
    return element(
        "div",
        table("Totals", ["What"], [Column("number"), Column("share")], names, rows),
        element("p", guessed, class_="remark") if is_estimated else "",
    )


def _part(part: int, whole: int | None) -> str:
    return "" if whole is None else share(part, whole)


def _runs(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    runs = [report.run for report in reports]
    values = {
        "name": [run.name for run in runs],
        "kind": ["output" if run.is_output else "rows that were counted, not written" for run in runs],
        "made": [run.created for run in runs],
        "chatmill": [run.chatmill for run in runs],
        "template": [run.template for run in runs],
        "tokenizer": [run.tokenizer for run in runs],
        "engine": [run.engine for run in runs],
        "labels": [run.labels for run in runs],
        "max_length": ["none" if run.max_length is None else count(run.max_length) for run in runs],
        "truncation": [run.truncation for run in runs],
        "layout": [run.layout for run in runs],
    }
    rows: list[Row] = [([name], [[clipped(text, 500) or "–"] for text in texts]) for name, texts in values.items()]
    return table("What was made, and how", ["What"], [Column("value", is_text=True)], names, rows)
