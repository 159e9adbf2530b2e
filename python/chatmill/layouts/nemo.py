"""`NemoLayout`: the packed Parquet files of NeMo (Megatron-Bridge): `input_ids`, `seq_start_id`, `loss_mask`."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.layouts.columnar import with_length
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions, left_out_note
from chatmill.layouts.marks import segments_of
from chatmill.layouts.parquet import ParquetLayout
from chatmill.layouts.tokens import Tokens, token_batch
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import Shard, ShardWriter
from chatmill.trainers.columns import next_trained
from chatmill.trainers.input import input_of


class NemoLayout(FileLayout):
    """Parquet files of packs, each row of which is one segment. A row that is not packed is one segment too."""

    name = "nemo"
    compresses = True

    def check(self, contents: Contents) -> list[str]:
        """Check that rows are samples or packs of them, without weights.

        Args:
            contents: What the rows hold.
        """
        contents.check_tokens(self.name)
        contents.check_bounds(self.name)
        contents.check_unweighted(self.name)
        return left_out_note(contents.left_out, self.name)

    def writer(self, folder: Path, split: str, contents: Contents, options: WriteOptions) -> "_NemoWriter":
        """Make a writer.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
            contents: What the rows hold.
            options: How files are written.
        """
        return _NemoWriter(folder, split, contents, options)

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows, with labels made from the masks.
        """
        for batch in ParquetLayout().batches(files):
            lengths = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int32())
            # The mask of a token tells whether the next one is trained. It is 0 at the end of each segment, so the
            # first token of the next one is masked.
            trained = batch.column("loss_mask").flatten()
            first = pa.array([0][: len(trained)], trained.type)
            trained = pa.concat_arrays([first, trained[:-1]]) if len(trained) else trained
            contents = Contents(batch.schema, {"packing": {}}, "")
            segments = segments_of(batch, contents) if files.is_packed else None
            yield token_batch(lengths, batch.column("input_ids").flatten(), trained, segments)


class _NemoWriter:
    def __init__(self, folder: Path, split: str, contents: Contents, options: WriteOptions) -> None:
        self._contents = contents
        self._shards = ShardWriter(
            folder,
            split,
            shard_tokens=options.shard_tokens,
            compression=options.compression,
            trainer_input=input_of("nemo"),
        )
        self.lost_labels = 0

    @property
    def files(self) -> list[WrittenFile]:
        """There are no other files."""
        return []

    @property
    def notes(self) -> list[str]:
        if not self.lost_labels:
            return []
        lost = f"{self.lost_labels:,} rows lose the label of their first token, which this layout does not hold"
        return [f"{lost}; models train no first token"]

    def __enter__(self) -> "_NemoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shards.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        tokens = Tokens.of(batch, self._contents)
        # Each segment as a row of its own: the mask of a segment does not depend on the others.
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(tokens.segments.flatten())])
        segments = {"input_ids": tokens.ids, "labels": tokens.labels}
        rows = pa.record_batch({name: pa.ListArray.from_arrays(offsets, it) for name, it in segments.items()})
        firsts = pc.take(tokens.mask, pc.filter(offsets[:-1], pc.less(offsets[:-1], len(tokens.ids))))
        self.lost_labels += int(pc.sum(firsts).as_py() or 0)
        masks = next_trained(rows).flatten()
        row_offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(tokens.lengths)])
        starts = [list(_starts(own)) for own in tokens.segments.to_pylist()]
        made = {
            "input_ids": pa.ListArray.from_arrays(row_offsets, tokens.ids),
            "labels": pa.ListArray.from_arrays(row_offsets, tokens.labels),
            "seq_start_id": pa.array(starts, pa.list_(pa.int32())),
            "loss_mask": pa.ListArray.from_arrays(row_offsets, masks),
        }
        self._shards.write(with_length(pa.record_batch(made)))

    def finish(self) -> list[Shard]:
        return self._shards.finish()


def _starts(lengths: list[int]) -> Iterator[int]:
    """Yield where each segment starts; a row without tokens has one empty segment."""
    start = 0
    for length in lengths or [0]:
        yield start
        start += length
