"""`TrainedShare`: how many tokens of each pack are trained."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


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
