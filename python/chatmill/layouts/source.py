"""`LayoutSource`: a finished output of any layout, checked, with the files and the contents of each split."""

import os
from collections.abc import Iterator
from functools import cached_property

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.choice import layout_named
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, split_files
from chatmill.layouts.reading import checked_batches
from chatmill.layouts.vocabulary import size_in_output
from chatmill.outputs.checksums import Identity, identity_of, sha256_of_all
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.readable import check_row_counts
from chatmill.trainers.splits import TRAINING


class LayoutSource:
    """A finished output of any layout.

    Args:
        folder: The output folder.

    Attributes:
        output: The output.
        layout: Its layout.
        splits: The files of each split, by its name.

    Raises:
        DataError: The folder is not an output of chatmill, or a file is missing or has another size.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.output = PreparedOutput(folder)
        self.layout: FileLayout = layout_named(self.output.layout)
        manifest = self.output.manifest
        self.splits = split_files(self.output.folder, manifest)
        # A shorter file that is mapped into memory would end the process.
        self._check_sizes()

    @cached_property
    def contents(self) -> Contents:
        """What the rows hold."""
        first = next(checked_batches(self.layout, self.splits[TRAINING]), None)
        if first is None:
            raise DataError(f"{self.output.folder} has no rows and no columns; make the output again")
        name = str(self.output.manifest["tokenizer"].get("name"))
        return Contents(first.schema, self.output.options, name, size_in_output(self.output))

    def batches(self, split: str) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split, and check their number.

        Args:
            split: The split.

        Yields:
            The rows; at least one batch, which may be empty.

        Raises:
            DataError: The manifest lists another number of rows, or a file cannot be read.
        """
        found = 0
        for batch in checked_batches(self.layout, self.splits[split]):
            if batch.schema.names != self.contents.columns.names or batch.schema.types != self.contents.columns.types:
                raise DataError(
                    f"{self.output.folder} has files with other columns than the first one; copy the output again, or "
                    "make it again"
                )
            found += batch.num_rows
            yield batch
        expected = sum(int(shard["rows"]) for shard in self.splits[split].shards)
        if found != expected:
            raise DataError(
                f"{self.output.folder} has {found:,} rows of the split {split}, but its manifest lists {expected:,}; "
                "copy the output again, or make it again"
            )

    def check_sums(self) -> dict[str, Identity]:
        """Check that all files are those that the manifest lists.

        Returns:
            What tells later whether they are still the same.

        Raises:
            DataError: A file has other bytes.
        """
        records = self.output.files
        paths = [self.output.folder / record["file"] for record in records]
        try:
            identities = {record["file"]: identity_of(path) for record, path in zip(records, paths, strict=True)}
            sums = sha256_of_all(paths)
        except OSError as error:
            raise DataError(f"cannot read {self.output.folder} ({error}); make the output again") from None
        for record, path, found in zip(records, paths, sums, strict=True):
            if record.get("sha256") not in (None, found):
                raise DataError(f"{path} was changed after it was written; copy the output again, or make it again")
        return identities

    def check_unchanged(self, identities: dict[str, Identity]) -> None:
        """Check that no file changed since `check_sums`.

        Args:
            identities: What `check_sums` returned.

        Raises:
            DataError: One did.
        """
        for name, identity in identities.items():
            path = self.output.folder / name
            if not path.exists() or identity_of(path) != identity:
                raise DataError(f"{path} changed while it was read, so nothing was written; run it again")

    def _check_sizes(self) -> None:
        total = 0
        for record in self.output.files:
            path = self.output.folder / record["file"]
            size = path.stat().st_size
            total += size
            if "bytes" in record and record["bytes"] != size:
                raise DataError(
                    f"{path} has {size:,} bytes, but {self.output.manifest_path.name} lists {record['bytes']:,}; copy "
                    "the output again, or make it again"
                )
        check_row_counts(self.output.manifest, self.output.manifest_path, total)
