"""`_rejects.jsonl`: the rows that have no tokens, each with its place, its reason and its data."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from chatmill._chatmill import RowFailure
from chatmill.inputs import Block
from chatmill.inputs.values import plain_row

REJECTS = "_rejects.jsonl"
#: Its name in outputs of earlier versions.
EARLIER_REJECTS = "rejects.jsonl"
# The rows may be private, and other users of the machine need no part of the log to use the output.
_MODE = 0o600


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
        long = block.long_rows.get(failure.row)
        code, reason = (failure.code, failure.text) if long is None else (long.code, long.reason)
        self.counts[code] += 1
        if code not in self.examples:
            self.examples[code] = Reject(block.place(failure.row), code, reason)
        record = {
            **block.where(failure.row),
            "code": code,
            "reason": reason,
            "message": failure.message,
            "template_line": failure.template_line,
            "data": _data(block, failure.row) if long is None else long.beginning,
        }
        if self._file is None:
            # In JSON, the escape of a lone surrogate is what `backslashreplace` writes.
            self._file = open(  # noqa: SIM115  # `Path.open` has no opener
                self._path, "w", encoding="utf-8", errors="backslashreplace", opener=_open_private
            )
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)


def _data(block: Block, row: int) -> Any:
    if block.json_column is None:
        return plain_row(block.batch, row)
    line: bytes = block.batch.column(block.json_column)[row].as_py()
    return line.decode("utf-8", errors="backslashreplace")
