"""`Condition`: conditions on the figures of a report, such as `truncated_tokens > 2%`, and which of them hold."""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chatmill._chatmill import DataError
from chatmill.reporting.figures import FIGURES, Figure
from chatmill.reporting.foreign import on_one_line
from chatmill.reporting.model import Report
from chatmill.text.nearest import nearest

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
# What people write in their place.
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", "<>": "!=", "≥": ">=", "≤": "<=", "≠": "!="}
_PARTS = re.compile(r"\s*([^\s<>=!≥≤≠]*)\s*([<>=!≥≤≠]+)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(%?)", re.ASCII)
_EXAMPLE = "such as 'stop_untrained > 0' or 'truncated_tokens > 2%'"


@dataclass(frozen=True)
class Condition:
    """A condition on one figure of a report.

    Attributes:
        text: The condition as it was given.
        figure: The figure.
        operator: `>`, `>=`, `<`, `<=`, `==` or `!=`.
        number: The number that the figure is compared with.
        is_percent: Whether the number is a percentage: of the base of the figure, or of 1 if the figure is a share.
    """

    text: str
    figure: Figure
    operator: str
    number: Fraction
    is_percent: bool

    @classmethod
    def of(cls, text: str) -> "Condition":
        """Read a condition.

        Args:
            text: A name of `FIGURES`, an operator, and a number or a percentage.

        Raises:
            DataError: The text is no condition, or names an unknown figure.

        Example:
            >>> condition = Condition.of("truncated_tokens > 2%")
            >>> condition.figure.base, condition.operator, condition.is_percent
            ('uncut_tokens', '>', True)
        """
        parts = _PARTS.fullmatch(text)
        if parts is None or not parts[1]:
            raise DataError(f"{text!r} is not a condition; give a figure, an operator and a number, {_EXAMPLE}")
        name, sign, limit = parts.groups()
        figure = FIGURES.get(name)
        if figure is None:
            near = nearest(name, FIGURES)
            hint = f"the figures are {', '.join(FIGURES)}" if near is None else f"did you mean {near!r}?"
            raise DataError(f"{text!r} names the figure {name!r}, which does not exist; {hint}")
        if sign not in _OPERATORS:
            use = _MEANT.get(sign, ", ".join(_OPERATORS))
            raise DataError(f"{text!r} has the operator {sign!r}, which is unknown; use {use}")
        number = _NUMBER.fullmatch(limit)
        if number is None:
            raise DataError(
                f"{text!r} compares with {limit!r}, which is not a number of 0 or more; give a number such as "
                "0, 2.5 or 2%"
            )
        if number[2] and not (figure.base or figure.is_share):
            raise DataError(
                f"{text!r} has a percentage, but `{name}` has no total that is 100 %; give a number without %"
            )
        return cls(text.strip(), figure, sign, Fraction(number[1]), bool(number[2]))

    def holds(self, report: Report) -> bool:
        """Return whether the condition holds for a report.

        Args:
            report: The report.

        Raises:
            DataError: The report does not know the figure.
        """
        value = self._known(self.figure, report)
        if not self.is_percent:
            return _OPERATORS[self.operator](value, self.number)
        if self.figure.is_share:
            return _OPERATORS[self.operator](value * 100, self.number)
        whole = self._known(FIGURES[self.figure.base], report)
        # Nothing of nothing is 0 %.
        return _OPERATORS[self.operator](value * 100 / whole if whole else Fraction(0), self.number)

    def explain(self, report: Report) -> str:
        """Say what the figure is, as one sentence.

        Args:
            report: The report.

        Raises:
            DataError: The report does not know the figure.
        """
        value = self._known(self.figure, report)
        if self.figure.is_share:
            return f"{self.figure.name} is {_number(value)} ({_percent(value)})"
        if not self.figure.base:
            return f"{self.figure.name} is {_number(value)}"
        whole = self._known(FIGURES[self.figure.base], report)
        share = f" ({_percent(value / whole)})" if whole else ""
        return f"{self.figure.name} is {_number(value)} of {_number(whole)} {self.figure.base}{share}"

    def _known(self, figure: Figure, report: Report) -> Fraction:
        value = figure.value(report)
        if value is None:
            name = on_one_line(report.run.name)
            raise DataError(
                f"{self.text!r} needs `{figure.name}`, which is unknown for {name}, because the regions of its rows "
                "are not known; leave out this condition"
            )
        return value


@dataclass(frozen=True)
class Held:
    """A condition that holds for a report. `str` gives its line.

    Attributes:
        condition: The condition.
        name: The name of the report.
        explanation: What the figure is.
    """

    condition: Condition
    name: str
    explanation: str

    def __str__(self) -> str:
        return f"{on_one_line(self.name)}: {self.condition.text}: {self.explanation}"


def held(reports: Iterable[Report], conditions: Sequence[str | Condition]) -> tuple[Held, ...]:
    """Return the conditions that hold, each with the report.

    Args:
        reports: The reports.
        conditions: Conditions, such as `"stop_untrained > 0"`.

    Raises:
        DataError: A text is no condition, or a report does not know the figure.
    """
    read = [it if isinstance(it, Condition) else Condition.of(it) for it in conditions]
    return tuple(
        Held(condition, report.run.name, condition.explain(report))
        for report in reports
        for condition in read
        if condition.holds(report)
    )


def _number(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):.4g}"


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.3g} %"
