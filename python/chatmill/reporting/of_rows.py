"""`report_of_rows`: the report of rows that are rendered, tokenized and labeled, and not written."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError, Mill, TokenBatch, __version__
from chatmill.inputs import Block, check_states
from chatmill.inputs.mill import mill_block
from chatmill.lint.run_checks import RunChecks
from chatmill.lint.warning import merged_warnings
from chatmill.pipeline.job import plan
from chatmill.pipeline.parts import Part
from chatmill.reporting.build import Counted, build_report
from chatmill.reporting.labels import labels_text
from chatmill.reporting.model import Report, Run
from chatmill.reporting.sample_file import sample_of
from chatmill.statistics.read import read_figures
from chatmill.statistics.run import RunStatistics

# Nobody waits for files here, so more rows are compared with their texts than in a run: about two seconds.
_CHECKED_ROWS = 4096


def report_of_rows(inputs: Any, *, tokenizer: Any, samples: bool = True, **options: Any) -> Report:
    """Report what rows would become.

    Args:
        inputs: As for `prepare`.
        tokenizer: As for `prepare`.
        samples: Whether the report has rows to look at, and the reasons of rejections, which may quote rows.
        options: Options of `prepare` that change tokens and labels, such as `template`, `labels` and `max_length`.

    Raises:
        DataError: A file cannot be read, or changed meanwhile, or no row gave tokens.
        TypeError: An option is unknown.

    Example:
        >>> report_of_rows("chats.jsonl", tokenizer="Qwen/Qwen3-8B").limits  # doctest: +SKIP
        [LengthLimit(max_length=128, cut=…
    """
    run = plan(inputs, output=None, tokenizer=tokenizer, **options)
    (part,) = run.parts(run.options.now or datetime.now())  # noqa: DTZ005  # as in transformers
    checks = RunChecks(part.mill, most_sampled=_CHECKED_ROWS)
    statistics, counts = RunStatistics(part.mill, [0] * len(part.files)), _RowCounts()
    for block in run.options.blocks(part):
        tokens = mill_block(part.mill, block, statistics="all")
        counts.add(block, tokens)
        checks.add(block, tokens)
        statistics.add(block, tokens, part.mill)
        statistics.add_samples(_samples(tokens))
    check_states(part.files)
    if counts.rows_in == counts.rejected:
        raise DataError(counts.without_tokens())
    warnings = merged_warnings([checks.warnings()])
    others = dict.fromkeys([*part.warnings, *part.mill.warnings])
    counted = Counted(
        run=_run(part, inputs),
        counts=counts.record(),
        figures=read_figures(statistics.record()),
        warnings=[*(it.to_dict() for it in warnings), *({"text": text} for text in others)],
        paths=[file.path for file in part.files],
        labels=[part.mill.labels.spec()],
        # They have the places of findings.
        samples=[sample_of(it) for it in statistics.chosen.records()],
    )
    return build_report(counted, samples=samples)


class _RowCounts:
    """The counts of rows."""

    def __init__(self) -> None:
        self.rows_in = self.rejected = 0
        self._reasons: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._notes: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()

    def add(self, block: Block, tokens: TokenBatch) -> None:
        """Count a block."""
        self.rows_in += block.batch.num_rows
        self.rejected += len(tokens.failures)
        for failure in tokens.failures:
            long = block.long_rows.get(failure.row)
            code, text = (failure.code, failure.text) if long is None else (long.code, long.reason)
            self._reasons[code] += 1
            self._first.setdefault(code, f"{block.place(failure.row)}: {text}")
        self._notes.update(tokens.counts)
        self._sums.update(
            cut_tokens=tokens.num_cut_tokens,
            assistant_turns=tokens.num_assistant_turns,
            trained_turns=tokens.num_trained_turns,
        )

    def record(self) -> dict[str, Any]:
        """Return the counts in the form of a manifest."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_in - self.rejected,
            "rejected": self.rejected,
            "rejected_by_reason": dict(self._reasons),
            "notes": dict(self._notes),
            **self._sums,
        }

    def without_tokens(self) -> str:
        """Say that no row gave tokens, and why."""
        if not self.rows_in:
            return "the inputs have no rows, so there is nothing to report; give files that have rows"
        reasons = "".join(
            f"\n  {rows} × {code}, such as {self._first[code]}" for code, rows in self._reasons.most_common()
        )
        return f"none of the {self.rows_in} rows gave tokens, so there is nothing to report; correct them:{reasons}"


def _samples(tokens: TokenBatch) -> pa.RecordBatch:
    batch = pa.record_batch(tokens)
    return batch.filter(batch.column("error").is_null()) if tokens.failures else batch


def _run(part: Part, inputs: Any) -> Run:
    mill: Mill = part.mill
    engine, form = mill.tokenizer.engine, mill.format
    return Run(
        name=_name(inputs, [file.path for file in part.files]),
        is_output=False,
        chatmill=__version__,
        created="",
        template=mill.template.name if form is None or form.needs_template else "",
        tokenizer=mill.tokenizer.name,
        engine=f"{engine.name} {engine.version}",
        labels=labels_text(mill.labels.spec()),
        max_length=mill.options["max_length"],
        truncation=mill.options["truncation"],
        layout="",
        has_answers=form is not None and form.kind == "answers",
    )


def _name(inputs: Any, paths: Sequence[str]) -> str:
    if isinstance(inputs, (str, os.PathLike)):
        return os.fspath(inputs)
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
