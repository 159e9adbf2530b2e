"""`Plan`: the plan of packs in a file; `verify_index`: a plan that lies alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.packing.index import ABOUT, INDEX, VALIDATION_INDEX, is_index
from chatmill.packing.seal import is_seal_right
from chatmill.text.parsing import parse_json
from chatmill.trainers.splits import TRAINING, VALIDATION
from chatmill.verification.faults import Faults
from chatmill.verification.fields import wrong_plan_fields
from chatmill.verification.plan import COLUMNS, PlanChecks
from chatmill.verification.shards import READ_ERRORS
from chatmill.verification.slices import SliceDigests
from chatmill.verification.tokens_folder import token_rows

#: The file of the plan of each split.
PLANS = {TRAINING: INDEX, VALIDATION: VALIDATION_INDEX}


@dataclass(frozen=True)
class Plan:
    """A plan that was read.

    Attributes:
        table: The plan.
        file: Its file.
        checks: Its checks.
        is_whole: Whether packs and rows can be compared with it.
    """

    table: pa.Table
    file: str
    checks: PlanChecks
    is_whole: bool

    def compare(self, digests: SliceDigests, rows: Iterable[tuple[str, int, pa.RecordBatch]], faults: Faults) -> None:
        """Compare with the rows that were packed.

        Args:
            digests: The digests of the packs; without any, only lengths are compared.
            rows: The rows.
            faults: Takes the faults.
        """
        try:
            lengths = digests.compare(self.table, rows, self.file, faults)
        except (*READ_ERRORS, KeyError, IndexError) as error:
            faults.add("tokens", self.file, f"the rows that were packed cannot be read ({error})")
            return
        self.checks.check_lengths(lengths)


def read_plan(path: Path, about: Mapping[str, Any], split: str, faults: Faults) -> Plan | None:
    """Read and check a plan.

    Args:
        path: Its file.
        about: What made it.
        split: Its split.
        faults: Takes the faults.

    Returns:
        The plan; None if it cannot be read.
    """
    try:
        table = pq.read_table(path, partitioning=None)
        table.validate(full=True)
    except READ_ERRORS as error:
        faults.add("unreadable", path.name, f"it cannot be read ({error})")
        return None
    found = dict(zip(table.schema.names, table.schema.types, strict=True))
    if found != COLUMNS or any(column.null_count for column in table.columns):
        faults.add("plan", path.name, "its columns are not those of a plan of packs")
        return None
    checks = PlanChecks(table, about, split, path.name, faults)
    return Plan(table, path.name, checks, checks.run())


def verify_index(path: Path, tokens: Path | None, faults: Faults) -> tuple[int, int]:
    """Check a plan that lies alone.

    Args:
        path: Its file.
        tokens: The output that was packed; None for the folder that the plan names.
        faults: Takes the faults.

    Returns:
        The number of packs and of their tokens.

    Raises:
        DataError: The file is not a plan of chatmill.
    """
    if not _is_unchanged(path, faults):
        return 0, 0
    try:
        about = parse_json((pq.read_schema(path).metadata or {}).get(ABOUT.encode(), b""))
    except READ_ERRORS as error:
        faults.add("unreadable", path.name, f"it cannot be read ({error})")
        return 0, 0
    wrong = wrong_plan_fields(about)
    if wrong or TRAINING not in about["report"]:
        faults.add(
            "field",
            f"{path.name}, {(wrong or ['report'])[0]}",
            "the value is missing, or has another type than chatmill writes",
        )
        return 0, 0
    plan = read_plan(path, about, TRAINING, faults)
    if plan is not None and plan.is_whole:
        rows = token_rows(about, tokens, faults)
        if rows is not None:
            plan.compare(SliceDigests(), rows.of_split(TRAINING), faults)
    figures = about["report"][TRAINING]
    return figures["packs"], figures["tokens"]


def _is_unchanged(path: Path, faults: Faults) -> bool:
    """Return whether a plan may be read: it is a Parquet file, and its checksum is right, if it has one."""
    no_plan = f"{path} is not a plan of chatmill; give an output, or a plan of `chatmill pack --index-only`"
    try:
        is_right = is_seal_right(path)
    except READ_ERRORS:
        if not _looks_like_index(path):
            raise DataError(no_plan) from None
        is_right = False
    if is_right is None:
        if not is_index(path):
            raise DataError(no_plan)
        faults.note(f"whether {path.name} has changed: it is of an earlier version, which gave it no checksum")
    elif not is_right:
        if not _looks_like_index(path):
            raise DataError(no_plan)
        faults.add("checksum", path.name, "its content has changed since chatmill wrote it")
    return is_right is not False


def _looks_like_index(path: Path) -> bool:
    """Return whether a damaged file has the words of a plan: its seal, or the name of a column."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return b"chatmill" in content or b"shard_row" in content
