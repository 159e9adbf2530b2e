"""`KeptColumns`: which kept columns the rows have. A name that no row has is an error, because it may be misspelled."""

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.inputs import Block
from chatmill.text.nearest import suggestion
from chatmill.text.parsing import parse_json

_MOST_NAMES = 50


class KeptColumns:
    """Observes the blocks of a run.

    Args:
        names: The columns to keep.

    Attributes:
        names: The columns to keep.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._with_values: set[str] = set()
        self._with_nulls: set[str] = set()
        self._others: dict[str, None] = {}
        self._has_samples = False

    def add(self, block: Block, samples: pa.RecordBatch) -> None:
        """Observe a block.

        Args:
            block: The rows.
            samples: Their samples.
        """
        self._has_samples = self._has_samples or samples.num_rows > 0
        for name in self.names:
            if name in self._with_values:
                continue
            if _has_values(samples, name):
                self._with_values.add(name)
            elif name not in self._with_nulls and self._is_in(block, name):
                self._with_nulls.add(name)

    def check(self) -> None:
        """Check that at least one row has each column.

        Raises:
            DataError: No row has a column.
        """
        for name in self.names:
            if self._has_samples and name not in self._with_values and name not in self._with_nulls:
                known = list(self._others)
                hint = suggestion(name, known, otherwise=f"use one of {', '.join(known)}" if known else "remove it")
                raise DataError(f"no row has the column {name!r} to keep (`keep_columns`); {hint}")

    def warnings(self) -> list[str]:
        """Return a warning for each column that rows have, but without a value in any row."""
        return [
            f"`keep_columns`: {name!r} is null in all rows, so this column holds only nulls; check the name"
            for name in self.names
            if name in self._with_nulls and name not in self._with_values
        ]

    def _is_in(self, block: Block, name: str) -> bool:
        """Return whether a row of a block has a column, even if it is null."""
        if block.json_column is None:
            return name in block.batch.schema.names
        lines = block.batch.column(block.json_column)
        # Only lines that hold the name are parsed, and the first one, for the names in the error.
        spelled = json.dumps(name, ensure_ascii=False)
        has_name = pc.indices_nonzero(pc.fill_null(pc.match_substring(lines, spelled), False))
        for at in [0, *has_name.to_pylist()]:
            row = _parsed(lines[at])
            if len(self._others) < _MOST_NAMES:
                self._others.update(dict.fromkeys(row))
            if name in row:
                return True
        return False


def check_names(names: Sequence[str]) -> None:
    """Check that no column is to be kept twice.

    Args:
        names: The names of `keep_columns`.

    Raises:
        DataError: A name is given twice.

    Example:
        >>> check_names(["id", "source"])
    """
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise DataError(f"`keep_columns` (`--keep-columns`) has {twice!r} twice; give it once")


def _has_values(batch: pa.RecordBatch, name: str) -> bool:
    # A kept column may have the same name as a column of the mill.
    columns = [batch.column(place) for place in batch.schema.get_all_field_indices(name)]
    return any(column.null_count < batch.num_rows for column in columns)


def _parsed(line: pa.Scalar) -> dict[str, object]:
    try:
        row = parse_json(line.as_py()) if line.is_valid else None
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
