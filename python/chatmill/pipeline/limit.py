"""`RejectLimit`: how many rejected rows a run accepts."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chatmill._chatmill import DataError

#: The default of `max_rejected`.
MAX_REJECTED = "5%"

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_NUMBER = re.compile(r"\s*(\d+)\s*")
_SHARE = re.compile(r"\s*(\d*\.\d+)\s*")


@dataclass(frozen=True)
class RejectLimit:
    """The most rejected rows that a run accepts: a share of its rows, or a number.

    Attributes:
        given: The limit as the user gave it.
        share: The share, or None if the limit is a number.
        number: The number, or None if the limit is a share.
    """

    given: str | float
    share: Fraction | None = None
    number: int | None = None

    @classmethod
    def of(cls, given: Any) -> "RejectLimit":
        """Read a limit.

        Args:
            given: A percentage such as `"5%"`, a share such as `0.05`, or a number of rows such as `20`. A text may
                hold each of them.

        Raises:
            DataError: The value is none of these, or a share above 100 %.

        Example:
            >>> RejectLimit.of("5%").is_exceeded(rejected=6, rows=100), RejectLimit.of(6).is_exceeded(6, 100)
            (True, False)
        """
        share, number = _read(given)
        if (share is None and number is None) or (share is not None and share > 1):
            raise DataError(
                f"`max_rejected` is {given!r}; give a percentage such as 5%, a share such as 0.05, or a number of rows"
            )
        return cls(given, share, number)

    def is_exceeded(self, rejected: int, rows: int) -> bool:
        """Return whether more rows are rejected than the limit allows.

        Args:
            rejected: The rejected rows.
            rows: All rows.
        """
        return rejected > (self.share * rows if self.share is not None else self.number or 0)

    def __str__(self) -> str:
        if self.share is None:
            return f"{self.number:,}"
        percent = self.share * 100
        return f"{percent}%" if percent.denominator == 1 else f"{float(percent):g}%"


def _read(given: Any) -> tuple[Fraction | None, int | None]:
    """Return the share or the number of a limit; neither if it has another form."""
    if isinstance(given, str):
        return _parsed(given)
    if isinstance(given, float) and math.isfinite(given) and given >= 0:
        # The shortest text of a float is the number that the user wrote.
        return Fraction(str(given)), None
    is_number = isinstance(given, int) and not isinstance(given, bool) and given >= 0
    return None, given if is_number else None


def _parsed(text: str) -> tuple[Fraction | None, int | None]:
    if found := _PERCENT.fullmatch(text):
        return Fraction(found[1]) / 100, None
    if found := _SHARE.fullmatch(text):
        return Fraction(found[1]), None
    found = _NUMBER.fullmatch(text)
    return None, int(found[1]) if found else None
