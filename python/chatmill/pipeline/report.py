"""`PrepareReport`: the counts, files and warnings of a finished run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from chatmill._chatmill import Engine
from chatmill.arrange import Arranged
from chatmill.lint.warning import DataWarning
from chatmill.outputs.rejects import Reject
from chatmill.outputs.shards import Shard
from chatmill.packing.report import PackedOutputReport
from chatmill.pipeline.limit import RejectLimit


@dataclass(frozen=True)
class PrepareReport:
    """The result of `prepare`. `print(report)` shows it as a table.

    Attributes:
        output: The output folder.
        rows_in: Rows read: `rows_out + rejected`.
        rows_out: Rows that became samples.
        rejected: Rows without tokens; they are in `_rejects.jsonl`.
        reasons: Rejected rows by the code of the failure, most frequent first.
        examples: The first rejected row of each code.
        tokens: Tokens written.
        trained_tokens: Written tokens that have a label.
        samples: Samples written; more than `rows_out` if a row becomes several samples.
        untrained: Written samples that have no trained token.
        lengths: The lengths of the written samples in tokens: `"50"`, `"90"`, `"95"` and `"99"` (this percentage of the
            samples is at most so long) and `"max"`. Empty without samples. Samples that are left out as duplicates, or
            by a weight, count as well. For rows with answers: the prompt and all answers together.
        assistant_turns: Assistant turns in the rows of the output. 0 for rows without messages, rows with answers, and
            labels of another tool.
        trained_turns: Those of these turns of which a trained token is left after the cut to `max_length`.
        cut_tokens: Tokens of the rows of the output that `max_length` cut off. Tokens that `segment_length` cut off
            are not counted.
        max_rejected: The limit of rejected rows, such as `5%`.
        notes: The number of rows by note; `chatmill._chatmill.NOTES` explains each note. How labels were made:
            `proved`, `proved_by_prefixes`, `tagged`, `emulated`. Turns that are not trained: `value_dropped`,
            `other_role`, `header_mismatch`, `merged`, `unanchored`. Others: `missing_stop`, `doubled_bos`,
            `control_text`, `empty_answer`, `unread_system`, `truncated`, `pieces_left_out`.
        warnings: All warnings, as texts: first those of `data_warnings`, then those about the format, the tokenizer
            with these options, the template, and kept columns.
        data_warnings: Problems of the rows with this template and tokenizer, the worst first, each with its number of
            rows, the first place and a remedy.
        seconds: Duration of the run, in seconds.
        shards: The files with the rows of the output; with a validation split, those for training.
        labels: The labels; a list if parts of the run have different labels.
        format: The format of the rows, or None for messages; a list if parts of the run have different formats.
        engine: The tokenizer engine, with the reason for it.
        format_reason: The reason for the format, if chatmill detected the format; otherwise empty.
        validation_shards: The Parquet files for validation.
        arranged: Counts of the arrangement (duplicates, validation, weights); None if rows were written in their input
            order.
        packs: The figures of the packs, if the run wrote packs.
        blocks: The blocks of rows, which were processed one after the other.
        reused_blocks: Those of them whose tokens an earlier run made.
    """

    output: PurePath
    rows_in: int
    rows_out: int
    rejected: int
    reasons: Mapping[str, int]
    examples: Mapping[str, Reject]
    tokens: int
    trained_tokens: int
    samples: int
    untrained: int
    lengths: Mapping[str, int]
    assistant_turns: int
    trained_turns: int
    cut_tokens: int
    max_rejected: RejectLimit
    notes: Mapping[str, int]
    warnings: Sequence[str]
    seconds: float
    shards: Sequence[Shard]
    labels: str | Mapping[str, Any] | Sequence[Any]
    format: str | Sequence[str | None] | None
    engine: Engine
    format_reason: str = ""
    validation_shards: Sequence[Shard] = ()
    arranged: Arranged | None = None
    data_warnings: Sequence[DataWarning] = ()
    how_to_train: str = ""
    packs: PackedOutputReport | None = None
    blocks: int = 0
    reused_blocks: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Tokens written per second of the whole run."""
        return self.tokens / max(self.seconds, 1e-9)

    @property
    def too_many_rejected(self) -> bool:
        """Whether more rows are rejected than `max_rejected` allows. The output is complete all the same."""
        return self.max_rejected.is_exceeded(self.rejected, self.rows_in)

    @property
    def truncated(self) -> int:
        """Rows cut to `max_length`."""
        return self.notes.get("truncated", 0)

    def counts(self) -> dict[str, Any]:
        """Return only the counts, in the form of `_manifest.json`."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "rejected": self.rejected,
            "rejected_by_reason": dict(self.reasons),
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "samples": self.samples,
            "untrained": self.untrained,
            "lengths": dict(self.lengths),
            "assistant_turns": self.assistant_turns,
            "trained_turns": self.trained_turns,
            "cut_tokens": self.cut_tokens,
            "notes": dict(self.notes),
            **({} if self.arranged is None else {"arranged": self.arranged.counts()}),
        }
