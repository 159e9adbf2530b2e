"""`audit`: what a trainer would have trained on the rows of an output, and where that differs from the output."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from chatmill._chatmill import DataError, Encoding, Mill, RowError, RowFailure
from chatmill.inputs import MAX_LINE_BYTES, Block, read_blocks
from chatmill.inputs.mill import mill_block
from chatmill.inspect.diff.recorded import made_rows
from chatmill.inspect.diff.report import RowDifference
from chatmill.inspect.diff.samples import SampledRow, same_samples
from chatmill.inspect.diff.spans import Aspect
from chatmill.outputs.written import RecordedReject, WrittenRows
from chatmill.reporting.audit_model import (
    Audit,
    AuditedFailure,
    AuditedRegion,
    AuditedRow,
    AuditedSide,
    AuditedSpan,
    AuditSide,
    TrainedTokens,
)
from chatmill.reporting.audit_row import AuditedPair, TrainedCounts
from chatmill.reporting.audit_source import AuditedOutput
from chatmill.reporting.audit_trainer import AuditedTrainer, reason_of
from chatmill.reporting.labels import labels_text

_BLOCK_BYTES = 1 << 20
# The rows, the spans of a row and the characters of a span that an audit holds.
SHOWN_ROWS = 10
_MOST_SPANS = 20
_LONGEST_TEXT = 600


def audit(
    output: str | os.PathLike[str],
    *,
    trainer: str | Mapping[str, Any],
    inputs: Any = None,
    tokenizer: Any = None,
    rows: int | None = None,
    show: int = SHOWN_ROWS,
) -> Audit:
    """Find out what a trainer would have trained on the rows of an output, and where that differs.

    The rows are made again twice: with the options of the manifest, which must give what is in the output, and with the
    labels of the trainer as chatmill makes them (`docs/labels.md`). Template, `max_length` and `truncation` are those
    of the output on both sides. One row is in memory at a time, besides those that are shown.

    Args:
        output: An output folder of `prepare`.
        trainer: The trainer: `"trl"`, `"axolotl"`, `"unsloth"`, `"hf"`, `"open-instruct"`, `"llama-factory"` or
            `"completion"`; or its options with its name as `preset`, as a dict, as YAML text or in a file.
        inputs: The inputs of the output, if they are not where they were. As for `prepare`.
        tokenizer: The tokenizer of the output, if it is not where it was. As for `prepare`.
        rows: The maximum number of rows to compare; None for all.
        show: The maximum number of differing rows to keep with their spans.

    Raises:
        DataError: The folder is no output whose rows can be compared one by one; its inputs, its tokenizer or its
            template are not there any more, or have changed; or there is no such trainer.

    Example:
        >>> found = audit("tokens", trainer="trl")  # doctest: +SKIP
        >>> found.differing_rows, found.trained.only_trainer  # doctest: +SKIP
        (3, 120)
    """
    chosen = AuditedTrainer.of(trainer)
    source = AuditedOutput.open(output, inputs=inputs, tokenizer=tokenizer)
    mills = _Mills(source.mill(), source.whole_mill(), source.trainer_mill(chosen.labels))
    found = _Found(show)
    for row in islice(_rows(source, mills), rows):
        found.add(row)
    manifest = source.output.manifest
    return Audit(
        output=os.fspath(output),
        trainer=chosen.name,
        options=dict(chosen.options),
        labels=labels_text(source.output.options.get("labels", "assistant")),
        template="" if source.template is None else str(manifest["template"]["name"]),
        tokenizer=str(manifest["tokenizer"]["name"]),
        rows=found.rows,
        of=sum(int(it["rows"]) for it in manifest["inputs"]),
        differing=dict(found.differing.most_common()),
        of_output=found.output.frozen(),
        of_trainer=found.trainer.frozen(),
        trained=found.trained.total,
        regions=_regions(found.trained),
        failures=found.all_failures(),
        first=tuple(found.first),
        notes=_notes(source, chosen),
    )


@dataclass(frozen=True)
class _Mills:
    """The mills of an audit.

    Attributes:
        written: Makes the rows as they were written.
        whole: Makes the same rows, and keeps those without a trained token.
        trainer: Makes the rows as the trainer does.
    """

    written: Mill
    whole: Mill
    trainer: Mill


@dataclass(frozen=True)
class _Row:
    """One row of the output.

    Attributes:
        place: The file with the line or row.
        written: What the output has of it.
        pair: Both sides; None if the row was too long to be read.
    """

    place: str
    written: SampledRow
    pair: AuditedPair | None


@dataclass
class _Side:
    """Counts of one side, added up row by row."""

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    untrained: int = 0

    def add(self, tokens: int, trained: int) -> None:
        self.rows += 1
        self.tokens += tokens
        self.trained_tokens += trained
        self.untrained += not trained

    def frozen(self) -> AuditedSide:
        return AuditedSide(self.rows, self.tokens, self.trained_tokens, self.untrained)


@dataclass
class _Failures:
    """Rows without tokens on one side, for one reason."""

    place: str
    reason: str
    rows: int = 0
    differing: int = 0


@dataclass
class _Found:
    """What the rows so far gave."""

    show: int
    rows: int = 0
    output: _Side = field(default_factory=_Side)
    trainer: _Side = field(default_factory=_Side)
    differing: Counter[Aspect] = field(default_factory=Counter)
    trained: TrainedCounts = field(default_factory=TrainedCounts)
    failures: dict[tuple[AuditSide, str], _Failures] = field(default_factory=dict)
    first: list[AuditedRow] = field(default_factory=list)

    def add(self, row: _Row) -> None:
        self.rows += 1
        pair = row.pair
        difference = None if pair is None else pair.difference()
        if isinstance(row.written, list):
            self.output.add(sum(map(len, row.written)), sum(sample.count_trained() for sample in row.written))
        else:
            self._add_failure("output", row, row.written, differs=difference is not None)
        if pair is None:
            return
        if isinstance(pair.trainer, RowFailure):
            self._add_failure("trainer", row, pair.trainer, differs=difference is not None)
        else:
            trained = pair.trained.total
            tokens = sum(map(len, pair.trainer.samples))
            self.trainer.add(tokens, trained.both + trained.only_trainer)
        self.trained.add(pair.trained)
        if difference is not None:
            self.differing[difference.aspect] += 1
            if len(self.first) < self.show:
                self.first.append(_shown(difference, pair.trained.total))

    def _add_failure(self, side: AuditSide, row: _Row, failure: RowFailure | RecordedReject, *, differs: bool) -> None:
        reason = reason_of(failure.text) if side == "trainer" else failure.text
        found = self.failures.setdefault((side, failure.code), _Failures(row.place, reason))
        found.rows += 1
        found.differing += differs

    def all_failures(self) -> tuple[AuditedFailure, ...]:
        every = (
            AuditedFailure(side, code, it.rows, it.differing, it.place, it.reason)
            for (side, code), it in self.failures.items()
        )
        return tuple(sorted(every, key=lambda it: -it.rows))


def _rows(source: AuditedOutput, mills: _Mills) -> Iterator[_Row]:
    form = source.output.format
    written = WrittenRows(source.output, source.files)
    blocks = read_blocks(
        source.files,
        columns=None if form is None else form.columns,
        block_bytes=_BLOCK_BYTES,
        max_line_bytes=source.output.options.get("max_line_bytes") or MAX_LINE_BYTES,
    )
    row = 0
    for block in blocks:
        for index, made in enumerate(made_rows(mill_block(mills.written, block))):
            recorded = written.take(block, index)
            place = block.place(index)
            if index in block.long_rows:
                if getattr(recorded, "code", None) != block.long_rows[index].code:
                    raise _changed(source, place)
                yield _Row(place, recorded, None)
            else:
                if not same_samples(made, recorded):
                    raise _changed(source, place)
                sides = (_encoded(mill, block, index) for mill in (mills.whole, mills.trainer))
                yield _Row(place, recorded, AuditedPair(row, place, *sides))
            row += 1
    written.finish()


def _encoded(mill: Mill, block: Block, index: int) -> Encoding | RowFailure:
    try:
        return mill.encode_row(block.batch, index, json_column=block.json_column)
    except RowError as error:
        return error.failure


def _changed(source: AuditedOutput, place: str) -> DataError:
    return DataError(
        f"{place}: this row now gives other tokens or labels than {source.output.folder} has, so the file or chatmill "
        "has changed; give the file as it was before, or make the output again (`chatmill diff --against` "
        "shows the differences)"
    )


def _shown(difference: RowDifference, trained: TrainedTokens) -> AuditedRow:
    spans = tuple(
        AuditedSpan(
            it.start,
            it.end,
            _shortened(it.text),
            _shortened(it.left),
            _shortened(reason_of(it.right) if difference.aspect == "failure" else it.right),
            it.message,
            it.role,
            it.kind,
        )
        for it in difference.spans[:_MOST_SPANS]
    )
    more = len(difference.spans) - len(spans)
    return AuditedRow(difference.row, difference.place, difference.aspect, trained, spans, more)


def _shortened(text: str) -> str:
    half = _LONGEST_TEXT // 2
    return text if len(text) <= _LONGEST_TEXT else f"{text[:half]}…{text[-half:]}"


def _regions(counts: TrainedCounts) -> tuple[AuditedRegion, ...]:
    regions = [AuditedRegion(role, kind, counts.of((role, kind))) for role, kind in counts.by_region]
    return tuple(sorted(regions, key=lambda it: (-it.trained.differing, -it.trained.both, it.role, it.kind)))


def _notes(source: AuditedOutput, trainer: AuditedTrainer) -> tuple[str, ...]:
    options = source.options
    length = options.get("max_length")
    limit = "no max_length" if length is None else f"max_length {length:,} with truncation {options['truncation']}"
    notes = [f"Both sides have the template of the output, and {limit}. {trainer.name} may have other limits."]
    if options.get("special_tokens", "allow") != "allow":
        notes.append(
            f"The output has special_tokens={options['special_tokens']}; {trainer.name} encodes control tokens in "
            "texts as control tokens."
        )
    return tuple(notes)
