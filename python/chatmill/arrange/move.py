"""`Move`: moves rows from the spool to the shards, in their order or shuffled."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from chatmill.arrange.batch_file import cut
from chatmill.arrange.choice import RowChoice
from chatmill.arrange.counting import CountingWriter
from chatmill.arrange.keys import keys
from chatmill.arrange.shuffle import Shuffle

# Bytes processed at once: the rows of a chunk, or of one part of a shuffle. These rows are in memory two or three
# times: as read, joined and sorted. Measured with a million rows of 300 tokens (2.4 GB), with shuffle, de-duplication
# and validation, without writing the shards: 32 MiB add 280 MiB to the memory of the process and take 10.3 s; 64 MiB
# add 480 MiB and take 9.6 s.
CHUNK_BYTES = 32 << 20
# Each chunk gives one piece to each part of a shuffle. More parts would make many small pieces. So above 32 GiB of
# rows the chunks and the parts get larger instead of more numerous.
MOST_PARTS = 1024


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one dataset.

    Attributes:
        dataset: Position of the dataset.
        start: Number of the first row, counted over all datasets.
        batch: The rows.
    """

    dataset: int
    start: int
    batch: pa.RecordBatch


class Steps:
    """Reports the share of the work that is done.

    Args:
        total: Bytes to process, counted again in each pass.
        progress: Called with the finished share of the work, from 0 to 1; None reports nothing.
    """

    def __init__(self, total: int, progress: Callable[[float], None] | None) -> None:
        self._total = total
        self._done = 0.0
        self._progress = progress

    def advance(self, size: float) -> None:
        """Report more bytes as done.

        Args:
            size: The number of bytes.
        """
        self._done += size
        if self._progress is not None:
            self._progress(min(1.0, self._done / max(1, self._total)))


class Move:
    """Writes the training rows and the validation rows.

    Args:
        choice: Whether each row is for training or validation, and its copies.
        training: The writer of training rows.
        validation: The writer of validation rows; None if there are none.
        steps: Receives the progress.
    """

    def __init__(
        self, choice: RowChoice, training: CountingWriter, validation: CountingWriter | None, steps: Steps
    ) -> None:
        self._choice = choice
        self._training = training
        self._validation = validation
        self._steps = steps

    def in_order(self, chunks: Iterable[Chunk]) -> None:
        """Write rows in their order, with the copies of a row next to each other.

        Args:
            chunks: All rows.
        """
        for chunk in chunks:
            most = self._choice.of_datasets[chunk.dataset].times + 1
            start = chunk.start
            for piece in cut(chunk.batch, CHUNK_BYTES // most):
                rows = piece.num_rows
                self._training.write_copies(
                    piece, self._choice.copies(chunk.dataset, start, rows), most_bytes=CHUNK_BYTES
                )
                if self._validation is not None:
                    self._validation.write(piece.filter(self._choice.validation(start, rows)))
                start += rows
            self._steps.advance(chunk.batch.nbytes)

    def shuffled(self, chunks: Iterable[Chunk], folder: Path, *, seed: int, sizes: Sequence[int]) -> None:
        """Write rows in a random order.

        Args:
            chunks: All rows.
            folder: A folder for temporary files that hold all rows once more.
            seed: The seed of the order.
            sizes: The bytes of each dataset.
        """
        training_bytes = validation_bytes = 0.0
        for size, dataset in zip(sizes, self._choice.datasets, strict=True):
            training_bytes += size * dataset.training / max(1, dataset.rows)
            validation_bytes += size * dataset.validation / max(1, dataset.rows)
        with (
            Shuffle(folder / "training", parts=parts_of(training_bytes)) as training,
            Shuffle(folder / "validation", parts=parts_of(validation_bytes)) as validation,
        ):
            for chunk in chunks:
                self._scatter(chunk, seed, training, validation)
                self._steps.advance(chunk.batch.nbytes)
            share = sum(sizes) / max(1.0, training_bytes + validation_bytes)
            for part in training.parts():
                self._training.write(part)
                self._steps.advance(part.nbytes * share)
            for part in validation.parts():
                if self._validation is not None:
                    self._validation.write(part)
                self._steps.advance(part.nbytes * share)

    def _scatter(self, chunk: Chunk, seed: int, training: Shuffle, validation: Shuffle) -> None:
        rows = chunk.batch.num_rows
        for copy, taken in enumerate(self._choice.copies(chunk.dataset, chunk.start, rows)):
            training.add(chunk.batch, keys(seed, "order", first=chunk.start, rows=rows, copy=copy), taken)
        if self._validation is not None:
            kept_back = self._choice.validation(chunk.start, rows)
            validation.add(chunk.batch, keys(seed, "order", first=chunk.start, rows=rows), kept_back)


def parts_of(size: float) -> int:
    """Return the number of parts of a shuffle.

    Args:
        size: The bytes of its rows.
    """
    return min(MOST_PARTS, 1 + int(size) // CHUNK_BYTES)
