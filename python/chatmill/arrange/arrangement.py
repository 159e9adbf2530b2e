"""`Arrangement`: what is wanted of the rows; `Arranged`: what became of them."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from chatmill._chatmill import DataError

# More is a slip of the keyboard; and copies are numbered in 24 bits, see `keys.py`.
_MOST_COPIES = 1000


@dataclass(frozen=True)
class Arrangement:
    """How the rows of several datasets become one.

    The steps, in this order:

    1. *De-duplication*, over all datasets: of rows with equal ids and labels the first one stays, where first is by
       the order of the datasets and then of their rows. What fills a row up, its weights and kept columns do not count.
    2. *The validation split.* Rows are chosen at random among all that are left, whichever dataset they are from. It
       comes before the weights, so no row is on both sides; without de-duplication, equal rows of the data may be.
       Datasets from `validation_from` on are for validation whole, and no row is chosen among theirs.
    3. *Weights*, for training alone; validation has each of its rows once. A dataset of `n` training rows gives
       `weight × n` rows, rounded to the nearest whole number, halves up: each row as often as the whole part says,
       and a random choice of rows once more. So 1.3 takes each row once and 30 % of them twice.
    4. *The order.* Shuffled, every order of the rows is equally likely, and copies go their own ways. Else rows stay in
       the order of the datasets and of their rows, copies beside each other.

    Each choice has random numbers of its own, made from `seed` and the row's number. So with another shuffle or other
    weights, the same rows are in validation.

    Attributes:
        shuffle: Write rows in a random order.
        seed: Of all random choices.
        deduplicate: Leave out rows whose ids and labels are those of a row before.
        validation: Rows kept back: a share (below 1; at least one row) or a number of rows; 0 for none.
        weights: One for each dataset, above 0; empty for all 1.
        validation_from: Position of a dataset: it and all behind it are for validation, each row once; None for none.

    Raises:
        DataError: A weight or `validation` is out of its range.

    Example:
        >>> Arrangement(shuffle=True, validation=0.01, weights=(1, 0.5)).weight(1)
        0.5
    """

    shuffle: bool = False
    seed: int = 42
    deduplicate: bool = False
    validation: float | int = 0
    weights: tuple[float, ...] = ()
    validation_from: int | None = None

    def __post_init__(self) -> None:
        is_share = isinstance(self.validation, float) and 0 <= self.validation < 1
        is_number = isinstance(self.validation, int) and self.validation >= 0
        if not is_share and not is_number:
            raise DataError(f"validation is {self.validation}: give a share below 1, or a whole number of rows")
        for position, weight in enumerate(self.weights):
            if not 0 < weight <= _MOST_COPIES:
                raise DataError(
                    f"the weight of dataset {position} (from 0) is {weight}: weights are above 0 and at most "
                    f"{_MOST_COPIES:,}; to take no row of a dataset, leave it out"
                )

    @property
    def is_plain(self) -> bool:
        """Whether all rows stay as they come, so that no spool is needed."""
        as_they_come = not (self.shuffle or self.deduplicate or self.has_validation)
        return as_they_come and all(weight == 1 for weight in self.weights)

    @property
    def has_validation(self) -> bool:
        """Whether some rows are for validation."""
        return bool(self.validation) or self.validation_from is not None

    def weight(self, dataset: int) -> float:
        """The weight of a dataset.

        Args:
            dataset: Its position, from 0.

        Returns:
            How often each of its training rows is taken, on average.

        Raises:
            DataError: There are weights, but none for this dataset.
        """
        if not self.weights:
            return 1
        if dataset >= len(self.weights):
            raise DataError(f"there are {len(self.weights)} weights, but more datasets: give one weight for each")
        return self.weights[dataset]

    def validation_rows(self, rows: int) -> int:
        """How many rows are kept back.

        Args:
            rows: Rows that there are, without duplicates.

        Returns:
            Their number: a share is rounded to the nearest whole number, and is at least one row.

        Raises:
            DataError: No row would be left.

        Example:
            >>> Arrangement(validation=0.25).validation_rows(10)
            3
        """
        if not self.validation:
            return 0
        is_share = self.validation < 1
        if is_share and rows == 0:
            return 0
        wanted = max(1, math.floor(self.validation * rows + 0.5)) if is_share else int(self.validation)
        if wanted >= rows:
            share = f" ({self.validation} of them)" if is_share else ""
            raise DataError(
                f"validation asks for {wanted:,} rows{share} and there are {rows:,}: none would be left to train on; "
                "ask for fewer"
            )
        return wanted


@dataclass(frozen=True)
class DatasetRows:
    """What became of the rows of one dataset: `rows` is `duplicates`, those in validation, and those to train on.

    Attributes:
        rows: Rows that came in.
        duplicates: Rows left out, because their ids and labels are those of a row before, of any dataset.
        validation: Rows written for validation.
        training: Rows written for training; by its weight fewer or more than are left.
    """

    rows: int
    duplicates: int
    validation: int
    training: int


@dataclass(frozen=True)
class Written:
    """What was written to one side.

    Attributes:
        rows: Rows, copies too.
        tokens: Their tokens.
        trained_tokens: Those of them with a label.
    """

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0


@dataclass(frozen=True)
class Arranged:
    """What became of all rows.

    Attributes:
        datasets: For each dataset, in their order.
        training: What was written to train on.
        validation: What was written for validation.
    """

    datasets: tuple[DatasetRows, ...]
    training: Written
    validation: Written

    @property
    def duplicates(self) -> int:
        """Rows left out as duplicates."""
        return sum(dataset.duplicates for dataset in self.datasets)

    def counts(self) -> dict[str, Any]:
        """The same as JSON can hold it, for the manifest."""
        return {
            "datasets": [asdict(dataset) for dataset in self.datasets],
            "duplicates": self.duplicates,
            "training": asdict(self.training),
            "validation": asdict(self.validation),
        }
