"""`LayoutTarget`: the layout of a new output, the writers of its splits, and what its manifest records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import Mill
from chatmill.layouts.choice import layout_named
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import LayoutWriter, WriteOptions, check_uncompressed
from chatmill.layouts.vocabulary import size_of_tokenizer
from chatmill.options.choices import Compression, LayoutName
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import Shard
from chatmill.trainers.splits import TRAINING


class LayoutTarget:
    """The layout of a new output.

    Args:
        name: The name of the layout.
        contents: What the rows hold.
        options: How files are written.

    Attributes:
        layout: The layout.
        notes: What it does not hold, as sentences; complete after `finish`.
        lost_labels: The trained tokens of each split whose labels it does not hold; complete after `finish`.

    Raises:
        DataError: There is no such layout, or it cannot hold the rows.
    """

    def __init__(self, name: LayoutName, contents: Contents, options: WriteOptions) -> None:
        self.layout = layout_named(name)
        self.notes = self.layout.check(contents)
        if not self.layout.compresses:
            check_uncompressed(name, options)
        self.lost_labels: dict[str, int] = {}
        self._contents, self._options = contents, options
        self._writers: list[tuple[Path, str, LayoutWriter]] = []
        self._files: list[WrittenFile] = []
        self._described: list[WrittenFile] = []

    @classmethod
    def of_run(
        cls,
        name: LayoutName,
        mills: Sequence[Mill],
        columns: pa.Schema,
        keep_columns: Sequence[str],
        options: WriteOptions,
    ) -> "LayoutTarget":
        """Return the layout of a run of `prepare`.

        Args:
            name: The name of the layout.
            mills: The mills of the run.
            columns: The columns of their samples.
            keep_columns: The kept ones of these columns.
            options: How files are written.
        """
        formats = [{} if mill.format is None else mill.format.core for mill in mills]
        known = {
            "padding": next((it.options["padding"] for it in mills if it.options["padding"] is not None), None),
            "format": next((core for core in formats if "steps" in core), None),
            "keep_columns": list(keep_columns),
        }
        sizes = [size_of_tokenizer(mill.tokenizer) for mill in mills] if layout_named(name).sizes_ids else []
        size = None if not sizes or None in sizes else max(it for it in sizes if it is not None)
        return cls(name, Contents(columns, known, mills[0].tokenizer.name, size), options)

    @property
    def compression(self) -> Compression:
        """The compression of its files."""
        return self._options.compression or ("zstd" if self.layout.compresses else "none")

    def writer(self, folder: Path, split: str = TRAINING) -> LayoutWriter:
        """Make the writer of a split.

        Args:
            folder: The folder to write into: that of the output, or a subfolder.
            split: The split.
        """
        writer = self.layout.writer(folder, split, self._contents, self._options)
        self._writers.append((folder, split, writer))
        return writer

    def finish(self, folder: Path, shards: Mapping[str, Sequence[Shard]]) -> list[WrittenFile]:
        """Write the files that describe the splits. Call it after all writers have finished.

        Args:
            folder: The output folder.
            shards: The shards of each split, with their paths in the output folder.

        Returns:
            All files besides the shards.
        """
        for place, split, writer in self._writers:
            within = place.relative_to(folder)
            self._files += [replace(it, file=(within / it.file).as_posix()) for it in writer.files]
            self.notes += [f"{split}: {note}" for note in writer.notes]
            if writer.lost_labels:
                self.lost_labels[split] = writer.lost_labels
        self._described = self.layout.describe(folder, {split: own for split, own in shards.items() if own})
        return [*self._files, *self._described]

    def record(self, **more: Any) -> dict[str, Any]:
        """Return what the manifest records: the layout, and its files besides the shards.

        Args:
            **more: More about the layout.
        """
        files = {"layout_files": self._files, "dataset_files": self._described}
        return {
            "layout": {
                "name": self.layout.name,
                "vocabulary_size": self._contents.vocabulary_size,
                **self.layout.about(self._contents),
                "notes": self.notes,
                **({"lost_labels": self.lost_labels} if self.lost_labels else {}),
                **more,
            },
            **{name: [file.record() for file in own] for name, own in files.items() if own},
        }
