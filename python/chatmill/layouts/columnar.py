"""`ColumnarLayout`: layouts whose files hold all columns of the rows; `ColumnsWriter` writes their shards."""

import json
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.dataset_folder import features_of
from chatmill.outputs.shard_files import ArrowShard, ShardFile, arrow_batches
from chatmill.outputs.shards import Shard, ShardForm, ShardWriter


@dataclass(frozen=True)
class ArrowForm:
    """Arrow files of some columns.

    Attributes:
        names: The columns.
        is_file: Whether they are IPC files; otherwise they are streams of a folder of `datasets`.
    """

    names: tuple[str, ...]
    is_file: bool

    @property
    def suffix(self) -> str:
        """The suffix of the files."""
        return ".arrow"

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows with the columns of the files.

        Args:
            batch: The rows.
        """
        return batch.select(list(self.names))

    def open(self, path: Path, schema: pa.Schema) -> ShardFile:
        """Create a file.

        Args:
            path: The file.
            schema: Its columns.
        """
        # `datasets` reads the features of a file alone from this key.
        features = {} if self.is_file else {"huggingface": json.dumps({"info": {"features": features_of(schema)}})}
        return ArrowShard(path, schema.with_metadata(features), is_file=self.is_file)


class ColumnsWriter:
    """Writes all columns of rows to shards.

    Args:
        folder: The folder to write into.
        split: The split of the rows.
        form: The columns and the kind of the files.
        options: How files are written.
    """

    def __init__(self, folder: Path, split: str, form: ShardForm, options: WriteOptions) -> None:
        self._shards = ShardWriter(folder, split, shard_tokens=options.shard_tokens, form=form)

    @property
    def files(self) -> list[WrittenFile]:
        """There are no other files."""
        return []

    @property
    def notes(self) -> list[str]:
        """All columns are held."""
        return []

    @property
    def lost_labels(self) -> int:
        """All labels are held."""
        return 0

    def __enter__(self) -> "ColumnsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shards.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows.

        Args:
            batch: The rows.
        """
        self._shards.write(with_length(batch))

    def finish(self) -> list[Shard]:
        """Complete all files and return the shards."""
        return self._shards.finish()


class ColumnarLayout(FileLayout):
    """A layout whose files hold all columns of the rows."""

    def check(self, contents: Contents) -> list[str]:
        """Check the types of the columns.

        Args:
            contents: What the rows hold.
        """
        self.form(contents, WriteOptions())
        return []

    @abstractmethod
    def form(self, contents: Contents, options: WriteOptions) -> ShardForm:
        """Return the columns and the kind of the files.

        Args:
            contents: What the rows hold.
            options: How files are written.
        """

    def about(self, contents: Contents) -> dict[str, Any]:
        """Return the columns of the files, for the manifest.

        Args:
            contents: What the rows hold.
        """
        return {"columns": list(contents.columns.names)}

    def writer(self, folder: Path, split: str, contents: Contents, options: WriteOptions) -> ColumnsWriter:
        """Make a writer.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
            contents: What the rows hold.
            options: How files are written.
        """
        return ColumnsWriter(folder, split, self.form(contents, options), options)


def mapped_batches(files: SplitFiles) -> Iterator[pa.RecordBatch]:
    """Read Arrow files, which are mapped into memory.

    Args:
        files: The files.

    Yields:
        Their batches; one without rows for a file that has none.

    Raises:
        DataError: A file cannot be read.
    """
    for shard in files.shards:
        path = files.folder / shard["file"]
        try:
            with pa.memory_map(str(path)) as source:
                is_empty = True
                for batch in arrow_batches(source):
                    is_empty = False
                    yield batch.replace_schema_metadata(None)
                if is_empty:
                    yield pa.RecordBatch.from_pylist([], schema=_schema(path))
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"cannot read {path} ({error}); make the output again") from None


def _schema(path: Path) -> pa.Schema:
    with pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        schema = (pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)).schema
        return schema.remove_metadata()


def with_length(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows with a column `length`, which counts the tokens of all columns of ids if it is missing.

    Args:
        batch: The rows.

    Example:
        >>> with_length(pa.record_batch({"input_ids": [[5, 6]]}))["length"].to_pylist()
        [2]
    """
    names = batch.schema.names
    if "length" in names:
        return batch
    counted = [pc.list_value_length(batch.column(name)) for name in names if name in _IDS]
    total = pa.array([0] * batch.num_rows, pa.int32())
    for lengths in counted:
        total = pc.add(total, pc.cast(lengths, pa.int32()))
    return batch.append_column("length", total)


_IDS = ("input_ids", "prompt_ids", "chosen_ids", "rejected_ids", "completion_ids")
