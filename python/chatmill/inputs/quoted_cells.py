"""`QuotedCells`: follows the quotes of a CSV file, because pyarrow accepts wrong ones without a word."""

import re
from typing import Final

# In a quoted cell two quotes stand for one.
_IN_CELL: Final = re.compile(rb'(?:[^"]++|"")*+')
_CELL_ENDS: Final = b"\r\n"


class QuotedCells:
    r"""The quotes of a CSV file, which is given in pieces.

    A cell is quoted if a quote is its first byte. pyarrow takes all text up to the next quote into such a cell, so one
    wrong quote joins rows, or takes all rows up to the end of the file.

    Args:
        delimiter: What separates cells.

    Example:
        >>> cells = QuotedCells(b",")
        >>> [cells.add(piece) for piece in [b'a,b\n1,"two', b' lines\n', b'and more\n']]
        [4, 0, 0]
        >>> cells.fault(at_end=True)
        'the quoted cell that begins in line 2 does not end'
    """

    def __init__(self, delimiter: bytes) -> None:
        self._opening = re.compile(rb'(?<=[%s])"' % re.escape(delimiter + _CELL_ENDS))
        self._after_cell = delimiter + _CELL_ENDS
        self._last = _CELL_ENDS[-1:]
        self._is_quoted = self._has_quote = False
        self._line = self._first_line = 1
        self._fault: str | None = None

    def add(self, piece: bytes) -> int:
        r"""Follow the quotes of the next bytes.

        Args:
            piece: The bytes.

        Returns:
            Where the last row ends that ends in these bytes, or 0. Rows end with `\n`, or all of them with `\r`.
        """
        if not piece or self._fault is not None:
            return 0
        at, opened = self._continue(piece)
        # The last end of a line, and where the cells begin that are not looked through for it.
        row_end, unquoted = 0, at
        while self._fault is None and at < len(piece):
            if not self._is_quoted:
                opening = self._opening.search(piece, at)
                if opening is None:
                    break
                row_end = _last_end(piece, unquoted, opening.start()) or row_end
                self._is_quoted, opened, at = True, opening.start(), opening.end()
                continue
            quote = _end_of(_IN_CELL, piece, at)
            if quote == len(piece):
                break
            at = quote + 1
            # The quote may be the first of two.
            self._has_quote = at == len(piece)
            unquoted = at
            if not self._has_quote:
                self._close(piece, at, opened)
        if self._is_quoted and opened is not None:
            self._first_line = self._line + piece.count(b"\n", 0, opened)
        if not self._is_quoted:
            row_end = _last_end(piece, unquoted, len(piece)) or row_end
        self._line += piece.count(b"\n")
        self._last = piece[-1:]
        return row_end

    def fault(self, *, at_end: bool) -> str | None:
        """Return what is wrong with the quotes; None if nothing is.

        Args:
            at_end: Whether these bytes are the whole file.
        """
        if at_end and self._fault is None and self._is_quoted and not self._has_quote:
            return f"the quoted cell that begins in line {self._first_line} does not end"
        return self._fault

    def _continue(self, piece: bytes) -> tuple[int, int | None]:
        """Handle the first byte, which depends on the bytes before it.

        Returns:
            Where to go on, and where a cell was opened.
        """
        is_quote = piece.startswith(b'"')
        if self._has_quote:
            self._has_quote = False
            if is_quote:
                return 1, None
            self._close(piece, 0, None)
        elif is_quote and not self._is_quoted and self._last in self._after_cell:
            self._is_quoted = True
            return 1, 0
        return 0, None

    def _close(self, piece: bytes, at: int, opened: int | None) -> None:
        """End the quoted cell before the byte at `at`."""
        self._is_quoted = False
        if piece[at] not in self._after_cell:
            line = self._line + piece.count(b"\n", 0, at)
            first = self._first_line if opened is None else self._line + piece.count(b"\n", 0, opened)
            self._fault = f"line {line}: text follows the end of the quoted cell that begins in line {first}"


def _last_end(piece: bytes, start: int, end: int) -> int:
    """Return the place after the last end of a line, or 0."""
    found = piece.rfind(b"\n", start, end) + 1
    # A `\r` at the end may be the first half of an end.
    return found or piece.rfind(b"\r", start, min(end, len(piece) - 1)) + 1


def _end_of(pattern: re.Pattern[bytes], piece: bytes, at: int) -> int:
    found = pattern.match(piece, at)
    return at if found is None else found.end()
