"""`Sample`: one sample of an output; `read_samples` reads samples from a batch or a shard."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.outputs.padding import padding_before


@dataclass(frozen=True)
class Sample:
    """The tokens of a row, or of a part of a row, without padding.

    Attributes:
        ids: Token ids, as int32.
        labels: A label for each token, as int32; -100 for masked tokens.
        weights: A weight for each token, as float32, or None if labels are not weighted.
    """

    ids: pa.Array
    labels: pa.Array
    weights: pa.Array | None

    def __len__(self) -> int:
        return len(self.ids)

    def count_trained(self) -> int:
        """Count the tokens that have a label and a weight above 0."""
        trained = pc.not_equal(self.labels, MASKED)
        if self.weights is not None:
            trained = pc.and_(trained, pc.greater(self.weights, 0))
        return int(pc.sum(trained).as_py() or 0)

    def token_weights(self) -> list[float]:
        """Return the weight of each token: 0 if it is masked; 1 for a trained token if labels are not weighted."""
        labels = self.labels.to_pylist()
        weights = [1.0] * len(labels) if self.weights is None else self.weights.to_pylist()
        return [0.0 if label == MASKED else weight for label, weight in zip(labels, weights, strict=True)]


def read_samples(batch: pa.RecordBatch) -> Iterator[Sample]:
    """Read the samples of a batch that has the columns of a `TokenBatch`.

    Args:
        batch: The output of a mill, or some rows of a shard, with `attention_mask` if they have padding.

    Yields:
        One sample per row; the sample of a failed row is empty.

    Example:
        >>> rows = {"input_ids": [[1, 2, 0]], "labels": [[-100, 2, -100]], "length": [2]}
        >>> [(sample.ids.to_pylist(), sample.count_trained()) for sample in read_samples(pa.record_batch(rows))]
        [([1, 2], 1)]
    """
    columns = [batch.column(name) for name in ("input_ids", "labels", "weights") if name in batch.schema.names]
    values = [pc.cast(it.values, pa.float32() if at == 2 else pa.int32()) for at, it in enumerate(columns)]
    offsets = [it.offsets.to_pylist() for it in columns]
    # The outputs for trainers have no padding, and some have no column `length`.
    lengths = batch.column("length") if "length" in batch.schema.names else pc.list_value_length(columns[0])
    before = padding_before(batch).to_pylist() if "length" in batch.schema.names else [0] * batch.num_rows
    for index, length in enumerate(lengths.to_pylist()):
        cut = [it.slice(starts[index] + before[index], length or 0) for it, starts in zip(values, offsets, strict=True)]
        yield Sample(cut[0], cut[1], cut[2] if len(cut) > 2 else None)
