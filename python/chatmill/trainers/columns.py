"""`arranged_columns`: rows of the mill with the columns of a trainer; `next_trained`: the mask of Megatron."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.trainers.input import TrainerInput


def arranged_columns(batch: pa.RecordBatch, opened: TrainerInput, keep_columns: Sequence[str] = ()) -> pa.RecordBatch:
    """Return rows with the columns that a trainer reads.

    Args:
        batch: Rows with the columns of a `TokenBatch`, without padding. Columns that it lacks are made.
        opened: What the trainer opens.
        keep_columns: Columns to add as they are.

    Returns:
        The same rows, with the columns of the trainer and then the kept ones.

    Example:
        >>> from chatmill.trainers.input import input_of
        >>> rows = pa.record_batch({"input_ids": [[5, 6, 7]], "labels": [[-100, 6, 7]], "length": [3]})
        >>> arranged_columns(rows, input_of("nemo")).to_pylist()
        [{'input_ids': [5, 6, 7], 'seq_start_id': [0], 'loss_mask': [1, 1, 0]}]
    """
    made = {name: batch.column(name) if name in batch.schema.names else _MAKERS[name](batch) for name in opened.columns}
    kept = {name: batch.column(name) for name in keep_columns if name not in made}
    return pa.RecordBatch.from_arrays([*made.values(), *kept.values()], names=[*made, *kept])


def _attention_mask(batch: pa.RecordBatch) -> pa.Array:
    """Return one for each token: there is no padding."""
    ends = _ends(batch)
    return _lists(ends, bytes([1]) * (ends[-1] if ends else 0))


def next_trained(batch: pa.RecordBatch) -> pa.Array:
    """Return one for each token whose next token in the row is trained, because Megatron does not shift this mask.

    Args:
        batch: Rows with `input_ids` and `labels`.

    Returns:
        list<int8>.

    Example:
        >>> next_trained(pa.record_batch({"input_ids": [[5, 6, 7]], "labels": [[-100, 6, 7]]})).to_pylist()
        [[1, 1, 0]]
    """
    trained = pc.cast(pc.not_equal(batch.column("labels").flatten(), MASKED), pa.int8())
    mask = trained.buffers()[1].to_pybytes()[: len(trained)] if len(trained) else b""
    shifted = bytearray(mask[1:] + mask[:1])
    ends = _ends(batch)
    for start, end in zip([0, *ends], ends, strict=False):
        if end > start:
            shifted[end - 1] = 0
    return _lists(ends, bytes(shifted))


def _seq_start_id(batch: pa.RecordBatch) -> pa.Array:
    """Return where the samples of each row begin: a row that is not packed is one sample."""
    rows = batch.num_rows
    return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), pa.array([0] * rows, pa.int32()))


_MAKERS: dict[str, Callable[[pa.RecordBatch], pa.Array]] = {
    "attention_mask": _attention_mask,
    "loss_mask": next_trained,
    "seq_start_id": _seq_start_id,
}


def _ends(batch: pa.RecordBatch) -> list[int]:
    """Return where each row ends, counted in tokens from the first row on."""
    return list(accumulate(pc.list_value_length(batch.column("input_ids")).to_pylist()))


def _lists(ends: Sequence[int], values: bytes) -> pa.Array:
    """Return lists of int8 that end at these places."""
    flat = pa.Array.from_buffers(pa.int8(), len(values), [None, pa.py_buffer(values)])
    return pa.ListArray.from_arrays(pa.array([0, *ends], pa.int32()), flat)
