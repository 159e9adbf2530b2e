"""`Block`: some rows of an input file, with their places in the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from chatmill.inputs.file import InputFile

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
    """

    batch: pa.RecordBatch
    json_column: str | None
    file: InputFile
    first_row: int
    lines: Sequence[int] | None
    bytes_read: int
    long_rows: Mapping[int, LongRow] = field(default_factory=dict)
    names_row: bool = False

    def within(self, rows: range) -> "Block | None":
        """Return the rows of this block that are in a range of rows of the file, or None if there are none.

        Args:
            rows: Rows of the file, from 0.
        """
        start = max(0, rows.start - self.first_row)
        end = min(self.batch.num_rows, rows.stop - self.first_row)
        if start >= end:
            return None
        lines = None if self.lines is None else self.lines[start:end]
        return replace(
            self,
            batch=self.batch.slice(start, end - start),
            first_row=self.first_row + start,
            lines=lines,
            long_rows={row - start: long for row, long in self.long_rows.items() if start <= row < end},
        )

    def where(self, row: int) -> dict[str, str | int]:
        """Return the place of a row: `file`, and `line` (from 1) or `row` (from 0), or both.

        Args:
            row: Index in the batch.
        """
        if self.lines is not None and self.names_row:
            return {"file": self.file.path, "row": self.first_row + row, "line": self.lines[row]}
        if self.lines is not None:
            return {"file": self.file.path, "line": self.lines[row]}
        return {"file": self.file.path, "row": self.first_row + row}

    def place(self, row: int) -> str:
        """Return the place of a row in words, such as `chats.jsonl, line 3`.

        Args:
            row: Index in the batch.
        """
        return ", ".join(str(at) if unit == "file" else f"{unit} {at}" for unit, at in self.where(row).items())
