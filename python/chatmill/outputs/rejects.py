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
        place: The file with the line or the row, such as `chats.jsonl, line 7`.
        code: The stable word for the kind of failure.
        reason: The problem and its remedy.
    """

    place: str
    code: str
    reason: str


class RejectLog:
    """Writes rejected rows one by one. The first rejected row creates the file. Used in a `with` block.

    Args:
        folder: The folder to write into.

    Attributes:
        counts: Rejected rows by code.
        examples: The first rejected row of each code.
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
            block: The block of the row.
            failure: The reason why the row has no tokens.
        """
        self.counts[failure.code] += 1
        if failure.code not in self.examples:
            self.examples[failure.code] = Reject(block.place(failure.row), failure.code, failure.text)
        record = {
            **block.where(failure.row),
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
