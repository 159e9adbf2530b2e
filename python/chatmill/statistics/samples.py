"""`SampleChoice`: the rows of a run that a report shows, chosen while the rows go by."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chatmill._chatmill import ChatmillError, Mill, TokenBatch
from chatmill.drawing.row import DrawnRow
from chatmill.drawing.shorten import shortened
from chatmill.inputs import Block
from chatmill.inputs.integers import integers
from chatmill.inputs.mill import encode_row_of
from chatmill.inputs.values import plain_row

#: The file of the rows in an output.
SAMPLES = "_samples.jsonl"

#: The greatest number of rows in the file, and of bytes of a row and of all rows.
MOST_ROWS, MOST_ROW_BYTES, MOST_BYTES = 1000, 2 << 20, 16 << 20
_RANDOM = 10
_MOST_CODES = 30
#: The characters that are kept of one row.
_CHARACTERS = 10_000
# Larger rows take too long to encode one by one.
_LARGEST_ROW = 4 << 20
# How labels were made is told of every row.
_USUAL = ("proved", "proved_by_prefixes", "tagged", "emulated")


@dataclass
class _Chosen:
    """A row that may be shown, as a block of its own."""

    block: Block
    mill: Mill
    why: list[str]


@dataclass
class SampleChoice:
    """Chooses rows: at random, the longest, the least trained, the one with the most turns, the first with each note.

    The first row with each reason of rejection is chosen too.

    Args:
        characters: The most characters of one row that are kept.
    """

    characters: int = _CHARACTERS
    _best: dict[str, tuple[float, _Chosen]] = field(default_factory=dict)
    _random: list[tuple[float, _Chosen]] = field(default_factory=list)
    _first: dict[str, _Chosen] = field(default_factory=dict)
    _rejects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, block: Block, tokens: TokenBatch, mill: Mill, first: Mapping[str, int]) -> None:
        """Look at the rows of a block.

        Args:
            block: The rows.
            tokens: Their tokens, with statistics.
            mill: What made the tokens.
            first: The first row of the block with each mark or note.
        """
        for failure in tokens.failures:
            long = block.long_rows.get(failure.row)
            code, reason = (failure.code, failure.text) if long is None else (long.code, long.reason)
            if code not in self._rejects and len(self._rejects) < _MOST_CODES:
                self._rejects[code] = self._rejected(block, failure.row, code, reason)
        statistics = tokens.statistics
        if statistics is None:
            return
        for name, (value, row) in statistics.extremes.items():
            sign = -1 if name == "least_trained" else 1
            best = self._best.get(name)
            if best is None or sign * value > sign * best[0]:
                self._best[name] = value, _one(block, row, mill, name)
        for code, row in first.items():
            if code not in (*self._first, *_USUAL) and len(self._first) < _MOST_CODES:
                self._first[code] = _one(block, row, mill, code)
        self._choose_at_random(block, tokens, mill)

    def _choose_at_random(self, block: Block, tokens: TokenBatch, mill: Mill) -> None:
        """Keep the rows with the least keys. Only the least keys of a block are drawn, in ascending order."""
        rows = block.batch.num_rows
        drawn = random.Random(f"{block.file.position} {block.first_row} {rows}")  # noqa: S311  # no secret
        failed = {failure.row for failure in tokens.failures}
        key, left = 0.0, rows
        for row in drawn.sample(range(rows), min(_RANDOM, rows)):
            key += (1 - key) * (1 - (1 - drawn.random()) ** (1 / left))
            left -= 1
            if len(self._random) == _RANDOM and key >= self._random[-1][0]:
                return
            if row not in failed:
                self._random.append((key, _one(block, row, mill, "random")))
                self._random.sort(key=lambda it: it[0])
                del self._random[_RANDOM:]

    def _rejected(self, block: Block, row: int, code: str, reason: str) -> dict[str, Any]:
        data = self._data(block, row)
        return {"why": ["rejected"], **_place(block, row), "code": code, "reason": reason, "data": data}

    def _data(self, block: Block, row: int) -> str:
        if row in block.long_rows:
            data = block.long_rows[row].beginning
            text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=str)
        elif block.json_column is None:
            text = json.dumps(plain_row(block.batch, row), ensure_ascii=False, default=str)
        else:
            line: bytes = block.batch.column(block.json_column)[row].as_py()
            text = line[: 4 * self.characters].decode("utf-8", errors="backslashreplace")
        return text if len(text) <= self.characters else f"{text[: self.characters]}…"

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as values for JSON: each row once, with all reasons why it was chosen."""
        chosen: dict[tuple[int, str], _Chosen] = {}
        ranked = [it for _, it in self._best.values()], self._first.values(), [it for _, it in self._random]
        for group in ranked:
            for one in group:
                same = chosen.setdefault((one.block.file.position, one.block.place(0)), replace(one, why=[]))
                same.why += one.why
        for one in chosen.values():
            if one.block.batch.nbytes > _LARGEST_ROW:
                continue
            try:
                encoding = encode_row_of(one.mill, one.block, 0)
            except ChatmillError:
                continue  # it has tokens, but cannot be looked at
            samples = encoding.samples if encoding.answer is not None else [encoding]
            for sample in samples:
                row = shortened(DrawnRow.of(sample), self.characters)
                answer = {} if sample.answer is None else {"answer": sample.answer}
                yield {"why": one.why, **_place(one.block, 0), **answer, "row": row.to_dict()}
        yield from self._rejects.values()

    def file(self) -> dict[str, bytes]:
        """Return the file of the rows in an output, by its name; nothing without rows.

        Rows are left out if the file would become too large, as it does if many rows have hundreds of answers.
        """
        kept: dict[int, bytes] = {}
        size = 0
        # Rejected rows first, because a report has the places and reasons of rejections from here.
        for number, record in sorted(enumerate(self.records()), key=lambda it: "row" in it[1]):
            line = (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
            if len(line) <= MOST_ROW_BYTES and size + len(line) <= MOST_BYTES and len(kept) < MOST_ROWS:
                kept[number] = line
                size += len(line)
        return {SAMPLES: b"".join(kept[number] for number in sorted(kept))} if kept else {}


def _place(block: Block, row: int) -> Mapping[str, Any]:
    return {"source": block.file.path, "place": block.place(row)}


def _one(block: Block, row: int, mill: Mill, why: str) -> _Chosen:
    """Return a row as a block of its own, with copies of its buffers."""
    batch = block.batch.take(integers([row]))
    single = replace(
        block,
        batch=batch,
        first_row=block.first_row + row if block.rows is None else block.rows[row],
        lines=None if block.lines is None else [block.lines[row]],
        long_rows={},
        rows=None,
    )
    return _Chosen(single, mill, [why])
