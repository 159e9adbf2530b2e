"""`ParquetLayout`: Parquet files of all columns, as `prepare` writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.layouts.columnar import ColumnarLayout
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import SplitFiles, WriteOptions
from chatmill.outputs.shard_files import ShardFile
from chatmill.outputs.shards import ShardForm, TrainerForm, chosen_compression

# The ids and labels of this many tokens are 2 MiB.
_BATCH_TOKENS = 1 << 18


@dataclass(frozen=True)
class _ParquetForm:
    names: tuple[str, ...]
    trainer: TrainerForm

    @property
    def suffix(self) -> str:
        return ".parquet"

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(list(self.names))

    def open(self, path: Path, schema: pa.Schema) -> ShardFile:
        return self.trainer.open(path, schema)


class ParquetLayout(ColumnarLayout):
    """Parquet files: `train-00000.parquet`, `train-00001.parquet` and so on."""

    name = "parquet"

    def form(self, contents: Contents, options: WriteOptions) -> ShardForm:
        """Return the columns and the kind of the files.

        Args:
            contents: What the rows hold.
            options: How files are written.
        """
        form = TrainerForm(chosen_compression(options.compression, None))
        return _ParquetForm(tuple(contents.columns.names), form)

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows, a few at a time.
        """
        for shard in files.shards:
            path = files.folder / shard["file"]
            try:
                with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet:
                    step = max(1, _BATCH_TOKENS * parquet.metadata.num_rows // max(1, int(shard["tokens"])))
                    if not parquet.metadata.num_rows:
                        yield pa.RecordBatch.from_pylist([], schema=parquet.schema_arrow.remove_metadata())
                    for batch in parquet.iter_batches(batch_size=step, use_threads=False):
                        yield batch.replace_schema_metadata(None)
            except (OSError, pa.ArrowException) as error:
                raise DataError(f"cannot read {path} ({error}); make the output again") from None
