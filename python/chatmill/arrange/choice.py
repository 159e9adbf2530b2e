"""`RowChoice`: whether each row is for training or validation, and how many copies it gets.

The choice is computed from row numbers, before any row is moved.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.arrange.arrangement import Arrangement, DatasetRows
from chatmill.arrange.keys import keys, keys_of
from chatmill.arrange.row_starts import RowStarts

# A function of the number of the first row and the number of rows, which returns a mask: one boolean per row.
_Rows: TypeAlias = Callable[[int, int], pa.Array]

# Rows processed at once.
_BLOCK_ROWS = 1 << 20


@dataclass(frozen=True)
class Copies:
    """The copies of the training rows of one dataset.

    Attributes:
        times: The number of copies that each row has.
        extra: The largest key of the rows that have one copy more; None if there are none.
    """

    times: int
    extra: int | None


class RowChoice:
    """Whether each row is for training or validation, and how many copies it gets.

    The n chosen rows are those with the n smallest keys, so a choice is stored as the largest of these keys. A row
    takes 16 bytes while a choice is made, and none afterwards.

    Args:
        arrangement: The arrangement.
        rows: Number of rows of each dataset; rows are numbered from 0 over all datasets.
        first: One byte per row: 0 for a duplicate, which is left out, otherwise 1. None keeps all rows.
        starts: Which of these rows are samples of the same row of the input, so that they are for validation together.
            None if each is a row of its own.

    Raises:
        DataError: No row would be left for training.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        rows: Sequence[int],
        first: bytearray | None,
        starts: RowStarts | None = None,
    ) -> None:
        self._seed = arrangement.seed
        self._first = first
        self._starts = starts
        self._last_kept_back: int | None = None
        total = sum(rows)
        # All rows from this one on are for validation.
        self._border = sum(rows[: arrangement.validation_from])
        self._last_kept_back = self._last_validation_key(arrangement)
        self.of_datasets: list[Copies] = []
        self.datasets: list[DatasetRows] = []
        start = 0
        for dataset, count in enumerate(rows):
            copies, dataset_rows = self._copies(arrangement.weight(dataset), start, count)
            self.of_datasets.append(copies)
            self.datasets.append(dataset_rows)
            start += count
        if total > 0 and not any(dataset.training for dataset in self.datasets):
            if self._border == 0:
                raise DataError("all rows are for validation; give at least one dataset for training")
            raise DataError("the weights leave no row for training; use larger weights")

    def validation(self, start: int, rows: int) -> pa.Array:
        """Return the mask of the validation rows in a range of rows.

        Args:
            start: Number of the first row.
            rows: The number of rows.

        Returns:
            One boolean per row: whether the row is for validation.
        """
        before = min(rows, max(0, self._border - start))
        chosen = pa.concat_arrays(
            [
                self._chosen(start, before),
                pa.repeat(pa.scalar(True), rows - before),
            ]
        )
        return pc.and_(self._stays(start, rows), chosen)

    def copies(self, dataset: int, start: int, rows: int) -> Iterator[pa.Array]:
        """Yield a mask for each copy of the training rows in a range of rows of one dataset.

        Args:
            dataset: Position of the dataset, from 0.
            start: Number of the first row.
            rows: The number of rows.

        Yields:
            For the first copy, the second and so on: one boolean per row, whether the row has this copy.
        """
        copies = self.of_datasets[dataset]
        training = self._training(start, rows)
        for _ in range(copies.times):
            yield training
        if copies.extra is not None:
            yield pc.and_(training, self._at_most(copies.extra, "weights", start=start, rows=rows))

    def _copies(self, weight: float, start: int, rows: int) -> tuple[Copies, DatasetRows]:
        span = (start, start + rows)
        stays, kept_back, training = (
            sum(pc.sum(chosen(first, count)).as_py() for first, count in _blocks(span))
            for chosen in (self._stays, self.validation, self._training)
        )
        taken = math.floor(weight * training + 0.5)
        times, extra = divmod(taken, training) if training else (0, 0)
        copies = Copies(times, self._last_key("weights", self._training, span, extra))
        return copies, DatasetRows(rows, rows - stays, kept_back, taken)

    def _stays(self, start: int, rows: int) -> pa.Array:
        if self._first is None:
            return pa.repeat(pa.scalar(True), rows)
        flags = pa.Array.from_buffers(pa.uint8(), rows, [None, pa.py_buffer(self._first)], offset=start)
        return flags.cast(pa.bool_())

    def _training(self, start: int, rows: int) -> pa.Array:
        return pc.and_not(self._stays(start, rows), self.validation(start, rows))

    def _at_most(self, last: int | None, purpose: str, *, start: int, rows: int) -> pa.Array:
        if last is None:
            return pa.repeat(pa.scalar(False), rows)
        return pc.less_equal(keys(self._seed, purpose, first=start, rows=rows), pa.scalar(last, pa.uint64()))

    def _chosen(self, start: int, rows: int) -> pa.Array:
        """Return the mask of the rows that are chosen at random for validation."""
        if self._starts is None or self._last_kept_back is None:
            return self._at_most(self._last_kept_back, "validation", start=start, rows=rows)
        found = keys_of(self._seed, "validation", self._starts.first_samples(start, rows))
        return pc.less_equal(found, pa.scalar(self._last_kept_back, pa.uint64()))

    def _last_validation_key(self, arrangement: Arrangement) -> int | None:
        if self._starts is None:
            stays = self._border if self._first is None else self._first.count(1, 0, self._border)
            wanted = arrangement.validation_rows(stays)
            return self._last_key("validation", self._stays, (0, self._border), wanted)
        # A row of the input has the key of its first sample, even if that one is left out.
        firsts = [
            self._starts.first_samples(*block).filter(self._stays(*block)) for block in _blocks((0, self._border))
        ]
        distinct = pa.chunked_array([pc.unique(each) for each in firsts], pa.uint64()).unique()
        wanted = arrangement.validation_rows(len(distinct))
        return _nth(keys_of(self._seed, "validation", distinct), wanted)

    def _last_key(self, purpose: str, among: _Rows, span: tuple[int, int], count: int) -> int | None:
        """Return the largest of the `count` smallest keys of rows; no two keys are equal."""
        if count == 0:
            return None
        found = pa.chunked_array(
            [
                keys(self._seed, purpose, first=start, rows=rows).filter(among(start, rows))
                for start, rows in _blocks(span)
            ],
            pa.uint64(),
        ).combine_chunks()
        return _nth(found, count)


def _nth(found: pa.Array, count: int) -> int | None:
    """Return the largest of the `count` smallest keys."""
    if count == 0:
        return None
    place = pc.partition_nth_indices(found, pivot=count - 1)[count - 1].as_py()
    return int(found[place].as_py())


def _blocks(span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for start in range(*span, _BLOCK_ROWS):
        yield start, min(_BLOCK_ROWS, span[1] - start)
