"""`Spool`: holds rows on disk until all have arrived, and then writes them by an `Arrangement`."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.arrange.arrangement import Arranged, Arrangement, WrittenCounts
from chatmill.arrange.batch_file import BatchFile, cut, joined
from chatmill.arrange.choice import RowChoice
from chatmill.arrange.counting import CountingWriter
from chatmill.arrange.duplicates import Duplicates
from chatmill.arrange.move import CHUNK_BYTES, MOST_PARTS, Chunk, Move, Steps, parts_of
from chatmill.arrange.row_starts import RowStarts, starts_of
from chatmill.arrange.shuffle import Shuffle
from chatmill.outputs.shards import RowWriter, plain_schema, unified

# Bytes written at once. Larger batches are cut, so that no later step must hold a whole batch in memory.
_PIECE_BYTES = 8 << 20


@dataclass(frozen=True)
class _Spooled:
    """A batch on disk."""

    dataset: int
    rows: int
    bytes: int
    number: int
    places: pa.Array | None = None


class Spool:
    """Holds token batches on disk and arranges their rows. Used in a `with` block; its end removes the folder.

    The disk holds all rows once, uncompressed, a second time during a shuffle, and rows with places once more.

    Args:
        folder: The folder to create; it must not exist.

    Example:
        >>> with ShardWriter(folder) as training, Spool(folder / ".spool") as spool:  # doctest: +SKIP
        ...     spool.write(batch, dataset=0)
        ...     arranged = spool.arrange(Arrangement(shuffle=True), training=training, validation=None)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema: pa.Schema | None = None
        self._pieces: BatchFile | None = None
        self._spooled: list[_Spooled] = []
        self._datasets = 0
        self._row_column: str | None = None

    def __enter__(self) -> "Spool":
        self._folder.mkdir(parents=True)
        self._pieces = BatchFile(self._folder / "rows")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pieces is not None:
            self._pieces.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(
        self, batch: pa.RecordBatch, *, dataset: int, places: pa.Array | None = None, row_column: str | None = None
    ) -> None:
        """Add rows after the earlier rows of their dataset.

        Args:
            batch: Rows with the columns `input_ids`, `labels`, `length` and any others, or with prompt and answers.
            dataset: Position of their dataset, from 0; datasets may come in any order.
            places: The place of each row in its dataset, from 0, as uint64; rows of one place keep their order. None if
                the rows of the dataset come in their order.
            row_column: The column with the number of the row of the input, where a row becomes several samples. None
                if each is a row of its own.

        Raises:
            DataError: The columns differ from those of earlier batches.
        """
        if self._schema is None:
            self._schema = plain_schema(batch)
        try:
            batch = unified(batch, self._schema)
        except DataError as error:
            raise DataError(f"dataset {dataset} (from 0): {error}") from error
        self._datasets = max(self._datasets, dataset + 1)
        self._row_column = row_column
        start = 0
        for piece in cut(batch, _PIECE_BYTES):
            of_piece = None if places is None else places.slice(start, piece.num_rows)
            self._spooled.append(_Spooled(dataset, piece.num_rows, piece.nbytes, self._file.append(piece), of_piece))
            start += piece.num_rows

    def arrange(
        self,
        arrangement: Arrangement,
        *,
        training: RowWriter,
        validation: RowWriter | None,
        progress: Callable[[float], None] | None = None,
    ) -> Arranged:
        """Write all rows by the arrangement. The caller must finish the shard writers.

        Args:
            arrangement: The arrangement.
            training: The writer of training rows.
            validation: The writer of validation rows; None if there are none.
            progress: Called after each chunk, about every second, with the finished share of the work, from 0 to 1. An
                exception that it raises ends the work.

        Returns:
            Counts of all rows.

        Raises:
            DataError: No row would be left for training, or there are fewer weights than datasets.
        """
        if arrangement.has_validation and validation is None:
            raise DataError("the arrangement has validation rows, but there is no writer for them; give `validation`")
        rows, sizes = self._totals(len(arrangement.weights))
        size = sum(sizes)
        chunk_bytes = max(CHUNK_BYTES, size // MOST_PARTS)
        placed = sum(each.bytes for each in self._spooled if each.places is not None)
        steps = Steps(size * (1 + arrangement.deduplicate + arrangement.shuffle) + placed, progress)
        self._put_in_place(sizes, steps)
        first = None
        if arrangement.deduplicate:
            duplicates = Duplicates()
            for chunk in self._chunks(_PIECE_BYTES):
                duplicates.add(chunk.batch)
                steps.advance(chunk.batch.nbytes)
            first = duplicates.first()
        choice = RowChoice(arrangement, rows, first, self._row_starts() if arrangement.has_validation else None)
        if self._schema is None:
            return Arranged(tuple(choice.datasets), WrittenCounts(), WrittenCounts())
        training_writer = CountingWriter(training, self._schema)
        validation_writer = None if validation is None else CountingWriter(validation, self._schema)
        move = Move(choice, training_writer, validation_writer, steps)
        if arrangement.shuffle:
            move.shuffled(self._chunks(chunk_bytes), self._folder, seed=arrangement.seed, sizes=sizes)
        else:
            move.in_order(self._chunks(chunk_bytes))
        return Arranged(
            tuple(choice.datasets),
            training_writer.written,
            WrittenCounts() if validation_writer is None else validation_writer.written,
        )

    def _row_starts(self) -> RowStarts | None:
        if self._row_column is None:
            return None
        chunks = self._chunks(_PIECE_BYTES)
        return starts_of(((chunk.dataset, chunk.batch) for chunk in chunks), self._row_column)

    def _put_in_place(self, sizes: Sequence[int], steps: Steps) -> None:
        """Bring the rows of each dataset into the order of their places."""
        ordered: list[_Spooled] = []
        for dataset, group in groupby(sorted(self._spooled, key=_dataset), key=_dataset):
            spooled = list(group)
            if any(each.places is not None for each in spooled):
                spooled = list(self._in_place(spooled, sizes[dataset], steps))
            ordered += spooled
        self._spooled = ordered

    def _in_place(self, spooled: Sequence[_Spooled], size: int, steps: Steps) -> Iterator[_Spooled]:
        # The sort divides the range of 64-bit keys into equal parts, so places are spread over that range.
        last = max(pc.max(each.places).as_py() for each in spooled)
        spread = pa.scalar((1 << 64) // (last + 1) if last else 1, pa.uint64())
        with Shuffle(self._folder / "places", parts=parts_of(size)) as places:
            for group in _groups(spooled, CHUNK_BYTES):
                batch = joined([self._file.read(each.number) for each in group])
                keys = pc.multiply(pa.chunked_array([each.places for each in group]).combine_chunks(), spread)
                places.add(batch, keys, pa.repeat(pa.scalar(True), batch.num_rows))
            for part in places.parts():
                for piece in cut(part, _PIECE_BYTES):
                    yield _Spooled(spooled[0].dataset, piece.num_rows, piece.nbytes, self._file.append(piece))
                steps.advance(part.nbytes)

    def _totals(self, weights: int) -> tuple[list[int], list[int]]:
        """Return rows and bytes of each dataset. A dataset without rows has no batch, but may have a weight."""
        rows, sizes = ([0] * max(self._datasets, weights) for _ in range(2))
        for spooled in self._spooled:
            rows[spooled.dataset] += spooled.rows
            sizes[spooled.dataset] += spooled.bytes
        return rows, sizes

    def _chunks(self, most_bytes: int) -> Iterator[Chunk]:
        """Yield all rows in the order of their datasets, in chunks of about this size."""
        start = 0
        for dataset, spooled in groupby(sorted(self._spooled, key=_dataset), key=_dataset):
            for group in _groups(spooled, most_bytes):
                # Only the chunk holds the batches, so their memory is free while the chunk is processed.
                chunk = Chunk(dataset, start, joined([self._file.read(each.number) for each in group]))
                start += chunk.batch.num_rows
                yield chunk
                del chunk

    @property
    def _file(self) -> BatchFile:
        if self._pieces is None:
            raise DataError("the spool is not open; use it in a `with` block")
        return self._pieces


def _dataset(spooled: _Spooled) -> int:
    return spooled.dataset


def _groups(spooled: Iterable[_Spooled], most_bytes: int) -> Iterator[list[_Spooled]]:
    """Yield groups of consecutive batches with a total size of about `most_bytes`; a group has at least one batch."""
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
