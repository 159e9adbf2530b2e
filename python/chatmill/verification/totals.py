"""`Totals`: what was counted in the rows of one split."""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.pipeline.lengths import Lengths


@dataclass
class Totals:
    """Counts of the rows of a split.

    Attributes:
        rows: Rows, or packs.
        tokens: Tokens without padding, or with it in packs.
        trained: Tokens with a label.
        untrained: Rows without such a token.
        lengths: The lengths of the rows.
    """

    rows: int = 0
    tokens: int = 0
    trained: int = 0
    untrained: int = 0
    lengths: Lengths = field(default_factory=Lengths)

    def add(self, lengths: pa.Array, trained: pa.Array | None) -> None:
        """Count rows.

        Args:
            lengths: The tokens of each row.
            trained: The trained ones of them; None if the rows do not tell.
        """
        self.rows += len(lengths)
        self.tokens += pc.sum(lengths).as_py() or 0
        self.lengths.add(lengths)
        if trained is not None:
            self.trained += pc.sum(trained).as_py() or 0
            self.untrained += pc.sum(pc.equal(trained, 0)).as_py() or 0
