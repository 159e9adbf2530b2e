"""`Sink`: writes the samples of a run to shards, directly or through a spool that arranges them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa

from chatmill.arrange import Arranged, Arrangement, Spool
from chatmill.outputs.shards import RowWriter, Shard, in_subfolder
from chatmill.trainers.splits import VALIDATION

_SPOOL = ".spool"


class Sink:
    """Writes the samples of all parts by an arrangement. `open_sink` makes one.

    Args:
        arrangement: The arrangement.
        training: The writer of training rows.
        validation: The writer of validation rows, or None if there are none.
        spool: Holds the rows until all have arrived; None if rows are written in their input order.
    """

    def __init__(
        self, arrangement: Arrangement, training: RowWriter, validation: RowWriter | None, spool: Spool | None
    ) -> None:
        self._arrangement = arrangement
        self._training, self._validation, self._spool = training, validation, spool

    def write(
        self, batch: pa.RecordBatch, part: int, places: pa.Array | None = None, row_column: str | None = None
    ) -> None:
        """Write samples to the shards or to the spool.

        Args:
            batch: The samples.
            part: The number of their part of the run, from 0.
            places: As for `Spool.write`; only if there is a spool.
            row_column: As for `Spool.write`.
        """
        if self._spool is None:
            self._training.write(batch)
        else:
            self._spool.write(batch, dataset=part, places=places, row_column=row_column)

    def arrange(self) -> Arranged | None:
        """Write the rows of the spool; return None if there is no spool."""
        if self._spool is None:
            return None
        return self._spool.arrange(self._arrangement, training=self._training, validation=self._validation)

    def finish(self) -> list[Shard]:
        """Close the validation shards, and return them with their paths relative to the output folder."""
        if self._validation is None:
            return []
        return in_subfolder(self._validation.finish(), VALIDATION)


@contextmanager
def open_sink(
    arrangement: Arrangement,
    folder: Path,
    training: RowWriter,
    new_writer: Callable[[Path, str], RowWriter],
    *,
    has_places: bool = False,
) -> Iterator[Sink]:
    """Make a sink.

    Args:
        arrangement: The arrangement.
        folder: The output folder.
        training: The writer of training rows.
        new_writer: Makes the writer of validation rows for a folder and a split.
        has_places: Whether some rows have a place in another order than that of the files.

    Yields:
        The sink; its spool is removed at the end.
    """
    with ExitStack() as stack:
        spool = None if arrangement.is_plain and not has_places else stack.enter_context(Spool(folder / _SPOOL))
        validation = None
        if arrangement.has_validation:
            (folder / VALIDATION).mkdir()
            validation = stack.enter_context(new_writer(folder / VALIDATION, VALIDATION))
        yield Sink(arrangement, training, validation, spool)
