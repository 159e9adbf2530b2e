"""`HfLayout`: a folder of `Dataset.save_to_disk`, or of `DatasetDict.save_to_disk` with validation."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from chatmill.layouts.columnar import ArrowForm, ColumnarLayout, mapped_batches
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import SplitFiles, WriteOptions
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.dataset_folder import features_of, write_dataset_files
from chatmill.outputs.shards import Shard, ShardForm
from chatmill.trainers.splits import TRAINING, VALIDATION


class HfLayout(ColumnarLayout):
    """Arrow streams with the files by which `datasets.load_from_disk` opens them."""

    name = "hf"

    def form(self, contents: Contents, _options: WriteOptions) -> ShardForm:
        """Return the columns and the kind of the files.

        Args:
            contents: What the rows hold.
            _options: How files are written.
        """
        features_of(contents.columns)
        return ArrowForm(tuple(contents.columns.names), is_file=False)

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows, in batches that are mapped into memory.
        """
        return mapped_batches(files)

    def describe(self, folder: Path, splits: Mapping[str, Sequence[Shard]]) -> list[WrittenFile]:
        """Write `dataset_info.json` and `state.json` of each split, and `dataset_dict.json` if there are two.

        Args:
            folder: The output folder.
            splits: The shards of each split.
        """
        return write_dataset_files(folder, splits[TRAINING], splits.get(VALIDATION, ()))
