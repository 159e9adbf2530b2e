"""`PacksOfRun`: the packs that `prepare` writes in place of its rows."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import pyarrow as pa

from chatmill._chatmill import DataError, Mill, Tokenizer
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.target import LayoutTarget
from chatmill.options.choices import LayoutName, Trainer
from chatmill.outputs.shards import Shard
from chatmill.packing.columns import PackColumns, columns_of_packs
from chatmill.packing.lines import packed_lines
from chatmill.packing.options import PackChoice
from chatmill.packing.packed import PackedFiles, about_packs
from chatmill.packing.report import PackedOutputReport
from chatmill.packing.shards import PackShards
from chatmill.packing.source import TokenSource
from chatmill.packing.target import target_of_packs
from chatmill.trainers.splits import VALIDATION

# The folder of the rows in the new output, until they are packed.
_ROWS = ".rows"


@dataclass(frozen=True)
class PacksOfRun:
    """The packs of a run of `prepare`.

    Attributes:
        choice: How rows are packed.
        columns: The columns and the kind of files.
    """

    choice: PackChoice
    columns: PackColumns

    @classmethod
    def of(cls, length: int | None, trainer: Trainer | None) -> "PacksOfRun | None":
        """Return packs with the defaults of `pack`.

        Args:
            length: The length of a pack in tokens; None to write rows.
            trainer: The trainer that will open the packs, or None.

        Raises:
            DataError: The trainer takes no packs.
        """
        return None if length is None else cls(PackChoice(length), columns_of_packs(trainer, None))

    def check(self, mill: Mill, columns: pa.Schema) -> None:
        """Check that the rows of a mill can be packed.

        Args:
            mill: The mill.
            columns: The columns of its rows.

        Raises:
            DataError: They cannot.
        """
        if mill.options["padding"] is not None:
            raise DataError("packs need no padded rows; leave out `padding` (`--padding`), or `pack` (`--pack`)")
        if "input_ids" not in columns.names:
            raise DataError("rows of a prompt with answers cannot be packed; leave out `pack` (`--pack`)")
        if "weights" in columns.names and self.columns.trainer is not None:
            raise DataError(
                f"{self.columns.name} reads no weights of tokens, so it would train all of them alike; leave out "
                "`trainer` (`--for`)"
            )
        if self.columns.fills:
            _pad_id(mill.tokenizer, self.columns)

    def rows_folder(self, folder: Path) -> Path:
        """Create the folder for the rows.

        Args:
            folder: The new output folder.
        """
        rows = folder / _ROWS
        rows.mkdir()
        return rows

    def target(self, to: LayoutName, mills: Sequence[Mill], columns: pa.Schema, options: WriteOptions) -> LayoutTarget:
        """Return the layout in which the packs are written.

        Args:
            to: The name of the layout.
            mills: The mills of the run.
            columns: The columns of their rows.
            options: How files are written.

        Raises:
            DataError: The layout cannot hold the packs.
        """
        formats = [{} if mill.format is None else mill.format.core for mill in mills]
        run_options = {"padding": None, "format": next((core for core in formats if "steps" in core), None)}
        return target_of_packs(
            to,
            self.columns,
            columns.names,
            options,
            run_options=run_options,
            tokenizer=mills[0].tokenizer.name,
            vocabulary_size=max(mill.tokenizer.vocabulary_size for mill in mills),
        )

    def write(
        self,
        folder: Path,
        rows_folder: Path,
        shards: Mapping[str, Sequence[Shard]],
        tokenizer: Tokenizer,
        options: WriteOptions,
        target: LayoutTarget | None,
    ) -> PackedFiles:
        """Write the packs, and remove the rows.

        Args:
            folder: The new output folder.
            rows_folder: The folder of the rows, which is removed.
            shards: The shards of each split in it.
            tokenizer: The tokenizer of the rows, whose pad token fills packs where the layout needs it.
            options: How files are written.
            target: The layout of the files; None for those of the trainer, or for Parquet files.
        """
        written = {split: {shard.file: shard.sha256 for shard in found} for split, found in shards.items() if found}
        sources = {split: TokenSource(rows_folder, sums, {}) for split, sums in written.items()}
        choice = self.choice
        if self.columns.fills:
            choice = replace(choice, pad_id=_pad_id(tokenizer, self.columns))
        plans = {split: choice.plan(rows.lengths(), self.columns) for split, rows in sources.items()}
        records = [{"file": file, "sha256": sha256} for sums in written.values() for file, sha256 in sums.items()]
        # The rows are not kept, so there is no folder and no manifest.
        tokens = {"folder": None, "manifest_sha256": None, "shards": records}
        about = about_packs(choice, self.columns, plans, tokens)
        how = PackShards(choice, self.columns, options.shard_tokens, options.compression, target)
        packed = PackedFiles.write(folder, sources, plans, how, about)
        shutil.rmtree(rows_folder)
        return packed

    def report(self, output: PurePath, packed: PackedFiles, started: float) -> PackedOutputReport:
        """Return the figures of the packs.

        Args:
            output: The output folder.
            packed: The packs.
            started: When the run began, on the monotonic clock.
        """
        lines = packed_lines(self.columns, output, self.choice, has_validation=bool(packed.shards.get(VALIDATION)))
        seconds = time.monotonic() - started
        return PackedOutputReport(
            output, self.choice.max_length, packed.reports, seconds, packed.left_out, lines, packed.trained
        )


def _pad_id(tokenizer: Tokenizer, columns: PackColumns) -> int:
    token = tokenizer.special_tokens.get("pad_token")
    found = None if token is None else tokenizer.token_to_id(token)
    if found is None:
        raise DataError(
            f"{columns.name} needs packs that are filled up, but the tokenizer has no pad token; name one with "
            "`pad_token` (`--pad-token`), or with `special_tokens` of a YAML file of datasets"
        )
    return found
