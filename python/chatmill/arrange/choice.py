"""`Choice`: which rows go to which side, and how often, decided from their numbers before any row is moved."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.arrange.arrangement import Arrangement, DatasetRows
from chatmill.arrange.keys import keys

# From the number of the first row and how many follow to a truth value for each.
_Rows: TypeAlias = Callable[[int, int], pa.Array]

# Rows looked at in one go.
_BLOCK_ROWS = 1 << 20


@dataclass(frozen=True)
class Share:
    """How the rows to train on of one dataset are taken.

    Attributes:
        times: As often as this each of them is taken.
        extra: Rows whose key is at most this are taken once more; None for no row.
    """

    times: int
    extra: int | None


class Choice:
    """What becomes of each row.

    To choose n rows is to choose those with the n least keys, so all that is remembered of a choice is the greatest of
    these keys. While it is made, a row takes 16 bytes; afterwards none.

    Args:
        arrangement: What is wanted.
        rows: Rows of each dataset; rows are numbered from 0 over all of them.
        first: A byte for each row, 0 for those to leave out as duplicates; None to leave out none.

    Raises:
        DataError: No row would be left to train on.
    """

    def __init__(self, arrangement: Arrangement, rows: Sequence[int], first: bytearray | None) -> None:
        self._seed = arrangement.seed
        self._first = first
        self._last_kept_back: int | None = None
        total = sum(rows)
        # The datasets behind this row are for validation as they are.
        self._border = sum(rows[: arrangement.validation_from])
        kept_back = arrangement.validation_rows(self._border if first is None else first.count(1, 0, self._border))
        self._last_kept_back = self._last_key("validation", self._stays, (0, self._border), kept_back)
        self.shares: list[Share] = []
        self.datasets: list[DatasetRows] = []
        start = 0
        for dataset, count in enumerate(rows):
            share, dataset_rows = self._share(arrangement.weight(dataset), start, count)
            self.shares.append(share)
            self.datasets.append(dataset_rows)
            start += count
        if total > 0 and not any(dataset.training for dataset in self.datasets):
            if self._border == 0:
                raise DataError("all rows are for validation, and none is there to train on")
            raise DataError("the weights leave no row to train on: give greater ones")

    def validation(self, start: int, rows: int) -> pa.Array:
        """Which of some rows are for validation.

        Args:
            start: Number of the first row.
            rows: How many rows.

        Returns:
            A truth value for each.
        """
        before = min(rows, max(0, self._border - start))
        chosen = pa.concat_arrays(
            [
                self._at_most(self._last_kept_back, "validation", start=start, rows=before),
                pa.repeat(pa.scalar(True), rows - before),
            ]
        )
        return pc.and_(self._stays(start, rows), chosen)

    def copies(self, dataset: int, start: int, rows: int) -> Iterator[pa.Array]:
        """Which of some rows of a dataset are trained on at all, which of them twice, and so on.

        Args:
            dataset: Its position.
            start: Number of the first row.
            rows: How many rows.

        Yields:
            A truth value for each row: whether it is taken once more.
        """
        share = self.shares[dataset]
        training = self._training(start, rows)
        for _ in range(share.times):
            yield training
        if share.extra is not None:
            yield pc.and_(training, self._at_most(share.extra, "weights", start=start, rows=rows))

    def _share(self, weight: float, start: int, rows: int) -> tuple[Share, DatasetRows]:
        span = (start, start + rows)
        stays, kept_back, training = (
            sum(pc.sum(chosen(first, count)).as_py() for first, count in _blocks(span))
            for chosen in (self._stays, self.validation, self._training)
        )
        taken = math.floor(weight * training + 0.5)
        times, extra = divmod(taken, training) if training else (0, 0)
        share = Share(times, self._last_key("weights", self._training, span, extra))
        return share, DatasetRows(rows, rows - stays, kept_back, taken)

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

    def _last_key(self, purpose: str, among: _Rows, span: tuple[int, int], count: int) -> int | None:
        """The greatest of the `count` least keys of rows; no two keys are equal."""
        if count == 0:
            return None
        found = pa.chunked_array(
            [
                keys(self._seed, purpose, first=start, rows=rows).filter(among(start, rows))
                for start, rows in _blocks(span)
            ],
            pa.uint64(),
        ).combine_chunks()
        place = pc.partition_nth_indices(found, pivot=count - 1)[count - 1].as_py()
        return int(found[place].as_py())


def _blocks(span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for start in range(*span, _BLOCK_ROWS):
        yield start, min(_BLOCK_ROWS, span[1] - start)
