"""`VerifyReport`: what was found in an output."""

from dataclasses import dataclass
from pathlib import Path

from chatmill.verification.faults import Fault


@dataclass(frozen=True)
class VerifyReport:
    """The result of `verify`. `str` gives its lines.

    Attributes:
        output: The folder, or the index.
        faults: The faults, each with its first place and its number.
        notes: What could not be checked, and why.
        files: The number of files that were read.
        rows: The number of rows, or packs, that were checked.
        tokens: The number of their tokens.
        seconds: The time of the check.
    """

    output: Path
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    files: int
    rows: int
    tokens: int
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults

    def __str__(self) -> str:
        files = "1 file" if self.files == 1 else f"{self.files:,} files"
        checked = f"{files}, {self.rows:,} rows, {self.tokens:,} tokens, {self.seconds:.1f} s"
        kinds = "1 kind of fault" if len(self.faults) == 1 else f"{len(self.faults)} kinds of faults"
        verdict = "sound" if self.is_sound else kinds
        notes = [f"not checked: {note}" for note in self.notes]
        return "\n".join([*map(str, self.faults), *notes, f"{self.output}: {verdict} ({checked})"])
