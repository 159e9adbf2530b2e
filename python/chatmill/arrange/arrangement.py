"""`Arrangement`: how rows are merged, split and ordered; `Arranged`: the counts after it."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from chatmill._chatmill import DataError

# A higher weight is almost certainly a typo. Also, copies are numbered in 24 bits; see `keys.py`.
_MOST_COPIES = 1000


@dataclass(frozen=True)
class Arrangement:
    """How the rows of several datasets become one.

    The steps, in this order:

    1. *De-duplication*, over all datasets: only the first of several rows with equal ids and labels is kept. "First"
       means first in the order of the datasets and of their rows. Padding, weights and kept columns are not compared.
    2. *The validation split.* The validation rows are chosen at random from the remaining rows of all datasets; every
       row has the same chance. The split comes before the weights, so no row is on both sides. All samples of an
       input row are on the same side: with `split="per_turn"` a sample has the turns of the samples before it. (Without
       de-duplication, two equal rows may be on different sides.) All rows of the datasets from `validation_from` on are
       validation rows, and no row of them is chosen at random.
    3. *Weights*, only for training; each validation row is written once. A dataset of `n` training rows gives
       `weight × n` rows, rounded to the nearest whole number, halves up: each row is written as often as the whole part
       of the weight, and a random choice of rows once more. So 1.3 writes each row once and 30 % of them twice.
    4. *The order.* With shuffling, every order of the rows is equally likely, and copies are placed independently.
       Without shuffling, rows keep the order of the datasets and of their rows, with copies next to each other.

    Each step has its own random numbers, made from `seed` and the number of the row. So another shuffle or other
    weights do not change the choice of validation rows.

    Attributes:
        shuffle: Write rows in a random order.
        seed: The seed of all random choices.
        deduplicate: Leave out rows whose ids and labels equal those of an earlier row.
        validation: Rows of the input for validation, with all their samples: a share (below 1; at least one row) or a
            number of rows; 0 for none.
        weights: One weight per dataset, above 0; empty if all weights are 1.
        validation_from: Position, from 0, of the first dataset that is only for validation; all later datasets are for
            validation too. None if there is no such dataset.

    Raises:
        DataError: A weight or `validation` is out of range.

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
            raise DataError(
                f"`validation` is {self.validation}; give a share below 1, such as 0.05, or a whole number of rows"
            )
        for position, weight in enumerate(self.weights):
            if not 0 < weight <= _MOST_COPIES:
                raise DataError(
                    f"the weight of dataset {position} (from 0) is {weight}; give a weight above 0 and at most "
                    f"{_MOST_COPIES:,}, or remove the dataset to use none of its rows"
                )

    @property
    def is_plain(self) -> bool:
        """Whether all rows are written in their input order, so that no spool is needed."""
        as_they_come = not (self.shuffle or self.deduplicate or self.has_validation)
        return as_they_come and all(weight == 1 for weight in self.weights)

    @property
    def has_validation(self) -> bool:
        """Whether some rows are for validation."""
        return bool(self.validation) or self.validation_from is not None

    def weight(self, dataset: int) -> float:
        """Return the weight of a dataset.

        Args:
            dataset: Its position, from 0.

        Returns:
            The average number of copies of its training rows.

        Raises:
            DataError: There are weights, but none for this dataset.
        """
        if not self.weights:
            return 1
        if dataset >= len(self.weights):
            raise DataError(f"dataset {dataset} (from 0) has no weight; give one weight for each dataset")
        return self.weights[dataset]

    def validation_rows(self, rows: int) -> int:
        """Return the number of rows to choose at random for validation.

        Args:
            rows: The number of rows to choose from, without duplicates.

        Returns:
            The number; a share is rounded to the nearest whole number, and is at least one row.

        Raises:
            DataError: No row would be left for training.

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
            raise DataError(
                f"`validation` is {self.validation}, which selects {wanted:,} of {rows:,} rows and leaves none for "
                "training; use a smaller value"
            )
        return wanted


@dataclass(frozen=True)
class DatasetRows:
    """The rows of one dataset by their use: `rows` is the sum of duplicates, validation rows and training rows.

    Attributes:
        rows: Rows that came in.
        duplicates: Rows left out, because their ids and labels equal those of an earlier row of any dataset.
        validation: Rows written for validation.
        training: Rows written for training; the weight makes them fewer or more.
    """

    rows: int
    duplicates: int
    validation: int
    training: int


@dataclass(frozen=True)
class WrittenCounts:
    """Counts of the rows written for training, or for validation.

    Attributes:
        rows: Rows, including copies.
        tokens: The tokens of these rows.
        trained_tokens: The tokens of these rows that have a label.
    """

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0


@dataclass(frozen=True)
class Arranged:
    """Counts of all rows after an arrangement.

    Attributes:
        datasets: For each dataset, in their order.
        training: Counts of the training rows.
        validation: Counts of the validation rows.
    """

    datasets: tuple[DatasetRows, ...]
    training: WrittenCounts
    validation: WrittenCounts

    @property
    def duplicates(self) -> int:
        """Rows left out as duplicates."""
        return sum(dataset.duplicates for dataset in self.datasets)

    def counts(self) -> dict[str, Any]:
        """Return the counts in the form of the manifest."""
        return {
            "datasets": [asdict(dataset) for dataset in self.datasets],
            "duplicates": self.duplicates,
            "training": asdict(self.training),
            "validation": asdict(self.validation),
        }
