"""`Counts`: the running totals of a run."""

from collections import Counter
from dataclasses import dataclass, field

from chatmill._chatmill import TokenBatch
from chatmill.inputs import Block


@dataclass
class Counts:
    """Running totals of a run. Only the writer thread changes them.

    Attributes:
        rows_by_file: Rows read from each input file.
        bytes_by_file: Where in each input file the last block of rows ended.
        rows_out: Rows that became samples.
        samples: Samples written.
        tokens: Tokens written.
        trained_tokens: Tokens written that have a label.
        untrained: Samples written without a trained token.
        notes: Rows by note.
    """

    rows_by_file: list[int]
    bytes_by_file: list[int]
    rows_out: int = 0
    samples: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    untrained: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def rows_in(self) -> int:
        """Rows read from all files."""
        return sum(self.rows_by_file)

    def add(self, block: Block, tokens: TokenBatch, *, samples: int) -> None:
        """Count a block.

        Args:
            block: The rows.
            tokens: Their tokens.
            samples: The number of samples that were written.
        """
        self.rows_by_file[block.file.position] += block.batch.num_rows
        self.bytes_by_file[block.file.position] = block.bytes_read
        self.rows_out += block.batch.num_rows - len(tokens.failures)
        self.samples += samples
        self.tokens += tokens.num_tokens
        self.trained_tokens += tokens.num_trained_tokens
        self.untrained += tokens.num_untrained_rows
        self.notes.update(tokens.counts)
