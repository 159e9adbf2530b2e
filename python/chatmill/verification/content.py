"""`check_content`: the rows of an output of any layout, a few at a time."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill.trainers.splits import TRAINING
from chatmill.verification.answers import check_answers
from chatmill.verification.columns import Columns, label_kind
from chatmill.verification.counts import check_totals
from chatmill.verification.faults import Faults
from chatmill.verification.index import PLANS, Plan, read_plan
from chatmill.verification.layout_files import SHARDS
from chatmill.verification.packs import PackRules
from chatmill.verification.repeats import Repeats
from chatmill.verification.reporter import Reporter
from chatmill.verification.row_numbers import RowNumbers
from chatmill.verification.row_parts import RowPart, parts_of
from chatmill.verification.samples import SampleRules
from chatmill.verification.shards import READ_ERRORS, ShardRows, problem_of
from chatmill.verification.slices import SliceDigests
from chatmill.verification.tokens_folder import token_rows
from chatmill.verification.totals import Totals
from chatmill.verification.vocabulary import vocabulary_of


def check_content(
    folder: Path,
    name: str,
    manifest: Mapping[str, Any],
    intact: AbstractSet[str],
    tokens: Path | None,
    faults: Faults,
) -> tuple[int, int]:
    """Check the rows of an output. The rows of a file that has changed are not read.

    Args:
        folder: The output.
        name: The name of its manifest.
        manifest: Its manifest.
        intact: The files whose content is the one that was written.
        tokens: The output that was packed, or None.
        faults: Takes the faults.

    Returns:
        The number of rows and of tokens that were read.
    """
    parts = {split: parts_of(folder, manifest, split) for split in SHARDS}
    every = [part for own in parts.values() for part in own]
    schema = _first_schema([part for part in every if intact >= set(part.files)], faults)
    if schema is None:
        return 0, 0
    columns = Columns.of(manifest, schema)
    vocabulary = vocabulary_of(folder, manifest, intact, faults)
    checks = _Checks(folder, manifest, columns, vocabulary, intact, faults)
    checks.run(parts, tokens)
    if all(intact >= set(part.files) for part in every) and checks.is_complete:
        check_totals(manifest, name, columns, checks.totals, faults)
        checks.check_rows(name)
    return sum(it.rows for it in checks.totals.values()), sum(it.tokens for it in checks.totals.values())


def _first_schema(parts: Sequence[RowPart], faults: Faults) -> pa.Schema | None:
    """Return the columns of the first rows that can be read."""
    errors: list[tuple[str, str]] = []
    for part in parts:
        found = _schema(part)
        if isinstance(found, pa.Schema):
            # The other parts are tried again, and their errors are found there.
            return found
        errors.append((part.name, found))
    for name, problem in errors:
        faults.add("unreadable", name, problem)
    return None


def _schema(part: RowPart) -> Any:
    """Return the columns of a part, or a text that says why it cannot be read."""
    try:
        with part.open() as rows:
            return rows.schema
    except READ_ERRORS as error:
        return f"it cannot be read ({problem_of(error)})"


class _Checks:
    """The checks of all rows of an output, and what they count."""

    def __init__(
        self,
        folder: Path,
        manifest: Mapping[str, Any],
        columns: Columns,
        vocabulary: int | None,
        intact: AbstractSet[str],
        faults: Faults,
    ) -> None:
        self._folder, self._manifest, self._columns = folder, manifest, columns
        self._intact, self._faults, self._vocabulary = intact, faults, vocabulary
        self._samples = None if columns.kind == "packs" else SampleRules.of(manifest, columns, vocabulary)
        is_ordered = "arranged" not in manifest["counts"]
        size = sum(it["bytes"] for key in SHARDS.values() for it in manifest.get(key) or () if it["file"] in intact)
        self._numbers = RowNumbers(manifest["counts"]["rows_in"], max(1 << 20, size), is_ordered=is_ordered)
        self._has_numbers = False
        self._repeats = Repeats.of(manifest, columns)
        self._schema: pa.Schema | None = None
        #: What was counted in each split.
        self.totals: dict[str, Totals] = {}
        #: Whether all rows could be read and compared.
        self.is_complete = True

    def run(self, parts: Mapping[str, Sequence[RowPart]], tokens: Path | None) -> None:
        """Check all splits."""
        about = self._manifest["options"].get("packing")
        rows = None if about is None else token_rows(about, tokens, self._faults)
        for split, own in parts.items():
            if not own:
                continue
            totals = self.totals.setdefault(split, Totals())
            plan = None if about is None else self._plan(split, about)
            rules = None
            if plan is not None and plan.is_whole:
                kind = label_kind(self._manifest)
                rules = PackRules(self._columns, about, plan.table, kind, self._vocabulary)
            digests = SliceDigests()
            for part in own:
                # Packs after a file that cannot be read would be compared with the wrong part of the plan.
                rules = rules if self._part(part, totals, rules, digests) else None
            if plan is not None and plan.is_whole and rows is not None:
                plan.compare(digests, rows.of_split(split), self._faults)

    def _plan(self, split: str, about: Mapping[str, Any]) -> Plan | None:
        name = PLANS[split]
        listed = {it["file"]: it["rows"] for it in self._manifest.get("packs", ())}
        if name not in listed or split not in about["report"]:
            self._faults.add("plan", name, "the manifest does not list the plan of these packs, or has no report of it")
            return None
        plan = read_plan(self._folder / name, about, split, self._faults) if name in self._intact else None
        if plan is not None and plan.table.num_rows != listed[name]:
            problem = f"it has {plan.table.num_rows:,} slices, but the manifest lists {listed[name]:,}"
            self._faults.add("plan", name, problem)
        return plan

    def _part(self, part: RowPart, totals: Totals, rules: PackRules | None, digests: SliceDigests) -> bool:
        """Check the rows of a part; return whether all of them could be read."""
        name = part.name
        if not self._intact >= set(part.files):
            return False
        rows_before, tokens_before = totals.rows, totals.tokens
        try:
            with part.open() as rows:
                is_read = self._columns.check(rows.schema, name, self._faults) and self._has_schema(rows, name)
                if is_read:
                    for batch in rows.batches():
                        is_read &= self._batch(batch, name, totals, rows_before, rules, digests)
        except READ_ERRORS as error:
            self._faults.add("unreadable", name, f"its rows cannot be read ({problem_of(error)})")
            is_read = False
        if is_read and totals.rows - rows_before != part.rows:
            problem = f"it has {totals.rows - rows_before:,} rows, but the manifest lists {part.rows:,}"
            self._faults.add("shard_rows", name, problem)
        if is_read and totals.tokens - tokens_before != part.tokens:
            problem = f"it has {totals.tokens - tokens_before:,} tokens, but the manifest lists {part.tokens:,}"
            self._faults.add("shard_tokens", name, problem)
        self.is_complete &= is_read
        return is_read

    def _has_schema(self, rows: ShardRows, file: str) -> bool:
        """Check that a file has the columns of the first one."""
        if self._schema is None:
            self._schema = rows.schema
        is_equal = bool(self._schema.names == rows.schema.names and self._schema.types == rows.schema.types)
        if not is_equal:
            self._faults.add("columns", file, "it has other columns than the files before it")
        return is_equal

    def _batch(
        self,
        batch: pa.RecordBatch,
        file: str,
        totals: Totals,
        rows_before: int,
        rules: PackRules | None,
        digests: SliceDigests,
    ) -> bool:
        kind = self._columns.kind
        report = Reporter(self._faults, file, totals.rows - rows_before, "pack" if kind == "packs" else "row")
        if not self._has_values(batch, report):
            totals.rows += batch.num_rows
            return False
        names = self._columns.own(batch.schema.names)
        counts: tuple[pa.Array, pa.Array | None] | None
        if kind == "answers":
            counts = check_answers(batch, self._columns, self._vocabulary, report)
        elif self._samples is not None:
            counts = self._samples.check(batch, report)
        else:
            counts = self._packs(batch, totals.rows, report, rules, digests)
        if "row" in names and kind != "packs":
            self._has_numbers = True
            self._numbers.add(batch.column("row"), report)
        if counts is None:
            totals.rows += batch.num_rows
            return False
        if self._repeats is not None:
            self._repeats.add(batch, counts[0], file, totals.rows - rows_before)
        totals.add(*counts)
        return True

    def _packs(
        self, batch: pa.RecordBatch, first: int, report: Reporter, rules: PackRules | None, digests: SliceDigests
    ) -> tuple[pa.Array, pa.Array | None] | None:
        checked = None if rules is None else rules.check(batch, first, report)
        if checked is None:
            return None
        lengths, trained, sequences = checked
        digests.add(batch, sequences)
        return lengths, trained

    def _has_values(self, batch: pa.RecordBatch, report: Reporter) -> bool:
        """Check that no column of chatmill has nulls."""
        is_right = True
        for name in self._columns.own(batch.schema.names):
            column = batch.column(name)
            # The label of a row with one answer may be unknown.
            if name != "label":
                is_right &= report.rows("nulls", f"{name} has no value", column.is_null())
            if pa.types.is_list(column.type) and column.flatten().null_count:
                self._faults.add("nulls", report.where(0), f"a list of {name} in this row, or after it, has no value")
                is_right = False
        return is_right

    def check_rows(self, name: str) -> None:
        """Check that each input row is there once, or rejected."""
        counts = self._manifest["counts"]
        arranged = counts.get("arranged")
        if self._columns.kind == "packs":
            return
        if self._repeats is not None:
            self._repeats.check(self._faults)
        weights = (self._manifest.get("arrangement") or {}).get("weights") or ()
        may_lack = arranged is not None and (arranged["duplicates"] or any(weight < 1 for weight in weights))
        if not self._has_numbers:
            if self._columns.has_numbers and counts["samples"] != counts["rows_out"]:
                problem = (
                    f"{counts['rows_out']:,} rows became {counts['samples']:,} samples, but there is no column row"
                )
                self._faults.add("counts", name, problem)
            return
        found, expected = self._numbers.count(), counts["rows_out"]
        if found > expected or (found < expected and not may_lack):
            problem = f"samples of {found:,} different rows are there, but the manifest counts {expected:,} rows"
            self._faults.add("rows", TRAINING if arranged else name, problem)
