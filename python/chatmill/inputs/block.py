"""`Block`: some rows of an input file, and where they stood in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from chatmill.inputs.find import InputFile

# What the core reads; other columns are left in the file unless they are to be kept.
MESSAGE_COLUMNS = ("messages", "conversations")
CONVERSATION_COLUMNS = (*MESSAGE_COLUMNS, "tools", "documents", "chat_template_kwargs")


@dataclass(frozen=True)
class Block:
    """Some rows of one file.

    Attributes:
        batch: The rows; for JSONL one binary column of lines.
        json_column: Name of that column, or None where the rows have columns of their own.
        file: Where they come from.
        first_row: Index of the first row in the file, from 0.
        lines: For JSONL the line of each row, from 1 (blank lines are no rows); else None.
        bytes_read: How much of the file has been read with this block, in bytes on disk.
    """

    batch: pa.RecordBatch
    json_column: str | None
    file: InputFile
    first_row: int
    lines: Sequence[int] | None
    bytes_read: int

    def within(self, rows: range) -> "Block | None":
        """The rows of this block that are among some of the file; None if there are none.

        Args:
            rows: Rows of the file, from 0.
        """
        start = max(0, rows.start - self.first_row)
        end = min(self.batch.num_rows, rows.stop - self.first_row)
        if start >= end:
            return None
        lines = None if self.lines is None else self.lines[start:end]
        return replace(self, batch=self.batch.slice(start, end - start), first_row=self.first_row + start, lines=lines)

    def where(self, row: int) -> dict[str, str | int]:
        """The place of a row of this block: `file`, and `line` (from 1) or `row` (from 0).

        Args:
            row: Index in the batch.
        """
        if self.lines is not None:
            return {"file": self.file.path, "line": self.lines[row]}
        return {"file": self.file.path, "row": self.first_row + row}
