"""`Finding`: one result of a check of a template."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One problem of a chat template, or one fact that matters for training with it.

    Attributes:
        code: A stable word for the kind of finding, such as `not-prefix-stable`.
        level: `error`: training or inference with the template goes wrong. `warning`: training is probably harmed,
            unless this is intended. `note`: good to know.
        text: The finding, in one or two sentences.
        example: A quote from a small conversation or from the data; empty if there is none.
        remedy: What to do about it; empty if nothing has to be done.
        line: Line of the template, from 1, or None if it is unknown.

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
        """The pairs of name and text of the example and the remedy, without empty texts."""
        return [(name, text) for name, text in (("example", self.example), ("remedy", self.remedy)) if text]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        line = f" (template line {self.line})" if self.line is not None else ""
        head = f"{self.level} {self.code}{line}: {self.text}"
        return "\n".join([head, *(f"  {name}: {text}" for name, text in self.details)])
