"""`Block`: some rows of an input file, with their places in the file."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from chatmill.inputs.file import InputFile
from chatmill.inputs.integers import integers

#: The columns that may hold the messages of a row.
MESSAGE_COLUMNS = ("messages", "conversations")

#: The columns that the core reads if there is no format; other columns are read only if they are kept.
CONVERSATION_COLUMNS = (*MESSAGE_COLUMNS, "tools", "documents", "chat_template_kwargs")


@dataclass(frozen=True)
class LongRow:
    """A row that is larger than `max_line_bytes`. It is not read, so it is null in its block.

    Attributes:
        reason: Its size and the limit, in words, and what to do.
        beginning: The beginning of its data.
    """

    code = "line_too_long"

    reason: str
    beginning: Any


@dataclass(frozen=True)
class Block:
    """Some rows of one file.

    Attributes:
        batch: The rows. The rows of JSONL are one binary column of lines.
        json_column: The name of that column, or None for other files.
        file: The file.
        first_row: Index of the first row in the file, from 0.
        lines: For JSON the line of each row, from 1 (in JSONL, blank lines are not rows); otherwise None.
        bytes_read: Bytes of the file on disk that were read up to the end of this block.
        long_rows: The rows that are too long to be read, by their index in the batch.
        names_row: Whether a place has the row besides the line, because one line may hold several rows.
        rows: The index in the file of each row, if rows between them are left out; None if none is.
    """

    batch: pa.RecordBatch
    json_column: str | None
    file: InputFile
    first_row: int
    lines: Sequence[int] | None
    bytes_read: int
    long_rows: Mapping[int, LongRow] = field(default_factory=dict)
    names_row: bool = False
    rows: Sequence[int] | None = None

    def within(self, rows: Sequence[int]) -> "Block | None":
        """Return the rows of this block that are among some rows of the file, or None if there are none.

        Args:
            rows: Rows of the file, from 0 and ascending. No row of this block was left out before.
        """
        end = self.first_row + self.batch.num_rows
        wanted = rows[bisect_left(rows, self.first_row) : bisect_left(rows, end)]
        if not wanted:
            return None
        places = [row - self.first_row for row in wanted]
        is_slice = len(places) == places[-1] - places[0] + 1
        return replace(
            self,
            batch=self.batch.slice(places[0], len(places)) if is_slice else self.batch.take(integers(places)),
            first_row=wanted[0],
            lines=None if self.lines is None else [self.lines[place] for place in places],
            long_rows={row: self.long_rows[place] for row, place in enumerate(places) if place in self.long_rows},
            rows=None if is_slice else wanted,
        )

    def where(self, row: int) -> dict[str, str | int]:
        """Return the place of a row: `file`, and `line` (from 1) or `row` (from 0), or both.

        Args:
            row: Index in the batch.
        """
        if self.lines is not None and self.names_row:
            return {"file": self.file.path, "row": self._number(row), "line": self.lines[row]}
        if self.lines is not None:
            return {"file": self.file.path, "line": self.lines[row]}
        return {"file": self.file.path, "row": self._number(row)}

    def place(self, row: int) -> str:
        """Return the place of a row in words, such as `chats.jsonl, line 3`.

        Args:
            row: Index in the batch.
        """
        return ", ".join(str(at) if unit == "file" else f"{unit} {at}" for unit, at in self.where(row).items())

    def _number(self, row: int) -> int:
        """Return the index in the file of a row of the batch."""
        return self.first_row + row if self.rows is None else self.rows[row]
