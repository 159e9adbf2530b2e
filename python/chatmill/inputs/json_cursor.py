"""`JsonCursor`: reads a JSON document value by value, as text, without holding all of it.

The texts go to the core, which parses them as it parses lines. A library that makes Python values of them, such as
ijson, was no choice: numbers such as `1.0` and `1e2`, `NaN` and repeated keys would not arrive as they are in the file,
and one mistake in a row would end the run.
"""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from chatmill._chatmill import DataError

_BLANK = re.compile(r"[ \t\r\n]*")
# The rest of a string, up to its quote. A backslash at the end of the piece is left for the next one.
_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_MARK = re.compile(r'["\[\]{}]')
_PLAIN = re.compile(r'[^\s,:"\[\]{}]*')
_BEGINNING = 4096
# Only where a value ends is of interest, so numbers need not be made.
_SCAN = json.JSONDecoder(strict=False, parse_int=len, parse_float=len, parse_constant=len).scan_once  # type: ignore[attr-defined]


@dataclass(frozen=True)
class LongText:
    """A row that was skipped.

    Attributes:
        beginning: Its first bytes.
        size: The number of its bytes.
    """

    beginning: bytes
    size: int


class JsonCursor:
    """A place in a JSON document.

    Args:
        read: A function that reads at most so many bytes, and none at the end.
        piece_bytes: The number of bytes to read at a time.
        most_bytes: A value that is longer is not held.
    """

    def __init__(self, read: Callable[[int], bytes], *, piece_bytes: int, most_bytes: int) -> None:
        self._read, self._piece_bytes, self._most = read, piece_bytes, most_bytes
        # Bytes that are not UTF-8 stay as they are; the core then rejects their row.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = self._counted = 0
        self._line = 1
        self._has_ended = False
        if self.peek() == "\ufeff":
            self.skip()

    @property
    def line(self) -> int:
        """The line of the place, from 1."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """Return the next character that is not white space; nothing at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = self._at if blank is None else blank.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(self._at):
                return ""

    def skip(self) -> None:
        """Go behind the character that `peek` returned."""
        self._at += 1

    def value(self) -> bytes | LongText:
        """Read the value at the place, and go behind it.

        It ends with the bracket that closes it, so a mistake inside it does not matter here.

        Raises:
            DataError: There is no value, or it has no end.
        """
        if self.peek() not in set('{["'):
            return self._plain()
        # Most values are whole and without mistakes. Python's parser finds their end three times as fast.
        try:
            _, end = _SCAN(self._text, self._at)
        except (StopIteration, ValueError, RecursionError):
            return self._nested(self.line)
        found = self._text[self._at : end]
        self._at = end
        return found.encode("utf-8", "surrogateescape")

    def _plain(self) -> bytes | LongText:
        """Read a number or a word."""
        found = ""
        while True:
            rest = _PLAIN.match(self._text, self._at)
            end = self._at if rest is None else rest.end()
            found += self._text[self._at : end]
            self._at = end
            if end < len(self._text) or not self._more(end):
                break
        if not found:
            shown = repr(self.peek()) if self.peek() else "the end of the file"
            raise DataError(f"line {self.line}: expected a value, found {shown}; correct the file")
        return found.encode("utf-8", "surrogateescape")

    def _nested(self, line: int) -> bytes | LongText:
        """Read a value by its brackets and quotes."""
        held: list[str] = []
        size, depth, in_string = 0, 0, False
        start = at = self._at
        while True:
            at, depth, in_string, is_whole = _advance(self._text, at, depth, in_string=in_string)
            if size <= self._most:
                held.append(self._text[start:at])
            size += at - start
            self._at = at
            if is_whole:
                break
            if not self._more(at):
                raise DataError(
                    f"line {line}: the file ends within the value that begins here; it is cut off, or a bracket or a "
                    "quote is missing"
                )
            start = at = self._at
        text = "".join(held)
        if size > self._most:
            return LongText(text[:_BEGINNING].encode("utf-8", "surrogateescape"), size)
        return text.encode("utf-8", "surrogateescape")

    def _more(self, start: int) -> bool:
        """Read the next piece, and drop the text before `start`; return whether there was a piece."""
        if self._has_ended:
            return False
        self._line += self._text.count("\n", self._counted, start)
        rest = self._text[start:]
        self._at, self._counted = self._at - start, 0
        while True:
            piece = self._read(self._piece_bytes)
            self._has_ended = not piece
            more = self._decoder.decode(piece, final=self._has_ended)
            if more or self._has_ended:
                break
        self._text = rest + more
        return bool(more)


def _advance(text: str, at: int, depth: int, *, in_string: bool) -> tuple[int, int, bool, bool]:
    """Go on in a value; return the place, the depth, whether it is in a string, and whether the value ended there."""
    while at < len(text):
        if in_string:
            rest = _STRING.match(text, at)
            at = at if rest is None else rest.end()
            if at >= len(text) or text[at] != '"':
                break  # a backslash, whose character is in the next piece
            at, in_string = at + 1, False
        else:
            mark = _MARK.search(text, at)
            if mark is None:
                at = len(text)
                break
            at = mark.end()
            in_string = mark[0] == '"'
            depth += 1 if mark[0] in "[{" else -1 if mark[0] in "]}" else 0
        if depth <= 0 and not in_string:
            return at, depth, in_string, True
    return at, depth, in_string, False
