"""`Fault`: something wrong with an output; `Faults` collects them, with the first place and the number of each kind."""

from dataclasses import dataclass, replace

#: The remedy of most faults.
AGAIN = "copy the output again, or make it again"


@dataclass(frozen=True)
class Fault:
    """One kind of fault. `str` gives its line.

    Attributes:
        kind: A stable word for it, such as `checksum`.
        where: The first place: a file of the output, with the row, the pack or the key.
        problem: What is wrong there.
        remedy: What to do.
        count: How often it was found: in files, rows, packs or keys.
    """

    kind: str
    where: str
    problem: str
    remedy: str = AGAIN
    count: int = 1

    def __str__(self) -> str:
        more = f" ({self.count:,} places; this is the first)" if self.count > 1 else ""
        return f"{self.where}: {self.problem}; {self.remedy}{more}"


class Faults:
    """The faults of an output. Those of one kind are counted.

    Example:
        >>> faults = Faults()
        >>> faults.add("checksum", "train-00000.parquet", "its content has changed")
        >>> faults.add("checksum", "train-00001.parquet", "its content has changed", count=2)
        >>> [(fault.where, fault.count) for fault in faults.found()]
        [('train-00000.parquet', 3)]
    """

    def __init__(self) -> None:
        self._found: dict[str, Fault] = {}
        self._notes: dict[str, None] = {}

    def add(self, kind: str, where: str, problem: str, remedy: str = AGAIN, *, count: int = 1) -> None:
        """Add a fault.

        Args:
            kind: Its kind. Only the first fault of a kind is kept, with the number of all.
            where: Its place.
            problem: What is wrong.
            remedy: What to do.
            count: In how many places it was found.
        """
        # Errors of readers may have several lines.
        problem = " ".join(problem.split())
        earlier = self._found.get(kind)
        self._found[kind] = (
            Fault(kind, where, problem, remedy, count)
            if earlier is None
            else replace(earlier, count=earlier.count + count)
        )

    def note(self, text: str) -> None:
        """Add a note: something that could not be checked.

        Args:
            text: What, and why.
        """
        self._notes[text] = None

    def found(self) -> tuple[Fault, ...]:
        """Return the faults, in the order in which they were found."""
        return tuple(self._found.values())

    def notes(self) -> tuple[str, ...]:
        """Return the notes."""
        return tuple(self._notes)
