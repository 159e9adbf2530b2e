"""`Spool`: rows wait on disk until all are there, and are then written as an `Arrangement` says."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.arrange.arrangement import Arranged, Arrangement, Written
from chatmill.arrange.choice import Choice
from chatmill.arrange.duplicates import Duplicates
from chatmill.arrange.move import CHUNK_BYTES, MOST_PARTS, Chunk, Move, Steps
from chatmill.arrange.outlet import Outlet
from chatmill.arrange.pieces import Pieces, cut, joined
from chatmill.shards import ShardWriter, plain_schema, unified

# What is written at once. Larger batches are cut, so that no later step has to hold one of them whole.
_PIECE_BYTES = 8 << 20


@dataclass(frozen=True)
class _Spooled:
    """A batch on disk."""

    dataset: int
    rows: int
    bytes: int
    number: int


class Spool:
    """Holds token batches on disk, to arrange their rows. Used in a `with` block, at whose end its folder is removed.

    The disk holds all rows once, uncompressed, and a second time while they are shuffled.

    Args:
        folder: The folder to make; nothing may be there.

    Example:
        >>> with ShardWriter(folder) as training, Spool(folder / ".spool") as spool:  # doctest: +SKIP
        ...     spool.write(batch, dataset=0)
        ...     arranged = spool.arrange(Arrangement(shuffle=True), training=training, validation=None)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema: pa.Schema | None = None
        self._pieces: Pieces | None = None
        self._spooled: list[_Spooled] = []
        self._datasets = 0

    def __enter__(self) -> "Spool":
        self._folder.mkdir(parents=True)
        self._pieces = Pieces(self._folder / "rows")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pieces is not None:
            self._pieces.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, batch: pa.RecordBatch, *, dataset: int) -> None:
        """Add rows, after all others of their dataset.

        Args:
            batch: Rows with the columns `input_ids`, `labels`, `length` and any others, or with prompt and answers.
            dataset: Position of the dataset they are from; datasets may come in any order.

        Raises:
            DataError: The columns are not those of the batches before.
        """
        if self._schema is None:
            self._schema = plain_schema(batch)
        try:
            batch = unified(batch, self._schema)
        except DataError as error:
            raise DataError(f"dataset {dataset} (from 0): {error}") from error
        self._datasets = max(self._datasets, dataset + 1)
        for piece in cut(batch, _PIECE_BYTES):
            self._spooled.append(_Spooled(dataset, piece.num_rows, piece.nbytes, self._file.append(piece)))

    def arrange(
        self,
        arrangement: Arrangement,
        *,
        training: ShardWriter,
        validation: ShardWriter | None,
        progress: Callable[[float], None] | None = None,
    ) -> Arranged:
        """Write all rows as the arrangement says, to shard writers that the caller finishes.

        Args:
            arrangement: What is wanted.
            training: Where the rows to train on go.
            validation: Where rows for validation go; None if none are wanted.
            progress: Called every second or so with the share of the work that is done. What it raises ends the work.

        Returns:
            What became of the rows.

        Raises:
            DataError: No row would be left to train on, or there are not as many weights as datasets.
        """
        if arrangement.has_validation and validation is None:
            raise DataError("validation rows are wanted, but there is no writer for them")
        rows, sizes = self._totals(len(arrangement.weights))
        size = sum(sizes)
        chunk_bytes = max(CHUNK_BYTES, size // MOST_PARTS)
        steps = Steps(size * (1 + arrangement.deduplicate + arrangement.shuffle), progress)
        first = None
        if arrangement.deduplicate:
            duplicates = Duplicates()
            for chunk in self._chunks(_PIECE_BYTES):
                duplicates.add(chunk.batch)
                steps.advance(chunk.batch.nbytes)
            first = duplicates.first()
        choice = Choice(arrangement, rows, first)
        if self._schema is None:
            return Arranged(tuple(choice.datasets), Written(), Written())
        train_outlet = Outlet(training, self._schema)
        validation_outlet = None if validation is None else Outlet(validation, self._schema)
        move = Move(choice, train_outlet, validation_outlet, steps)
        if arrangement.shuffle:
            move.shuffled(self._chunks(chunk_bytes), self._folder, seed=arrangement.seed, sizes=sizes)
        else:
            move.in_order(self._chunks(chunk_bytes))
        return Arranged(
            tuple(choice.datasets),
            train_outlet.written,
            Written() if validation_outlet is None else validation_outlet.written,
        )

    def _totals(self, weights: int) -> tuple[list[int], list[int]]:
        """Rows and bytes of each dataset; those without rows have no batch, but perhaps a weight."""
        rows, sizes = ([0] * max(self._datasets, weights) for _ in range(2))
        for spooled in self._spooled:
            rows[spooled.dataset] += spooled.rows
            sizes[spooled.dataset] += spooled.bytes
        return rows, sizes

    def _chunks(self, most_bytes: int) -> Iterator[Chunk]:
        """All rows in the order of their datasets, in chunks of about this size."""
        start = 0
        for dataset, spooled in groupby(sorted(self._spooled, key=_dataset), key=_dataset):
            for group in _groups(spooled, most_bytes):
                # Nothing else holds the batches, so that they are gone while their chunk is worked on.
                chunk = Chunk(dataset, start, joined([self._file.read(each.number) for each in group]))
                start += chunk.batch.num_rows
                yield chunk
                del chunk

    @property
    def _file(self) -> Pieces:
        if self._pieces is None:
            raise DataError("the spool is not open: use it in a `with` block")
        return self._pieces


def _dataset(spooled: _Spooled) -> int:
    return spooled.dataset


def _groups(spooled: Iterable[_Spooled], most_bytes: int) -> Iterator[list[_Spooled]]:
    """Batches in sequence, as many in a group as are of this size together; at least one."""
    group: list[_Spooled] = []
    size = 0
    for each in spooled:
        if group and size + each.bytes > most_bytes:
            yield group
            group, size = [], 0
        group.append(each)
        size += each.bytes
    if group:
        yield group
