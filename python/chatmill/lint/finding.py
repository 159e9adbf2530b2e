"""`Finding`: one thing that a check has to say about a template."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing about a chat template that is wrong, or that who trains with it should know.

    Attributes:
        code: A stable word for the kind of finding, such as `not-prefix-stable`.
        level: `error`: training or answering with it goes wrong; `warning`: likely to do harm unless it is meant;
            `note`: good to know.
        text: What was found, in one sentence or two.
        example: What shows it: real text of a small conversation, or of the data. Empty where there is none.
        remedy: What to do about it.
        line: Line of the template, from 1, where one is known.

    Example:
        >>> print(Finding("reads-clock", "warning", "it reads the clock", "'Today: …'", "give `now`", 7))
        warning reads-clock (template line 7): it reads the clock
          example: 'Today: …'
          remedy: give `now`
    """

    code: str
    level: Level
    text: str
    example: str = ""
    remedy: str = ""
    line: int | None = None

    @property
    def details(self) -> list[tuple[str, str]]:
        """Example and remedy with their names, as far as there are any."""
        return [(name, text) for name, text in (("example", self.example), ("remedy", self.remedy)) if text]

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        line = f" (template line {self.line})" if self.line is not None else ""
        head = f"{self.level} {self.code}{line}: {self.text}"
        return "\n".join([head, *(f"  {name}: {text}" for name, text in self.details)])
