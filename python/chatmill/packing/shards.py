"""`PackShards`: writes the packs of a plan, several shards at the same time."""

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import PackPlan, PackRows
from chatmill.layouts.target import LayoutTarget
from chatmill.options.choices import Compression
from chatmill.outputs.shards import RowWriter, Shard, ShardWriter
from chatmill.packing.columns import PackColumns
from chatmill.packing.options import PackChoice
from chatmill.packing.source import TokenSource
from chatmill.packing.trained import TrainedShare

# What is packed at once: with labels and marks 24 MiB. Each shard holds two of these: one is written, one is made.
_BATCH_TOKENS = 1 << 19
_MOST_THREADS = 8


@dataclass(frozen=True)
class PackShards:
    """How the packs of a split are written.

    Attributes:
        choice: How rows are packed.
        columns: The columns and the kind of files.
        shard_tokens: Tokens after which the next shard begins.
        compression: The compression of Parquet files.
        target: The layout of the files, if it is not Parquet. One thread writes it.
    """

    choice: PackChoice
    columns: PackColumns
    shard_tokens: int
    compression: Compression | None
    target: LayoutTarget | None = None

    def write(self, folder: Path, split: str, plan: PackPlan, source: TokenSource) -> tuple[list[Shard], TrainedShare]:
        """Write the packs of a split. The files do not depend on the number of threads.

        Args:
            folder: The folder of the split.
            split: Its name, with which the names of the files begin.
            plan: The plan.
            source: The rows of the plan.

        Returns:
            The shards, in their order, and what the packs train.
        """
        # A file of rows is beside the output, since it has about the size of the output without compression.
        with tempfile.TemporaryDirectory(dir=folder) as spool:
            rows = source.open_rows(Path(spool), plan)
            parts = [range(len(plan))]
            if self.target is None:
                parts = list(_parts(plan.lengths(pad_to_max_length=self._fills), self.shard_tokens))
            writing = _Writing(self, folder, split, rows, threading.Event())
            with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1, _MOST_THREADS)) as pool:
                running = [pool.submit(writing.shard, number, part) for number, part in enumerate(parts)]
                try:
                    written = [future.result() for future in running]
                    share = TrainedShare.of(of_batch for _, counts in written for of_batch in counts)
                    return [shard for shards, _ in written for shard in shards], share
                except BaseException:
                    writing.stopped.set()
                    pool.shutdown(cancel_futures=True)
                    raise
                finally:
                    # Windows cannot remove a file that is open.
                    del rows, writing, running

    def writer(self, folder: Path, split: str, first: int) -> RowWriter:
        """Return a writer.

        Args:
            folder: The folder of the split.
            split: Its name.
            first: The number of the first shard.
        """
        if self.target is not None:
            return self.target.writer(folder, split)
        return ShardWriter(
            folder,
            split,
            first=first,
            shard_tokens=self.shard_tokens,
            compression=self.compression,
            trainer_input=self.columns.trainer,
        )

    @property
    def _fills(self) -> bool:
        return self.choice.pad_to_max_length or self.columns.fills

    def batch(self, rows: PackRows, start: int, stop: int) -> tuple[pa.RecordBatch, pa.Array]:
        """Make packs.

        Args:
            rows: The rows of their plan.
            start: The first pack.
            stop: The pack after the last one.

        Returns:
            The packs, and the number of trained tokens of each (int64).
        """
        packs = rows.pack(self.columns.marks, start, stop, pad_id=self.choice.pad_id, pad_to_max_length=self._fills)
        renamed = dict(self.columns.renamed)
        batch = pa.record_batch(packs).rename_columns([renamed.get(name, name) for name in pa.schema(packs).names])
        lengths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int32())
        return batch.append_column("length", lengths), pa.array(packs.trained_tokens, pa.int64())


@dataclass(frozen=True)
class _Writing:
    how: PackShards
    folder: Path
    split: str
    rows: PackRows
    stopped: threading.Event

    def shard(self, number: int, packs: range) -> tuple[list[Shard], list[tuple[pa.Array, pa.Array]]]:
        how, counts = self.how, []
        with how.writer(self.folder, self.split, number) as writer, ThreadPoolExecutor(1) as ahead:
            step = max(1, _BATCH_TOKENS // how.choice.max_length)
            # Without packs there is one shard, which has the columns.
            starts = range(packs.start, max(packs.stop, packs.start + 1), step)
            # While packs are written, the next ones are made: one shard then keeps two cores busy.
            coming = ahead.submit(self._made, starts[0], packs.stop, step)
            for start in starts:
                batch, trained = coming.result()
                if self.stopped.is_set():
                    break
                if start + step < packs.stop:
                    coming = ahead.submit(self._made, start + step, packs.stop, step)
                counts.append((trained, batch.column("length")))
                writer.write(batch)
            return writer.finish(), counts

    def _made(self, start: int, stop: int, step: int) -> tuple[pa.RecordBatch, pa.Array]:
        """Make some packs. Once the work is stopped, there are none."""
        if self.stopped.is_set():
            stop = start
        return self.how.batch(self.rows, start, min(start + step, stop))


def _parts(lengths: Sequence[int], shard_tokens: int) -> Iterator[range]:
    """Return the packs of each shard: it ends with the pack at which it reaches `shard_tokens`."""
    start = tokens = 0
    for pack, length in enumerate(lengths, 1):
        tokens += length
        if tokens >= shard_tokens:
            yield range(start, pack)
            start, tokens = pack, 0
    if start < len(lengths) or not lengths:
        yield range(start, len(lengths))
