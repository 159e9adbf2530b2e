"""`FileLayout`: the base of all layouts; `split_files`, which it reads; `LayoutWriter`, which it writes with."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.contents import Contents
from chatmill.options.choices import Compression, LayoutName
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import SHARD_TOKENS, RowWriter, Shard
from chatmill.trainers.splits import TRAINING, VALIDATION


@dataclass(frozen=True)
class WriteOptions:
    """How files are written.

    Attributes:
        shard_tokens: Tokens after which the next file begins, in layouts with several files.
        compression: The compression of Parquet files; None for the default.
    """

    shard_tokens: int = SHARD_TOKENS
    compression: Compression | None = None


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split of an output.

    Attributes:
        folder: The output folder.
        split: The name of the split, with which names of files begin.
        shards: What the manifest records of its shards.
        about: What the manifest records of the layout.
        options: The options of the run, from the manifest.
    """

    folder: Path
    split: str
    shards: Sequence[Mapping[str, Any]]
    about: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_packed(self) -> bool:
        """Whether each row is a pack."""
        return self.options.get("packing") is not None


def split_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, SplitFiles]:
    """Return the files of each split of an output that has rows, by the name of the split.

    Args:
        folder: The output folder.
        manifest: Its manifest.
    """
    shards = {TRAINING: manifest["shards"], VALIDATION: manifest.get("validation_shards") or ()}
    about = manifest.get("layout") or {}
    return {split: SplitFiles(folder, split, own, about, manifest["options"]) for split, own in shards.items() if own}


class LayoutWriter(RowWriter, Protocol):
    """Writes rows to files of a layout."""

    @property
    def files(self) -> list[WrittenFile]:
        """The other files, such as indexes and masks; complete after `finish`."""

    @property
    def notes(self) -> list[str]:
        """What the files do not hold of the rows that were written."""

    @property
    def lost_labels(self) -> int:
        """The number of trained tokens whose labels the files do not hold."""


class FileLayout(ABC):
    """A layout of files.

    Attributes:
        name: Its name, as in `--to`.
        sizes_ids: Whether the size of the vocabulary decides how many bytes an id takes.
        compresses: Whether its files can be compressed.
    """

    name: LayoutName
    sizes_ids: bool = False
    compresses: bool = False

    @abstractmethod
    def check(self, contents: Contents) -> list[str]:
        """Check that the layout can hold rows, before anything is written.

        Args:
            contents: What the rows hold.

        Returns:
            What is left out, as sentences.

        Raises:
            DataError: It cannot.
        """

    @abstractmethod
    def writer(self, folder: Path, split: str, contents: Contents, options: WriteOptions) -> LayoutWriter:
        """Make a writer.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
            contents: What the rows hold.
            options: How files are written.
        """

    @abstractmethod
    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            Rows, with `input_ids`, `labels` and all other columns that the layout holds; at least one batch, which may
            be empty.

        Raises:
            DataError: A file cannot be read, or is not as the manifest describes it.
        """

    def describe(self, _folder: Path, _splits: Mapping[str, Sequence[Shard]]) -> list[WrittenFile]:
        """Write the files that describe all splits of an output, if the layout has some.

        Args:
            _folder: The output folder.
            _splits: The shards of each split.

        Returns:
            A record of each file.
        """
        return []

    def about(self, _contents: Contents) -> dict[str, Any]:
        """Return what a reader needs besides the files, for the manifest.

        Args:
            _contents: What the rows hold.
        """
        return {}


def check_uncompressed(layout: str, options: WriteOptions) -> None:
    """Check that no compression is chosen for files that are not compressed.

    Args:
        layout: The name of the layout.
        options: How files are written.

    Raises:
        DataError: One is chosen.
    """
    if options.compression not in (None, "none"):
        raise DataError(
            f"`compression` is {options.compression!r}, but the files of the layout {layout} are not compressed; leave "
            "it out"
        )


def left_out_note(names: Sequence[str], layout: str) -> list[str]:
    """Return a sentence about columns that are left out, if there are some.

    Args:
        names: The columns.
        layout: The name of the layout.

    Example:
        >>> left_out_note(["id"], "megatron")
        ['left out, because the layout megatron holds tokens alone: id']
    """
    return [f"left out, because the layout {layout} holds tokens alone: {', '.join(names)}"] if names else []
