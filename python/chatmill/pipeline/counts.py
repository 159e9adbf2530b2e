"""`Counts`: the running totals of a run."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from chatmill._chatmill import TokenBatch
from chatmill.inputs import Block
from chatmill.pipeline.lengths import Lengths


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
        lengths: The lengths of the samples.
        assistant_turns: Assistant turns in the rows that became samples.
        trained_turns: The trained ones of these turns.
        cut_tokens: Tokens that `max_length` cut off.
    """

    rows_by_file: list[int]
    bytes_by_file: list[int]
    rows_out: int = 0
    samples: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    untrained: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    lengths: Lengths = field(default_factory=Lengths)
    assistant_turns: int = 0
    trained_turns: int = 0
    cut_tokens: int = 0

    @property
    def rows_in(self) -> int:
        """Rows read from all files."""
        return sum(self.rows_by_file)

    def add(self, block: Block, tokens: TokenBatch, samples: pa.RecordBatch) -> None:
        """Count a block.

        Args:
            block: The rows.
            tokens: Their tokens.
            samples: The samples that are written.
        """
        self.rows_by_file[block.file.position] += block.batch.num_rows
        self.bytes_by_file[block.file.position] = block.bytes_read
        self.rows_out += block.batch.num_rows - len(tokens.failures)
        self.samples += samples.num_rows
        self.lengths.add(samples.column("length"))
        self.tokens += tokens.num_tokens
        self.trained_tokens += tokens.num_trained_tokens
        self.untrained += tokens.num_untrained_rows
        self.notes.update(tokens.counts)
        self.assistant_turns += tokens.num_assistant_turns
        self.trained_turns += tokens.num_trained_turns
        self.cut_tokens += tokens.num_cut_tokens
