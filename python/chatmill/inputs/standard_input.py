"""`standard_input`: the rows that a pipe brings, as an input of a run."""

import sys
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from chatmill._chatmill import DataError
from chatmill.inputs.file import FileKind, InputFile
from chatmill.inputs.kinds import TEXTS
from chatmill.inputs.replay import Replay

#: The input that stands for standard input.
STDIN = "-"
_NAME = "standard input"
_PIECE_BYTES = 1 << 18
# What was read of it stays known, so that a second look at the inputs does not begin in the middle.
_pieces: "WeakKeyDictionary[Any, Replay[bytes]]" = WeakKeyDictionary()


def standard_input(kind: FileKind | None = None) -> InputFile:
    """Make an input of standard input. It may be compressed; no suffix tells it, so its first bytes do.

    Args:
        kind: The kind of its rows; None for JSON: one object per line, or one array.

    Raises:
        DataError: It is a terminal, or its kind needs a file.
    """
    kind = kind or "json"
    if kind not in TEXTS:
        raise DataError(
            "Parquet and Arrow files cannot be read from standard input, only JSON, CSV and TSV; give a file"
        )
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError("`-` reads standard input, which is a terminal; pipe rows into it, or give a file")
    stream = sys.stdin.buffer
    if stream not in _pieces:
        _pieces[stream] = Replay(_read(stream), len, _NAME)
    # Nothing tells whether the rows of a pipe are whole.
    about = {"checked": False}
    return InputFile(_NAME, 0, kind, None, None, None, STDIN, source=_pieces[stream], about=about)


def _read(stream: Any) -> Iterator[bytes]:
    read = getattr(stream, "read1", stream.read)
    while piece := read(_PIECE_BYTES):
        yield piece
