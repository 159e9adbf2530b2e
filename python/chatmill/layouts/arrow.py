"""`ArrowLayout`: Arrow IPC files of all columns, which can be mapped into memory."""

from collections.abc import Iterator

import pyarrow as pa

from chatmill.layouts.columnar import ArrowForm, ColumnarLayout, mapped_batches
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import SplitFiles, WriteOptions
from chatmill.outputs.shards import ShardForm


class ArrowLayout(ColumnarLayout):
    """Arrow IPC files without compression: `train-00000.arrow`, `train-00001.arrow` and so on."""

    name = "arrow"

    def form(self, contents: Contents, _options: WriteOptions) -> ShardForm:
        """Return the columns and the kind of the files.

        Args:
            contents: What the rows hold.
            _options: How files are written.
        """
        return ArrowForm(tuple(contents.columns.names), is_file=True)

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows, in batches that are mapped into memory.
        """
        return mapped_batches(files)
