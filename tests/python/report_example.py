"""A report with every part, made by hand, for the tests of the views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.reporting.model import (
    LengthLimit,
    Packing,
    Regions,
    RejectReason,
    Report,
    ReportFinding,
    ReportSample,
    Run,
    Source,
    Stops,
    TokenCount,
    TokenShare,
    Totals,
    Turn,
)


def example_row(text: str = "Hello!", role: str = "assistant") -> DrawnRow:
    """A row of one region."""
    span = DrawnSpan(text, 1.0, (1, 2), (1, len(text)))
    return DrawnRow((DrawnRegion(0, role, "content", (span,)),), 2, 2, ("A note.",))


def example_report(text: str = "tokens", **parts: Any) -> Report:
    """A report. The text is in every place that a row, a file or a name can reach."""
    report = Report(
        run=Run(
            name=text,
            is_output=True,
            chatmill="0.1.0",
            created="2026-11-22T21:00:00+00:00",
            template=f"chatml {text}",
            tokenizer=f"bytes {text}",
            engine="tokenizers",
            labels=f"assistant {text}",
            max_length=2048,
            truncation="keep_start",
            layout="parquet",
        ),
        totals=Totals(
            rows_in=1010,
            rows_out=1000,
            rejected=10,
            samples=1000,
            tokens=500_000,
            trained_tokens=200_000,
            untrained=3,
            bytes=2_000_000,
            text_tokens=510_000,
            truncated=20,
            cut_tokens=10_000,
            cut_trained_tokens=4_000,
            assistant_turns=1500,
            trained_turns=1480,
            duplicates=7,
            are_duplicates_exact=True,
            begins_with_bos=1000,
        ),
        lengths={20: 100, 300: 500, 900: 390, 2048: 10},
        limits=[LengthLimit(1024, 30, 20_000, 9_000), LengthLimit(2048, 20, 10_000, 4_000)],
        trained_shares=[3, 10, 100, 200, 400, 200, 50, 20, 10, 4, 2, 1],
        regions=Regions(
            rows=1000,
            of=1000,
            shares=[
                TokenShare("assistant", "content", 200_000, 199_000),
                TokenShare(f"user {text}", "content", 250_000, 0),
                TokenShare("", "prefix", 50_000, 1_000),
            ],
            turns=[Turn(0, False, 1000, 150_000, 150_000), Turn(1, True, 500, 50_000, 49_000)],
            stops=Stops(trained=1400, masked=60, cut=15, missing=5),
            reasoning_given=80,
            reasoning_printed=50,
        ),
        messages={2: 600, 4: 400},
        role_sequences={"user assistant": 600, f"{text} (user assistant)+": 400},
        tools={0: 990, 3: 10},
        first_trained=[TokenCount(9, f"He{text}", 700)],
        last_trained=[TokenCount(2, f"<|im_end|>{text}", 990)],
        packing=[Packing(2048, 260, 0.9375, 0, 0.5), Packing(4096, 125, 0.9765625, 0, 0.5)],
        sources=[
            Source(f"{text}.jsonl", 0, 600, 10, 300_000, 120_000, 1_200_000, 306_000),
            Source("b.jsonl", 1, 410, 0, 200_000, 80_000, 800_000, 204_000),
        ],
        findings=[
            ReportFinding(
                "doubled_bos", "bad", f"5 rows begin twice: {text}", 5, 1000, f"{text}, line 3", f"Do {text}"
            ),
            ReportFinding("empty_answer", "look", "2 rows have an empty answer", 2, 1000),
        ],
        rejects=[RejectReason("invalid_json", 10, f"{text}, line 9", f"the row is not JSON: {text}")],
        samples=[
            ReportSample(("random", "longest"), f"{text}, line 1", f"{text}.jsonl", example_row(text, text)),
            ReportSample(
                ("rejected",), "b.jsonl, line 9", "b.jsonl", None, code="invalid_json", reason=text, data=text
            ),
        ],
        notes={"proved": 995, "doubled_bos": 5, "empty_answer": 2, "truncated": 20, text: 1},
    )
    return replace(report, **parts)


def empty_report(**parts: Any) -> Report:
    """A report of no rows."""
    report = example_report()
    zeros: dict[str, Any] = {name: 0 for name in vars(report.totals) if name != "are_duplicates_exact"}
    return replace(
        report,
        totals=replace(report.totals, **zeros),
        lengths={},
        limits=[],
        trained_shares=[0] * 12,
        regions=None,
        messages={},
        role_sequences={},
        tools={},
        first_trained=[],
        last_trained=[],
        packing=[],
        sources=[],
        findings=[],
        rejects=[],
        samples=[],
        notes={},
        **parts,
    )
