"""`RunFiles`: the files of a run: rows in all columns or those of a trainer, rows in another layout, or packs."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError, Mill
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.target import LayoutTarget
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.dataset_folder import write_dataset_files
from chatmill.outputs.shards import RowWriter, Shard, ShardClosed, ShardWriter, chosen_compression
from chatmill.outputs.url import output_name
from chatmill.packing.packed import PackedFiles
from chatmill.packing.report import PackedOutputReport
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.trainers.check import check_rows
from chatmill.trainers.lines import TrainedOutput, training_lines
from chatmill.trainers.splits import TRAINING, VALIDATION, training_subfolder


class RunFiles:
    """The files that a run writes.

    Args:
        options: The options of the output.
        folder: The new output folder.
        parts: The parts of the run.
        columns: The columns of the samples of each part.
        closed: What to call with each shard that is complete and not read again; None for nothing.

    Attributes:
        rows_folder: The folder into which rows are written: the output folder, unless they become packs.
        shards: The shards for training; complete after `finish`, as all that follow.
        validation: The shards for validation.
        described: The files by which `datasets` opens Arrow files.
        packs: The figures of the packs; None without packs.
        notes: What the layout does not hold, as sentences.

    Raises:
        DataError: The files cannot hold the rows, or options contradict each other.
    """

    def __init__(
        self,
        options: OutputOptions,
        folder: Path,
        parts: Sequence[Part],
        columns: Sequence[pa.Schema],
        *,
        closed: ShardClosed | None = None,
    ) -> None:
        self._started = time.monotonic()
        self._options, self._folder = options, folder
        is_arrow = options.trainer_input is not None and options.trainer_input.files == "arrow"
        # Packs are made of the shards, and the files beside Arrow shards describe them.
        self._closed = None if options.packs is not None or is_arrow else closed
        self._mill = parts[0].mill
        for part, schema in zip(parts, columns, strict=True):
            if options.trainer_input is not None:
                where = part.files[0].path
                check_rows(options.trainer_input, part.mill, schema.names, options.keep_columns, where=where)
            if options.packs is not None:
                options.packs.check(part.mill, schema)
        self._target = _target(options, [part.mill for part in parts], columns[0])
        self.rows_folder = folder if options.packs is None else options.packs.rows_folder(folder)
        self.within = training_subfolder(has_validation=options.arrangement.has_validation)
        (self.rows_folder / self.within).mkdir(exist_ok=True)
        self.shards: Sequence[Shard] = ()
        self.validation: Sequence[Shard] = ()
        self.described: Sequence[WrittenFile] = ()
        self._others: Sequence[WrittenFile] = ()
        self._packed: PackedFiles | None = None
        self.packs: PackedOutputReport | None = None
        self.notes: Sequence[str] = ()

    def writer(self, folder: Path, split: str = TRAINING) -> RowWriter:
        """Return a writer of rows.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
        """
        options = self._options
        if self._target is not None and options.packs is None:
            return self._target.writer(folder, split)
        return ShardWriter(
            folder,
            split,
            shard_tokens=options.shard_tokens,
            compression=options.compression,
            trainer_input=options.trainer_input,
            keep_columns=options.keep_columns,
            closed=self._closed,
        )

    def finish(self, shards: Sequence[Shard], validation: Sequence[Shard]) -> None:
        """Complete the files after all rows were written.

        Args:
            shards: The shards for training.
            validation: The shards for validation.
        """
        options, folder = self._options, self._folder
        self.shards, self.validation = shards, validation
        if options.packs is not None:
            packed = options.packs.write(
                folder,
                self.rows_folder,
                {TRAINING: shards, VALIDATION: validation},
                self._mill.tokenizer,
                WriteOptions(options.shard_tokens, options.compression),
                self._target,
            )
            self.shards, self.validation = packed.shards[TRAINING], packed.shards.get(VALIDATION, [])
            self.described, self._others = packed.described, [*packed.others, *packed.indexes]
            self._packed = packed
            self.packs = options.packs.report(output_name(options.folder), packed, self._started)
        elif self._target is not None:
            self._others = self._target.finish(folder, {TRAINING: list(shards), VALIDATION: list(validation)})
        elif options.trainer_input is not None and options.trainer_input.files == "arrow":
            self.described = write_dataset_files(folder, shards, validation)
        if self._target is not None:
            self.notes = self._target.notes

    def all(self) -> list[WrittenFile]:
        """Return all files."""
        return [*self.shards, *self.validation, *self.described, *self._others]

    def how_to_train(self, longest: int) -> str:
        """Return the lines by which a trainer opens the files; empty without a trainer.

        Args:
            longest: The length of the longest row.
        """
        options = self._options
        if self.packs is not None:
            return self.packs.how_to_train
        if options.trainer_input is None:
            return ""
        output = TrainedOutput(output_name(options.folder), longest, has_validation=bool(self.validation))
        return training_lines(options.trainer_input, output)

    def options(self) -> dict[str, Any]:
        """Return the options of the files, for the manifest."""
        options, trainer_input = self._options, self._options.trainer_input
        if self._packed is not None:
            return self._packed.options()
        target = self._target
        compression = chosen_compression(options.compression, trainer_input) if target is None else target.compression
        return {
            "shard_tokens": options.shard_tokens,
            "compression": compression,
            "trainer": None if trainer_input is None else trainer_input.record(),
        }

    def record(self) -> dict[str, Any]:
        """Return what the manifest says of the files besides the shards."""
        if self._packed is not None:
            return self._packed.record()
        return {} if self._target is None else self._target.record()


def _target(options: OutputOptions, mills: Sequence[Mill], columns: pa.Schema) -> LayoutTarget | None:
    """Return the layout that was chosen; None for the files of a trainer, or Parquet files of all columns."""
    if options.to is None:
        return None
    written = WriteOptions(options.shard_tokens, options.compression)
    if options.packs is not None:
        return options.packs.target(options.to, mills, columns, written)
    if options.trainer_input is not None:
        raise DataError(
            f"`trainer` (`--for`) chooses the files that {options.trainer_input.trainer} opens; leave out `to` "
            "(`--to`), or `trainer`"
        )
    return LayoutTarget.of_run(options.to, mills, columns, options.keep_columns, written)
