"""`DataWarning`: a problem of the rows of a run, with the number of rows, the first place and a remedy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: The codes of all warnings, the worst first.
CODES = (
    "doubled_bos", "stop_token", "arguments_escaped", "content_dropped", "roles_dropped", "tools_dropped",
    "turns_dropped", "template_tokens", "control_token", "unread_system", "reasoning_dropped", "unread_variable",
    "foreign_tokens", "replacement_character",
)  # fmt: skip


@dataclass(frozen=True)
class DataWarning:
    """One problem of the rows of a run.

    Attributes:
        code: One of `CODES`.
        text: The problem, with its number of rows.
        rows: The number of rows that have it, among `of` rows; 0 if it is not a problem of single rows.
        of: The number of rows that were checked: all rows that became samples, or a sample of them.
        place: The first place; empty if it is not a problem of single rows.
        remedy: What to do.

    Example:
        >>> print(DataWarning("doubled_bos", "3 of 9 rows begin with two <s>", 3, 9, "a.jsonl, line 1", "remove one"))
        3 of 9 rows begin with two <s>; first a.jsonl, line 1; remove one
    """

    code: str
    text: str
    rows: int = 0
    of: int = 0
    place: str = ""
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return "; ".join(filter(None, [self.text, self.place and f"first {self.place}", self.remedy]))


def merged_warnings(of_parts: Sequence[Sequence[DataWarning]]) -> list[DataWarning]:
    """Return the warnings of all parts of a run, the worst first.

    Args:
        of_parts: The warnings of each part.
    """
    found = dict.fromkeys(warning for warnings in of_parts for warning in warnings)
    return sorted(found, key=lambda warning: CODES.index(warning.code))
