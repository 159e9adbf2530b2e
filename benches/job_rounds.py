"""The rounds of the whole job: every contender once in each, in another order, and its output compared each time."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contenders import Columns
from job_contenders import MAP, Contender, Run, columns, run
from job_rows import Material


@dataclass
class Figures:
    """The figures of a contender, one for each round.

    Attributes:
        contender: The contender.
        rows: The number of rows.
        start_rows: The number of rows of the runs that measure the start.
        runs: The usage of the runs over all rows.
        starts: The usage of the runs over a few rows.
        other_ids: Rows with other ids than those of the reference, in the worst round; None for the reference.
        other_labels: The same for labels; None if there are none to compare.
    """

    contender: Contender
    rows: int
    start_rows: int
    runs: list[Run] = field(default_factory=list)
    starts: list[Run] = field(default_factory=list)
    other_ids: int | None = None
    other_labels: int | None = None

    @property
    def start_seconds(self) -> float:
        """The time of a run over a few rows."""
        return statistics.median(it.usage.seconds for it in self.starts)

    @property
    def start_processor_seconds(self) -> float:
        """The processor time of a run over a few rows."""
        return statistics.median(it.usage.processor_seconds for it in self.starts)

    @property
    def seconds(self) -> float:
        """The time of the whole job; of a bare tokenizer, its start and its calls."""
        inside = [it.seconds for it in self.runs if it.seconds is not None]
        if inside:
            return self.start_seconds + statistics.median(inside)
        return statistics.median(it.usage.seconds for it in self.runs)

    @property
    def processor_seconds(self) -> float:
        """The processor time of the whole job; of a bare tokenizer, its start and its calls."""
        inside = [it.processor_seconds for it in self.runs if it.processor_seconds is not None]
        if inside:
            return self.start_processor_seconds + statistics.median(inside)
        return statistics.median(it.usage.processor_seconds for it in self.runs)

    @property
    def row_seconds(self) -> float:
        """The time of a row, without the start."""
        return (self.seconds - self.start_seconds) / self._counted

    @property
    def row_processor_seconds(self) -> float:
        """The processor time of a row, without the start."""
        return (self.processor_seconds - self.start_processor_seconds) / self._counted

    @property
    def whole_row_processor_seconds(self) -> float:
        """The processor time of a row, with its share of the start."""
        return self.processor_seconds / self.rows

    @property
    def is_uncertain(self) -> bool:
        """Whether the rows took less than a quarter of the start, so that their difference is mostly noise."""
        inside = self.runs[0].processor_seconds is not None
        return not inside and self.processor_seconds < 1.25 * self.start_processor_seconds

    @property
    def peak_mib(self) -> float:
        """The peak of memory of the largest process."""
        return max(it.usage.peak_mib for it in self.runs)

    @property
    def _counted(self) -> int:
        # The rows of the start are in both runs; the calls of a bare tokenizer are timed without them.
        return max(1, self.rows - self.start_rows)

    def record(self) -> dict[str, Any]:
        """Return everything for JSON."""
        names = ("seconds", "processor_seconds", "start_seconds", "start_processor_seconds", "row_seconds")
        more = ("row_processor_seconds", "whole_row_processor_seconds", "is_uncertain", "peak_mib")
        return {
            "contender": asdict(self.contender) | {"python": None},
            "rows": self.rows,
            **{name: getattr(self, name) for name in (*names, *more, "other_ids", "other_labels")},
            "rounds": [_plain(it) for it in self.runs],
            "start_rounds": [_plain(it) for it in self.starts],
        }


def _plain(it: Run) -> dict[str, float | None]:
    usage = {name: getattr(it.usage, name) for name in ("seconds", "processor_seconds", "peak_mib")}
    return {**usage, "calls_seconds": it.seconds, "calls_processor_seconds": it.processor_seconds}


def measure(
    people: Sequence[Contender],
    material: Material,
    folder: Path,
    *,
    rounds: int,
    cache: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> list[Figures]:
    """Run all contenders in alternation.

    Args:
        people: The contenders.
        material: The set.
        folder: A folder for their outputs, which are removed after the comparison.
        rounds: The number of rounds.
        cache: See `job_contenders.run`.
        say: Prints a line about the progress.
    """
    figures = [Figures(it, material.whole.count, material.start.count) for it in people]
    ids: dict[str, tuple[str, Columns]] = {}
    labels: dict[str, tuple[str, Columns]] = {}
    for turn in range(rounds):
        # The first round has the given order, because later contenders are compared with the first.
        at = turn % len(figures)
        for it in figures[at:] + figures[:at]:
            who = it.contender
            it.starts.append(run(who, material, material.start, folder / "start", cache=cache))
            shutil.rmtree(folder / "start")
            it.runs.append(run(who, material, material.whole, folder / "whole", cache=cache))
            made = columns(who, it.runs[-1].output)
            shutil.rmtree(folder / "whole")
            if len(made.lengths) != material.whole.count:
                raise SystemExit(f"{who.key}: {len(made.lengths):,} of {material.whole.count:,} rows came out")
            owner, reference = ids.setdefault(who.template, (who.key, made))
            if owner != who.key or turn:
                it.other_ids = max(it.other_ids or 0, made.rows_that_differ(reference)[0])
            if who.has_labels:
                owner, reference = labels.setdefault(who.template, (who.key, made))
                if owner != who.key or turn:
                    it.other_labels = max(it.other_labels or 0, made.rows_that_differ(reference)[1])
            say(f"{material.name}, round {turn + 1} of {rounds}: {who.key}, {it.runs[-1].usage.seconds:.1f} s")
    return figures


def fastest_bare(figures: Sequence[Figures], template: str, threads: int) -> Figures | None:
    """Return the bare tokenizer that takes the least processor time among those whose ids equal the reference's.

    Args:
        figures: The figures of all contenders.
        template: The template whose texts it tokenized.
        threads: Its number of threads; without a bare tokenizer of this number, any.
    """
    exact = [
        it for it in figures if it.contender.kind == "bare" and it.contender.template == template and not it.other_ids
    ]
    exact = [it for it in exact if it.contender.threads == threads] or exact
    return min(exact, key=lambda it: it.row_processor_seconds, default=None)


def mapped(figures: Sequence[Figures]) -> Figures | None:
    """Return the figures of `datasets.map`."""
    return next((it for it in figures if it.contender.name == MAP), None)
