"""`Reporter`: adds the faults of rows and tokens, with their places in a file."""

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.verification.faults import Faults
from chatmill.verification.places import Places, first_true


class Reporter:
    """Takes the faults of rows, with their places in a file.

    Args:
        faults: Takes them.
        file: The file.
        first_row: The number of the first row of the batch in the file, from 0.
        unit: What a row is called.
    """

    def __init__(self, faults: Faults, file: str, first_row: int, unit: str = "row") -> None:
        self.faults, self._file, self._first_row, self._unit = faults, file, first_row, unit

    def where(self, row: int) -> str:
        """Return the place of a row.

        Args:
            row: Its index in the batch.
        """
        return f"{self._file}, {self._unit} {self._first_row + row}"

    def rows(self, kind: str, problem: str, wrong: pa.Array) -> bool:
        """Add a fault for the rows that a mask marks; return whether there are none.

        Args:
            kind: The kind of the fault.
            problem: What is wrong.
            wrong: For each row whether it is wrong. An unknown value is wrong.
        """
        wrong = pc.fill_null(wrong, fill_value=True)
        first = first_true(wrong)
        if first is not None:
            self.faults.add(kind, self.where(first), problem, count=int(pc.sum(wrong).as_py()))
        return first is None

    def tokens(self, kind: str, problem: str, wrong: pa.Array, places: Places) -> bool:
        """Add a fault for the rows with tokens that a mask marks; return whether there are none.

        Args:
            kind: The kind of the fault.
            problem: What is wrong.
            wrong: For each token whether it is wrong.
            places: The places of the tokens.
        """
        wrong = pc.fill_null(wrong, fill_value=True)
        first = places.first(wrong)
        if first is not None:
            row, position = first
            self.faults.add(kind, f"{self.where(row)}, token {position}", problem, count=places.count(wrong))
        return first is None
