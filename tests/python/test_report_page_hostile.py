"""Tests of hostile texts in the page of a report, without a browser: they stay texts, of a limited size."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from chatmill.drawing.row import DrawnRegion
from chatmill.reporting.model import Report, ReportSample
from chatmill.reporting.page import page
from chatmill.reporting.page.document import MOST_BYTES
from chatmill.text.visible import visible
from parsed_page import Parsed
from report_values import (
    AUDIT,
    HOSTILE,
    conversation,
    full_report,
    row_of,
    span,
)


@pytest.fixture(scope="module")
def html() -> str:
    return page([full_report()], audit=AUDIT)


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    return Parsed(html)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_stay_texts(name: str, html: str, parsed: Parsed) -> None:
    # In samples, places, roles, sources, findings, rejects, tokens and run: as characters, never as elements.
    line = visible(HOSTILE[name])
    assert "".join(parsed.texts).count(line) >= 4
    assert HOSTILE[name] not in html


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
