"""Rows for the tests of `Mill.stream`: a stream that counts, batches with any borders, and rows that fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Mill
from samples import conversation

TOKENIZER = byte_tokenizer(bos_token="<s>", eos_token="</s>", pad_token="</s>")
CHATML = ChatTemplate.named("chatml")
ROWS = [{**conversation(number), "text": "x" * (number % 7)} for number in range(300)]
# Two rows without messages, and one with a message of no role; the texts of `messages` are JSON.
BROKEN = {5: None, 170: "{", 299: '[{"content": "a"}]'}


def mill(**options: Any) -> Mill:
    return Mill(TOKENIZER, CHATML, threads=2, **options)


def table(*, broken: bool = False) -> pa.Table:
    if not broken:
        return pa.Table.from_pylist(ROWS)
    texts = [BROKEN.get(at, json.dumps(row["messages"])) for at, row in enumerate(ROWS)]
    return pa.table({"id": [row["id"] for row in ROWS], "messages": texts})


def cut(rows: pa.Table, borders: list[int]) -> Iterator[pa.RecordBatch]:
    """The rows in batches, some of which may be empty."""
    places = [0, *sorted(borders), rows.num_rows]
    whole = rows.combine_chunks().to_batches()[0]
    for start, stop in pairwise(places):
        yield whole.slice(start, stop - start)


class Source:
    """A stream of batches that counts how many were taken."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self.batches, self.taken, self.is_closed = batches, 0, False
        self.reader = pa.RecordBatchReader.from_batches(schema, self._counted())

    def _counted(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self.batches:
                self.taken += 1
                yield batch
        finally:
            self.is_closed = True


def endless() -> Source:
    whole = table()
    return Source((whole.slice(at % 250, 10).to_batches()[0] for at in count()), whole.schema)


class Foreign:
    """A stream as other libraries see it, only through the C interface."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self.reader.__arrow_c_stream__(requested)


def message(work: Callable[[], Any], kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        work()
    return str(caught.value)
