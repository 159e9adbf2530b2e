"""`pieces_in`: the pieces of lines in a part of a file, the same as when the whole file is read."""

from collections.abc import Callable, Iterator
from typing import Any

from chatmill._chatmill import CutLines
from chatmill.inputs.file import Span


def pieces_in(
    raw: Any, span: Span, block_bytes: int, pieces_of: Callable[[Any, bool], Iterator[CutLines]]
) -> Iterator[CutLines]:
    """Read the pieces of lines of a span: those whose last line ends in it.

    Args:
        raw: The bytes of the file.
        span: The span; its start is a multiple of the size of a block.
        block_bytes: The size of a block, in bytes.
        pieces_of: Reads pieces of lines of a stream, a block at a time. It is given the stream, and whether
            reading begins at the beginning of the file.

    Yields:
        The pieces.
    """
    begin = _line_before(raw, span.start, block_bytes)
    raw.seek(begin)
    for piece in pieces_of(raw, begin == 0):
        if raw.tell() > span.stop:
            break
        if raw.tell() > span.start:
            yield piece


def _line_before(raw: Any, start: int, block_bytes: int) -> int:
    """Return the start of the last block before a place in which a line ends."""
    while start > 0:
        start -= block_bytes
        raw.seek(start)
        if b"\n" in raw.read(block_bytes):
            break
    return max(0, start)
