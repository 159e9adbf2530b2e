"""`TrainedShare`: how many tokens of each pack are trained."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels.mask import MASKED


@dataclass(frozen=True)
class TrainedShare:
    """The trained tokens of packs.

    Attributes:
        tokens: The trained tokens of all packs.
        packs_without: The packs that have none, so a batch of them gives no gradient.
        lowest: The smallest share of trained tokens of a pack.
        median: The share that half of the packs exceed.
    """

    tokens: int
    packs_without: int
    lowest: float
    median: float

    @classmethod
    def of(cls, packs: Iterable[tuple[pa.Array, pa.Array]]) -> "TrainedShare":
        """Return the figures of packs.

        Args:
            packs: The trained tokens of packs (int64), with the lengths of these packs, in parts.
        """
        parts = list(packs)
        trained = pa.chunked_array([counts for counts, _ in parts], pa.int64())
        lengths = pa.chunked_array([pc.cast(lengths, pa.int64()) for _, lengths in parts], pa.int64())
        shares = pc.divide(pc.cast(trained, pa.float64()), pc.cast(pc.max_element_wise(lengths, 1), pa.float64()))
        return cls(
            pc.sum(trained).as_py() or 0,
            pc.sum(pc.equal(trained, 0)).as_py() or 0,
            pc.min(shares).as_py() or 0.0,
            pc.quantile(shares, 0.5)[0].as_py() or 0.0,
        )

    def record(self) -> dict[str, Any]:
        """Return the figures, for the manifest."""
        return asdict(self)


def trained_tokens(labels: pa.ListArray) -> pa.Array:
    """Return the number of trained tokens of each list of labels, as int64.

    Args:
        labels: The labels.

    Example:
        >>> trained_tokens(pa.array([[5, -100], [], [-100], [1, 2]])).to_pylist()
        [1, 0, 0, 2]
    """
    trained = pc.cast(pc.not_equal(labels.flatten(), MASKED), pa.int64())
    before = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(trained)])
    # A slice of a longer array begins later.
    ends = pc.take(before, pc.subtract(labels.offsets, labels.offsets[0]))
    return pc.subtract(ends.slice(1), ends.slice(0, len(labels)))
