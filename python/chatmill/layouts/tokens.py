"""`Tokens`: ids, labels and bounds of rows as flat arrays, for layouts of raw numbers; `token_batch` goes back."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.labels import MASKED
from chatmill.layouts.contents import Contents
from chatmill.layouts.marks import segments_of

# The ids and labels of this many tokens are 2 MiB.
_BATCH_TOKENS, _BATCH_ROWS = 1 << 18, 1 << 13


@dataclass(frozen=True)
class Tokens:
    """Rows as flat arrays.

    Attributes:
        lengths: The number of tokens of each row, int32.
        ids: The ids of all rows, int32.
        labels: Their labels, int32.
        weights: Their weights, float32, 0 for masked tokens; None without weights.
        segments: The lengths of the rows of each pack, list<int32>; of an unpacked row, its own.
    """

    lengths: pa.Array
    ids: pa.Array
    labels: pa.Array
    weights: pa.Array | None
    segments: pa.ListArray

    @classmethod
    def of(cls, batch: pa.RecordBatch, contents: Contents) -> "Tokens":
        """Return the tokens of rows without padding.

        Args:
            batch: The rows.
            contents: What they hold.

        Raises:
            DataError: A trained token has a label that is not its id, which a mask cannot tell.
        """
        lengths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int32())
        ids, labels = (pc.cast(batch.column(name).flatten(), pa.int32()) for name in ("input_ids", "labels"))
        masked = pc.equal(labels, MASKED)
        wrong = pc.indices_nonzero(pc.and_not(pc.not_equal(labels, ids), masked))
        if len(ids) != len(labels):
            raise DataError("a row has more or fewer labels than tokens; make the output again")
        if len(wrong):
            at = wrong[0].as_py()
            raise DataError(
                f"a token {ids[at]} has the label {labels[at]}, which a mask cannot hold; use one of parquet, arrow, "
                "hf, mds"
            )
        weights = None
        if contents.is_weighted:
            weights = pc.cast(batch.column("weights").flatten(), pa.float32())
            weights = pc.if_else(masked, pa.scalar(0, pa.float32()), weights)
        return cls(lengths, ids, labels, weights, segments_of(batch, contents))

    @property
    def mask(self) -> pa.Array:
        """One for each trained token, otherwise zero; uint8."""
        return pc.cast(pc.not_equal(self.labels, MASKED), pa.uint8())

    def ids_as(self, kind: pa.DataType) -> pa.Array:
        """Return the ids as another type.

        Args:
            kind: The type.

        Raises:
            DataError: An id does not fit.
        """
        try:
            return pc.cast(self.ids, kind)
        except pa.ArrowInvalid:
            raise DataError(
                f"the largest id is {pc.max(self.ids)}, which {kind} cannot hold, although the vocabulary was said to "
                "be smaller; give its size with all added tokens as `vocabulary_size` (`--vocabulary-size`)"
            ) from None


def token_batch(
    lengths: pa.Array, ids: pa.Array, trained: pa.Array, segments: pa.Array | None = None, *, weighted: bool = False
) -> pa.RecordBatch:
    """Return rows with `input_ids`, `labels`, `weights` if there are some, `seq_lengths` of packs, and `length`.

    Args:
        lengths: The number of tokens of each row.
        ids: The ids of all rows.
        trained: Their masks or weights; a token with 0 is not trained.
        segments: The lengths of the rows of packs, list<int32>; None for rows that are no packs.
        weighted: Whether `trained` are weights.

    Example:
        >>> token_batch(pa.array([2], pa.int32()), pa.array([5, 6]), pa.array([0, 1])).to_pylist()
        [{'input_ids': [5, 6], 'labels': [-100, 6], 'length': 2}]
    """
    lengths, ids = pc.cast(lengths, pa.int32()), pc.cast(ids, pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    labels = pc.if_else(pc.not_equal(trained, 0), ids, pa.scalar(MASKED, pa.int32()))
    columns = {"input_ids": ids, "labels": labels} | ({"weights": pc.cast(trained, pa.float32())} if weighted else {})
    rows = {name: pa.ListArray.from_arrays(offsets, values) for name, values in columns.items()}
    marks = {} if segments is None else {"seq_lengths": segments}
    return pa.record_batch({**rows, **marks, "length": lengths})


def runs(lengths: pa.Array) -> Iterator[tuple[int, int, int, int]]:
    """Cut rows into parts of bounded size.

    Args:
        lengths: The number of tokens of each row.

    Yields:
        The first row of a part and the one after its last; its first token and the one after its last.

    Raises:
        DataError: A row has a negative length.

    Example:
        >>> list(runs(pa.array([2, 3])))
        [(0, 2, 0, 5)]
    """
    if (pc.min(lengths).as_py() or 0) < 0:
        raise DataError("a row ends before it begins; copy the output again")
    row = token = start = first = 0
    for at in range(0, len(lengths), _BATCH_ROWS):
        for length in lengths[at : at + _BATCH_ROWS].to_pylist():
            row, token = row + 1, token + length
            if token - first >= _BATCH_TOKENS or row - start >= _BATCH_ROWS:
                yield start, row, first, token
                start, first = row, token
    if row > start or row == 0:
        yield start, row, first, token
