"""`rejects.jsonl`: the rows that have no tokens, each with its place, its reason and its data."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from chatmill._chatmill import RowFailure
from chatmill.inputs import Block

REJECTS = "rejects.jsonl"


@dataclass(frozen=True)
class Reject:
    """One row without tokens.

    Attributes:
        place: File and line, or file and row: `chats.jsonl, line 7`.
        code: The stable word for the kind of failure.
        reason: What went wrong and what to do about it.
    """

    place: str
    code: str
    reason: str


class RejectLog:
    """Writes rejected rows as they come; the file is there only if there is one. Used in a `with` block.

    Args:
        folder: Where to write.

    Attributes:
        counts: Rows by code.
        examples: The first row of each code.
    """

    def __init__(self, folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, Reject] = {}
        self._path = folder / REJECTS
        self._file: TextIO | None = None

    def __enter__(self) -> "RejectLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, block: Block, failure: RowFailure) -> None:
        """Append a row.

        Args:
            block: What the row was read with.
            failure: Why it has no tokens.
        """
        where = block.where(failure.row)
        self.counts[failure.code] += 1
        if failure.code not in self.examples:
            file, (unit, number) = where["file"], list(where.items())[1]
            self.examples[failure.code] = Reject(f"{file}, {unit} {number}", failure.code, failure.text)
        record = {
            **where,
            "code": failure.code,
            "reason": failure.text,
            "message": failure.message,
            "template_line": failure.template_line,
            "data": _data(block, failure.row),
        }
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8")
        self._file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")


def _data(block: Block, row: int) -> Any:
    if block.json_column is None:
        return block.batch.slice(row, 1).to_pylist()[0]
    line: bytes = block.batch.column(block.json_column)[row].as_py()
    return line.decode("utf-8", errors="backslashreplace")
