"""`CountingWriter`: writes batches to shards and counts their rows and tokens."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.arrange.arrangement import WrittenCounts
from chatmill.labels import MASKED
from chatmill.outputs.shards import ANSWER_COLUMNS, RowWriter


class CountingWriter:
    """Writes batches and counts rows and tokens.

    Args:
        writer: The shard writer.
        schema: The columns; they are written even if there are no rows, so readers see them.
    """

    def __init__(self, writer: RowWriter, schema: pa.Schema) -> None:
        self._writer = writer
        self._written = WrittenCounts()
        empty = [pa.nulls(0, field.type) for field in schema]
        writer.write(pa.RecordBatch.from_arrays(empty, schema=schema))

    @property
    def written(self) -> WrittenCounts:
        """The counts so far."""
        return self._written

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows.

        Args:
            batch: The rows.
        """
        self._writer.write(batch)
        self._written = WrittenCounts(
            self._written.rows + batch.num_rows,
            self._written.tokens + (pc.sum(batch.column("length")).as_py() or 0),
            self._written.trained_tokens + _trained(batch),
        )

    def write_copies(self, batch: pa.RecordBatch, copies: Iterable[pa.Array], *, most_bytes: int) -> None:
        """Write the copies of rows, with the copies of a row next to each other.

        Args:
            batch: The rows.
            copies: For the first copy, the second and so on: one boolean per row, whether the row has this copy.
            most_bytes: Maximum size of the rows in memory at once, in bytes, if rows have the average size.
        """
        masks = [mask.to_pylist() for mask in copies]
        rows = [row for row, taken in enumerate(zip(*masks, strict=True)) for is_taken in taken if is_taken]
        step = max(1, most_bytes * batch.num_rows // max(1, batch.nbytes))
        for start in range(0, len(rows), step):
            self.write(batch.take(pa.array(rows[start : start + step], pa.int64())))


def _trained(batch: pa.RecordBatch) -> int:
    """Count the tokens that have a label; in rows of a prompt with answers, the tokens of the answers."""
    if "labels" in batch.schema.names:
        return int(pc.sum(pc.not_equal(pc.list_flatten(batch.column("labels")), MASKED)).as_py() or 0)
    answers = [name for name in ANSWER_COLUMNS[1:] if name in batch.schema.names]
    return sum(int(pc.sum(pc.list_value_length(batch.column(name))).as_py() or 0) for name in answers)
