r"""`Suspects`: rows of a block whose data look as if something is wrong with them, found without reading the rows.

Checks compare the texts of a sample of rows. A fault in two rows of a thousand is seldom among them, so the data of the
rows are searched for signs, such as U+FFFD or the field `chat_template_kwargs`. A row with a sign is then checked; a
sign alone means nothing. A search takes 0.3 to 1.5 ms a MB for each sign, all together 3 to 5, so only a part of a
large run is searched.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa

from chatmill.inputs import Block

_Sign: TypeAlias = bytes | re.Pattern[bytes]

# The end of reasoning in a content, and what looks like a control token. One pattern for both, because a search for one
# character is faster than for several ones.
_BRACKETS = re.compile(rb"<(?:[|]|/think>|\xef\xbd\x9c|(?:start|end)_of_turn>)")
_ALWAYS: tuple[_Sign, ...] = (
    b"\xef\xbf\xbd", b"\\ufffd", _BRACKETS, b"chat_template_kwargs", b'"tools"', b'"arguments": "', b'"arguments":"',
    b'"function_call"', re.compile(rb'"content":(?: [^"n]|[^" n])'),
)  # fmt: skip
# What the core counts for all rows whose labels come from regions, and for a few rows whose labels come from tags.
_OF_TAGS: tuple[_Sign, ...] = (
    b'"reasoning', b'"thinking"',
    re.compile(rb'"role": ?"(?!user"|assistant"|system"|tool")'),
)  # fmt: skip
# Marks of the core whose first row in a block should be looked at, because a check can tell more about it.
_MARKS = ("content_dropped", "reasoning_dropped")
# So many rows of a block with one sign are looked at, in the first block and in later ones; of more rows, the sample of
# the block has some.
_FIRST_ROWS, _ROWS = 16, 2
_MOST_HITS = 64
# A sign in one of so many rows is common.
_COMMON = 4
# So much of the first blocks together is searched, and so much of each later one.
_FIRST_BYTES, _BYTES = 4 << 20, 64 << 10
_TEXT_TYPES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string, pa.types.is_large_string)


class Suspects:
    """Finds rows that should be checked.

    Args:
        has_tags: Whether the labels come from the tags of a template, so the core has regions of a few rows only.
        tokens: Texts of control tokens to search for, besides those in angle brackets with bars.
        searches_all: Whether to search all rows, however many.
    """

    def __init__(self, *, has_tags: bool, tokens: Sequence[str] = (), searches_all: bool = False) -> None:
        others = [token.encode() for token in tokens if token and not _BRACKETS.match(token.encode())]
        self._signs = (*_ALWAYS, *(_OF_TAGS if has_tags else ()), *(others if has_tags else ()))
        self._searches_all = searches_all
        self._left = _FIRST_BYTES
        self._blocks = 0

    def rows(self, block: Block, marks: dict[str, int]) -> set[int]:
        """Return rows that should be checked, by their index in the block.

        Args:
            block: The rows.
            marks: The first row with each mark of the core.
        """
        most = _ROWS if self._blocks else _FIRST_ROWS
        self._blocks += 1
        found = {marks[code] for code in _MARKS if code in marks}
        size = block.batch.nbytes if self._searches_all else max(self._left, _BYTES)
        self._left -= min(self._left, block.batch.nbytes)
        for data, ends in _texts(block, size):
            for sign in self._signs:
                hits = list(_rows_with(sign, data, ends))
                if hits and not _is_common(hits):
                    found.update(hits[:: -(-len(hits) // most)])
        return found


def _is_common(hits: Sequence[int]) -> bool:
    """Return whether so many rows have a sign that the sample of the block has some of them."""
    return len(hits) > _FIRST_ROWS and hits[-1] < _COMMON * len(hits)


def _texts(block: Block, size: int) -> Iterator[tuple[bytes, Sequence[int]]]:
    """Yield the bytes of the texts of each column with texts, and where the text of each row ends."""
    names = block.batch.schema.names if block.json_column is None else [block.json_column]
    for name in names:
        column = block.batch.column(name)
        if any(is_text(column.type) for is_text in _TEXT_TYPES) and len(column):
            yield _joined(column, size)


def _joined(column: pa.Array, size: int) -> tuple[bytes, Sequence[int]]:
    _, offsets, data = column.buffers()
    is_large = pa.types.is_large_binary(column.type) or pa.types.is_large_string(column.type)
    places = (
        memoryview(offsets).cast("B").cast("q" if is_large else "i")[column.offset : column.offset + len(column) + 1]
    )
    first = places[0]
    rows = bisect_right(places, first + size) - 1
    ends = [place - first for place in places[1 : rows + 1]]
    return (b"" if data is None or not ends else data.slice(first, ends[-1]).to_pybytes()), ends


def _rows_with(sign: _Sign, data: bytes, ends: Sequence[int]) -> Iterator[int]:
    """Yield the rows with a sign, ascending, but not many of them."""
    at = 0
    for _ in range(_MOST_HITS):
        if isinstance(sign, bytes):
            at = data.find(sign, at)
        else:
            match = sign.search(data, at)
            at = -1 if match is None else match.start()
        if at < 0:
            return
        row = bisect_right(ends, at)
        yield row
        at = ends[row]
