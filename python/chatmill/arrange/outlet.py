"""`Outlet`: a shard writer that counts what goes through it."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.arrange.arrangement import Written
from chatmill.shards import ANSWER_COLUMNS, ShardWriter

_MASKED = -100


class Outlet:
    """Writes batches and counts rows and tokens.

    Args:
        writer: What writes them.
        schema: The columns; without any rows too they are written.
    """

    def __init__(self, writer: ShardWriter, schema: pa.Schema) -> None:
        self._writer = writer
        self._written = Written()
        empty = [pa.nulls(0, field.type) for field in schema]
        writer.write(pa.RecordBatch.from_arrays(empty, schema=schema))

    @property
    def written(self) -> Written:
        """What was written so far."""
        return self._written

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows.

        Args:
            batch: The rows.
        """
        self._writer.write(batch)
        self._written = Written(
            self._written.rows + batch.num_rows,
            self._written.tokens + (pc.sum(batch.column("length")).as_py() or 0),
            self._written.trained_tokens + _trained(batch),
        )

    def write_copies(self, batch: pa.RecordBatch, copies: Iterable[pa.Array], *, most_bytes: int) -> None:
        """Write rows as often as they are taken, copies beside each other.

        Args:
            batch: The rows.
            copies: For the first copy, the second and so on, whether a row has it.
            most_bytes: How much of them may be in memory at once, if rows are of average size.
        """
        masks = [mask.to_pylist() for mask in copies]
        rows = [row for row, taken in enumerate(zip(*masks, strict=True)) for is_taken in taken if is_taken]
        step = max(1, most_bytes * batch.num_rows // max(1, batch.nbytes))
        for start in range(0, len(rows), step):
            self.write(batch.take(pa.array(rows[start : start + step], pa.int64())))


def _trained(batch: pa.RecordBatch) -> int:
    """Tokens that have a label: those of answers, where rows have a prompt and answers."""
    if "labels" in batch.schema.names:
        return int(pc.sum(pc.not_equal(pc.list_flatten(batch.column("labels")), _MASKED)).as_py() or 0)
    answers = [name for name in ANSWER_COLUMNS[1:] if name in batch.schema.names]
    return sum(int(pc.sum(pc.list_value_length(batch.column(name))).as_py() or 0) for name in answers)
