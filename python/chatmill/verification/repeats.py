"""`Repeats`: whether an output without duplicates has two equal rows."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.arrange.duplicates import Duplicates
from chatmill.outputs.layout_name import layout_name
from chatmill.verification.columns import Columns
from chatmill.verification.faults import Faults


class Repeats:
    """Finds equal rows, in 24 bytes for each row."""

    def __init__(self) -> None:
        self._duplicates = Duplicates()
        self._rows = 0
        # The number of the first row of each batch, with its file and its number there.
        self._starts: list[tuple[int, str, int]] = []

    @classmethod
    def of(cls, manifest: Mapping[str, Any], columns: Columns) -> "Repeats | None":
        """Return a search for equal rows; None if an output may have some, or does not tell.

        Args:
            manifest: The manifest.
            columns: The columns of its rows.
        """
        arrangement = manifest.get("arrangement") or {}
        has_copies = any(weight > 1 for weight in arrangement.get("weights") or ())
        # Duplicates have equal labels, which are not in the files for NeMo. Those of answers have the same `label`.
        can_tell = "labels" in columns.needed or (columns.kind == "answers" and columns.trainer is None)
        # MDS does not hold that column.
        can_tell &= layout_name(manifest) != "mds" or "completion_ids" not in columns.needed
        if columns.kind == "packs" or not arrangement.get("deduplicate") or has_copies or not can_tell:
            return None
        return cls()

    def add(self, batch: pa.RecordBatch, lengths: pa.Array, file: str, first_row: int) -> None:
        """Add rows.

        Args:
            batch: The rows.
            lengths: The number of tokens of each.
            file: Their file.
            first_row: The number of the first one in the file.
        """
        self._starts.append((self._rows, file, first_row))
        if "length" not in batch.schema.names:
            batch = batch.append_column("length", pc.cast(lengths, pa.int32()))
        self._duplicates.add(batch)
        self._rows += batch.num_rows

    def check(self, faults: Faults) -> None:
        """Add a fault if rows are equal.

        Args:
            faults: Takes it.
        """
        is_first = self._duplicates.first()
        again = is_first.find(0)
        if again < 0:
            return
        start, file, first_row = next(it for it in reversed(self._starts) if it[0] <= again)
        problem = "an earlier row has the same ids and labels, but duplicates were removed"
        faults.add("duplicates", f"{file}, row {first_row + again - start}", problem, count=is_first.count(0))
