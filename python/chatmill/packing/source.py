"""`TokenSource`: the rows of one split of a finished output."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chatmill._chatmill import DataError, PackPlan, PackRows
from chatmill.outputs.checksums import sha256_of_all
from chatmill.outputs.read import PreparedOutput
from chatmill.packing.columns import PackColumns
from chatmill.packing.stored_rows import RowPart, store_rows
from chatmill.trainers.splits import TRAINING, VALIDATION

# The columns of rows of prompts with answers.
_OF_ANSWERS = ("prompt_ids", "chosen_ids", "rejected_ids", "completion_ids")
_OF_TOKENS = ("input_ids", "labels", "weights")
# What is made again for packs, or tells about whole rows.
_MADE_AGAIN = ("attention_mask", "position_ids", "length", "row")
_BATCH_ROWS = 4096


class TokenSource:
    """The rows of one split of a finished output.

    Args:
        folder: The folder of the output.
        shards: The paths of the shards, relative to the folder, with their checksums; None where none is known.
        options: The options of the output.

    Attributes:
        columns: The columns that are packed.
        left_out: The kept columns, which packs cannot have.

    Raises:
        DataError: The output holds other rows than samples with labels, or padding.
    """

    def __init__(self, folder: Path, shards: Mapping[str, str | None], options: Mapping[str, Any]) -> None:
        self.folder = folder
        self.shards = shards
        self.paths = [folder / shard for shard in shards]
        with _opened(self.paths[0]) as file:
            names = file.schema_arrow.names
        self.has_length = "length" in names
        self.columns = [name for name in _OF_TOKENS if name in names]
        self.left_out = [name for name in names if name not in (*_OF_TOKENS, *_MADE_AGAIN)]
        if any(name in names for name in _OF_ANSWERS):
            raise DataError(
                f"{folder} holds rows of a prompt with answers, which cannot be packed; pack an output of conversations"
            )
        if options.get("packing"):
            raise DataError(f"{folder} holds packs; pack the output from which they were made")
        if "input_ids" not in names:
            raise DataError(f"{folder} does not hold rows that can be packed; give an output of `prepare`")
        if options.get("padding") is not None:
            raise DataError(f"{folder} holds padding; prepare it without `--padding`, which packs do not need")

    def check_unchanged(self) -> None:
        """Check that the shards are those that the manifest lists.

        Raises:
            DataError: A shard is gone or has other bytes.
        """
        try:
            sums = sha256_of_all(self.paths)
        except OSError as error:
            raise DataError(f"cannot read {self.folder} ({error}); make the output again") from None
        for (shard, expected), found in zip(self.shards.items(), sums, strict=True):
            if expected not in (None, found):
                raise DataError(
                    f"{self.folder / shard} was changed after it was written; copy the output again, or make it again"
                )

    def lengths(self) -> pa.ChunkedArray:
        """Return the number of tokens of each row."""
        column = "length" if self.has_length else "input_ids"
        chunks = []
        for path in self.paths:
            for batch in _batches(path, [column]):
                found = batch.column(0)
                chunks.append(pc.cast(found if self.has_length else pc.list_value_length(found), pa.int32()))
        return pa.chunked_array(chunks, pa.int32())

    def rows_by_shard(self) -> list[int]:
        """Return the number of rows of each shard."""
        counts = []
        for path in self.paths:
            with _opened(path) as file:
                counts.append(int(file.metadata.num_rows))
        return counts

    def open_rows(self, folder: Path, plan: PackPlan) -> PackRows:
        """Return the rows, so that packs read them in any order.

        Args:
            folder: A folder for a file of rows that do not fit into memory. It must stay as long as the rows.
            plan: The plan of the rows.

        Raises:
            DataError: A shard cannot be read, or the lists of a row have different lengths.
        """
        parts = []
        # A shard is read by several threads if there are fewer shards than cores.
        most = max(1, (os.cpu_count() or 1) // len(self.paths))
        for path in self.paths:
            for groups, rows in _row_groups(path, most):
                parts.append(RowPart(rows, partial(_batches, path, self.columns, groups)))
        return store_rows(plan, self.columns, parts, folder)

    def check(self, columns: PackColumns) -> None:
        """Check that packs with these columns can hold the rows.

        Args:
            columns: The columns of the packs.

        Raises:
            DataError: A column is missing, or would be lost.
        """
        if columns.trainer is not None and "weights" in self.columns:
            raise DataError(
                f"{columns.name} reads no weights of tokens, so it would train all of them alike; leave out `trainer` "
                "(`--for`)"
            )
        if "labels" not in self.columns:
            raise DataError(
                f"{self.folder} has no labels, because it was made for NeMo, which reads a mask in their place; "
                "prepare it without `--for`, and give `--for nemo` to `chatmill pack`"
            )


def _batches(path: Path, columns: list[str], groups: range | None = None) -> Iterator[pa.RecordBatch]:
    with _opened(path) as file, _reading(path):
        # With threads and read-ahead of Arrow, each of our threads would hold several row groups.
        yield from file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns, use_threads=False)


def _row_groups(path: Path, most: int) -> list[tuple[range, int]]:
    """Divide the row groups of a file into a few ranges of about as many, each with its number of rows."""
    with _opened(path) as file:
        metadata = file.metadata
        count = min(most, max(1, metadata.num_row_groups))
        ends = [metadata.num_row_groups * number // count for number in range(count + 1)]
        return [
            (range(start, end), sum(metadata.row_group(group).num_rows for group in range(start, end)))
            for start, end in pairwise(ends)
        ]


def _opened(path: Path) -> Any:
    with _reading(path):
        return pq.ParquetFile(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path} ({error}); make the output again") from None


def sources_of(output: PreparedOutput) -> dict[str, TokenSource]:
    """Return the splits of an output.

    Args:
        output: The output.

    Raises:
        DataError: It has Arrow files, or other rows than samples with labels.
    """
    if "layout" in output.manifest and output.layout != "parquet":
        raise DataError(
            f"{output.folder} has the layout {output.layout}; pack an output of the layout parquet, such as one of "
            "`chatmill convert --to parquet`"
        )
    splits = {TRAINING: output.manifest["shards"], VALIDATION: output.manifest.get("validation_shards") or ()}
    sums = {split: {shard["file"]: shard.get("sha256") for shard in shards} for split, shards in splits.items()}
    if any(name.endswith(".arrow") for shards in sums.values() for name in shards):
        raise DataError(
            f"{output.folder} has the files of LLaMA-Factory; pack an output that was prepared without `--for`, and "
            "give `--for llama-factory` to `chatmill pack`"
        )
    return {split: TokenSource(output.folder, shards, output.options) for split, shards in sums.items() if shards}
