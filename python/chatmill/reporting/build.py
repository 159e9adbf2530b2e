"""`build_report`: a report from the counts, the statistics and the rows of a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatmill.reporting.findings import Evidence, find
from chatmill.reporting.limits import all_sequences, length_limits, packings
from chatmill.reporting.model import (
    Regions,
    RejectReason,
    Report,
    ReportSample,
    Run,
    Source,
    Stops,
    TokenCount,
    TokenShare,
    Totals,
    Turn,
)
from chatmill.reporting.packed import packed_splits
from chatmill.statistics.read import MOST_TURNS, TRAINED_SHARES, RunFigures

_MOST_FREQUENT = 10


@dataclass(frozen=True)
class Counted:
    """What a run counted.

    Attributes:
        run: What was made.
        counts: The counts, in the form of a manifest.
        figures: The statistics.
        warnings: The warnings, in the form of a manifest.
        paths: The input files, in the order of the statistics.
        labels: The labels of each part of the run.
        samples: Rows to look at.
        packing: How rows were packed, in the form of a manifest; None for rows.
    """

    run: Run
    counts: Mapping[str, Any]
    figures: RunFigures
    warnings: Sequence[Mapping[str, Any]]
    paths: Sequence[str]
    labels: Sequence[Any]
    samples: Sequence[ReportSample]
    packing: Mapping[str, Any] | None = None


def build_report(counted: Counted, *, samples: bool = True) -> Report:
    """Make a report.

    Args:
        counted: What a run counted.
        samples: Whether the report has rows to look at, and the reasons of rejections, which may quote rows.
    """
    figures, counts = counted.figures, counted.counts
    written = figures.samples.values()
    lengths: Counter[int] = Counter()
    for it in written:
        lengths.update(it.lengths)
    totals = _totals(counts, figures)
    rejects = _rejects(counts, counted.samples, with_reasons=samples)
    rows = figures.rows
    packs = packed_splits(counted.packing, figures)
    evidence = Evidence(totals, figures, counted.warnings, rejects, counted.labels, _Places(counted).first, packs)
    return Report(
        run=counted.run,
        totals=totals,
        lengths=dict(sorted(lengths.items())),
        sequences=all_sequences(rows.lengths, rows.trained_cells),
        limits=length_limits(rows.lengths, rows.trained_cells),
        trained_shares=[
            sum(at) for at in zip([0] * TRAINED_SHARES, *(it.trained_shares for it in written), strict=True)
        ],
        regions=_regions(figures, totals.rows_out) if rows.messages else None,
        messages=dict(sorted(rows.messages.items())),
        role_sequences=dict(sorted(rows.roles.items(), key=lambda it: (-it[1], it[0]))),
        tools=dict(sorted(rows.tools.items())),
        first_trained=_tokens([it.first_trained for it in written], figures.token_texts),
        last_trained=_tokens([it.last_trained for it in written], figures.token_texts),
        packing=packings(lengths),
        sources=[Source(path, **it) for path, it in zip(counted.paths, figures.sources, strict=False)],
        findings=find(evidence),
        rejects=rejects,
        samples=counted.samples if samples else (),
        notes=dict(counts.get("notes", {})),
        packs=packs,
    )


def _totals(counts: Mapping[str, Any], figures: RunFigures) -> Totals:
    written = figures.samples.values()
    return Totals(
        rows_in=counts["rows_in"],
        rows_out=counts["rows_out"],
        rejected=counts["rejected"],
        samples=sum(it.samples for it in written),
        tokens=sum(it.tokens for it in written),
        trained_tokens=sum(it.trained_tokens for it in written),
        untrained=sum(it.trained_shares[0] for it in written),
        bytes=figures.rows.counts["bytes"],
        text_tokens=figures.rows.counts["text_tokens"],
        truncated=counts.get("notes", {}).get("truncated", 0),
        cut_tokens=counts.get("cut_tokens", 0),
        cut_trained_tokens=figures.rows.counts["cut_trained"],
        assistant_turns=counts.get("assistant_turns", 0),
        trained_turns=counts.get("trained_turns", 0),
        duplicates=sum(it.duplicates for it in written),
        are_duplicates_exact=all(it.duplicates_are_exact for it in written),
        begins_with_bos=sum(it.begins_with_bos for it in written),
    )


def _rejects(counts: Mapping[str, Any], samples: Sequence[ReportSample], *, with_reasons: bool) -> list[RejectReason]:
    first = {it.code: it for it in reversed(samples) if it.code}
    found = []
    for code, rows in sorted(counts.get("rejected_by_reason", {}).items(), key=lambda it: (-it[1], it[0])):
        sample = first.get(code)
        reason = sample.reason if sample and with_reasons else ""
        found.append(RejectReason(code, rows, sample.place if sample else "", reason))
    return found


def _regions(figures: RunFigures, rows_out: int) -> Regions:
    rows = figures.rows
    shares = [
        TokenShare(role, kind, tokens, trained)
        for role, kinds in rows.regions.items()
        for kind, (tokens, trained) in kinds.items()
    ]
    turns = [Turn(index, index == MOST_TURNS - 1, *turn) for index, turn in enumerate(rows.turns) if turn[0]]
    return Regions(
        rows=rows.counts["region_rows"],
        of=rows_out,
        shares=sorted(shares, key=lambda it: (-it.tokens, it.role, it.kind)),
        turns=turns,
        stops=Stops(**rows.stops),
        reasoning_given=rows.counts["reasoning_given"],
        reasoning_printed=rows.counts["reasoning_printed"],
    )


def _tokens(counts: Sequence[Mapping[int, int]], texts: Mapping[int, str]) -> list[TokenCount]:
    total: Counter[int] = Counter()
    for it in counts:
        total.update(it)
    most = sorted(total.items(), key=lambda it: (-it[1], it[0]))[:_MOST_FREQUENT]
    return [TokenCount(token, texts.get(token, ""), samples) for token, samples in most]


class _Places:
    """The first place of each mark or note."""

    def __init__(self, counted: Counted) -> None:
        self._places = {why: it.place for it in reversed(counted.samples) for why in it.why if it.place}
        self._counted = counted

    def first(self, code: str) -> str:
        """Return the place, such as `chats.jsonl, line 3`; by its number if the row is not among the samples."""
        if code in self._places:
            return self._places[code]
        if code not in self._counted.figures.rows.marks:
            return ""
        _, row = self._counted.figures.rows.marks[code]
        for path, source in zip(self._counted.paths, self._counted.figures.sources, strict=False):
            if row < source["rows_in"]:
                return f"{path}, row {row}"
            row -= source["rows_in"]
        return ""
