"""`RunStatistics`: what a run counts while its rows go by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any

import pyarrow as pa

from chatmill._chatmill import CHOICES, Mill, RowStatistics, SampleStatistics, TokenBatch
from chatmill.inputs import Block
from chatmill.inputs.integers import integers
from chatmill.inputs.mill import mill_block
from chatmill.outputs.shards import ANSWER_COLUMNS, RowWriter, Shard
from chatmill.statistics.compact import numbers_text, pairs_text
from chatmill.statistics.samples import SampleChoice
from chatmill.statistics.seal import sealed
from chatmill.trainers.splits import TRAINING

_TOKENS = ("first_trained", "last_trained")
# Where labels do not need regions, they are found for some rows: of the first block, of each later one, of all.
_FIRST_ROWS, _LATER_ROWS, _MOST_ROWS = 256, 4, 2048
#: The version of the form of `statistics` in a manifest.
VERSION = 1


@dataclass
class SourceCounts:
    """The counts of one input file.

    Attributes:
        dataset: The number of its part of the run, from 0.
        rows_in: Rows read.
        rejected: Rows without tokens.
        tokens: Tokens of its samples.
        trained_tokens: Those of them that have a label.
        bytes: Bytes of the rendered texts.
        text_tokens: Tokens of these texts, before any cut.
    """

    dataset: int
    rows_in: int = 0
    rejected: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    bytes: int = 0
    text_tokens: int = 0


class RunStatistics:
    """The statistics of a run. Only the writer thread changes them.

    Args:
        mill: The mill of the first part, whose tokenizer and padding all parts share.
        datasets: For each file of the run, the number of its part.
    """

    def __init__(self, mill: Mill, datasets: Sequence[int]) -> None:
        options = mill.options
        self._tokenizer = mill.tokenizer
        bos = mill.tokenizer.special_tokens.get("bos_token")
        self._bos = None if bos is None else mill.tokenizer.token_to_id(bos)
        self._padding_side = options["padding_side"]
        self._rows = RowStatistics()
        self._row = self._examined = 0
        self._samples: dict[str, SampleStatistics] = {}
        self._sources = [SourceCounts(dataset) for dataset in datasets]
        self.chosen = SampleChoice()

    def add(self, block: Block, tokens: TokenBatch, mill: Mill) -> None:
        """Count the rows of a block.

        Args:
            block: The rows.
            tokens: Their tokens, with statistics.
            mill: What made the tokens.
        """
        source = self._sources[block.file.position]
        source.rows_in += block.batch.num_rows
        source.rejected += len(tokens.failures)
        source.tokens += _sample_tokens(tokens)
        source.trained_tokens += tokens.num_trained_tokens
        statistics = tokens.statistics
        if statistics is not None:
            source.bytes += statistics.bytes
            source.text_tokens += statistics.text_tokens
            self._rows.add(statistics, self._row)
            first = dict(statistics.first_rows)
            if not statistics.region_rows:
                first.update(self._add_regions(block, tokens, mill))
            self.chosen.add(block, tokens, mill, first)
        self._row += block.batch.num_rows

    def _add_regions(self, block: Block, tokens: TokenBatch, mill: Mill) -> dict[str, int]:
        """Count the regions of some rows, whose labels do not need regions. It takes about as long as to encode them.

        Returns:
            The first of these rows in the block with each mark that only regions tell.
        """
        if mill.format is not None and mill.format.kind in ("text", "tokens", "answers"):
            return {}  # they have no messages
        most = min(_LATER_ROWS if self._examined else _FIRST_ROWS, _MOST_ROWS - self._examined)
        failed = {failure.row for failure in tokens.failures}
        good = [row for row in range(tokens.num_rows_in) if row not in failed]
        rows = good[:: max(1, -(-len(good) // max(1, most)))] if most > 0 else []
        if not rows:
            return {}
        some = replace(block, batch=block.batch.take(integers(rows)), long_rows={})
        statistics = mill_block(mill, some, statistics="all").statistics
        self._examined += len(rows)
        if statistics is None:
            return {}
        self._rows.add_regions(statistics, [self._row + row for row in rows])
        return {code: rows[row] for code, row in statistics.first_rows.items()}

    def add_samples(self, batch: pa.RecordBatch, split: str = TRAINING) -> None:
        """Count samples that are written.

        Args:
            batch: The samples, in all columns.
            split: Their split.
        """
        if split not in self._samples:
            self._samples[split] = SampleStatistics(self._bos, self._padding_side)
        if batch.num_rows:
            names = [name for name in ANSWER_COLUMNS[1:] if name in batch.schema.names]
            self._samples[split].add(batch, names)

    def counted(self, writer: RowWriter, split: str = TRAINING) -> RowWriter:
        """Return a writer that counts what it writes.

        Args:
            writer: The writer.
            split: The split that it writes.
        """
        return _CountedWriter(writer, self, split)

    def record(self) -> dict[str, Any]:
        """Return the statistics for the manifest."""
        samples = {split: json.loads(counted.to_json()) for split, counted in self._samples.items()}
        ids = sorted({token for it in samples.values() for name in _TOKENS for token, _ in it[name]})
        record = {
            "version": VERSION,
            "rows": row_record(self._rows),
            "samples": {split: _sample_record(totals) for split, totals in samples.items()},
            "token_texts": dict(zip(map(str, ids), self._tokenizer.token_texts(ids), strict=True)),
            "sources": [asdict(source) for source in self._sources],
        }
        return sealed(record)


def row_record(rows: RowStatistics) -> dict[str, Any]:
    """Return the statistics of rows in the form of a manifest.

    Args:
        rows: The statistics.
    """
    record: dict[str, Any] = json.loads(rows.to_json())
    record["lengths"] = pairs_text((int(length), count) for length, count in record["lengths"].items())
    record["trained_cells"] = numbers_text(record["trained_cells"])
    record["regions"] = {
        role: {kind: it for kind, it in zip(CHOICES["region_kind"], kinds, strict=True) if it["tokens"]}
        for role, kinds in record["regions"].items()
    }
    return record


def _sample_tokens(tokens: TokenBatch) -> int:
    """Return the tokens of samples. Each answer with its prompt is one, but `num_tokens` counts a prompt once."""
    statistics = tokens.statistics
    if statistics is None or not any(name in tokens for name in ANSWER_COLUMNS):
        return tokens.num_tokens
    return statistics.text_tokens - tokens.num_cut_tokens


def _sample_record(totals: Mapping[str, Any]) -> dict[str, Any]:
    record = {**totals, "trained_shares": numbers_text(totals["trained_shares"])}
    for name in ("lengths", *_TOKENS):
        record[name] = pairs_text(totals[name])
    return record


class _CountedWriter:
    """A writer of rows that counts them."""

    def __init__(self, writer: RowWriter, statistics: RunStatistics, split: str) -> None:
        self._writer, self._statistics, self._split = writer, statistics, split

    def __enter__(self) -> RowWriter:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        """Count rows, and write them."""
        self._statistics.add_samples(batch, self._split)
        self._writer.write(batch)

    def finish(self) -> list[Shard]:
        """Complete all files and return the shards."""
        return self._writer.finish()
