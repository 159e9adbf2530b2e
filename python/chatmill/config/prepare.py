"""`prepare_config`: prepares the datasets of a config file as token shards."""

import os
from collections.abc import Mapping
from datetime import datetime
from inspect import signature
from typing import Any

from chatmill._chatmill import DataError
from chatmill.config.model import Config
from chatmill.config.plan import RunOptions, arrangement_of, parts_of
from chatmill.config.read import read_config
from chatmill.inputs import BLOCK_BYTES, MAX_LINE_BYTES, folders_of
from chatmill.options.choices import Compression, LayoutName, Padding, PaddingSide, Trainer
from chatmill.options.types import check_types, plain_types
from chatmill.outputs.shards import SHARD_TOKENS
from chatmill.packing.of_run import PacksOfRun
from chatmill.pipeline.limit import RejectLimit
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.pipeline.planned import PlannedRun
from chatmill.pipeline.progress import run_shown
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import PrintedReport
from chatmill.resume.cache_folder import check_cache_apart
from chatmill.resume.cache_size import cache_bytes_of
from chatmill.text.source_name import shown_name
from chatmill.trainers.input import input_of


def prepare_config(
    config: str | os.PathLike[str] | Config,
    *,
    output: str | os.PathLike[str] | None = None,
    tokenizer: Any = None,
    local: Mapping[str, str] | None = None,
    labels: Any = None,
    threads: int | None = None,
    now: datetime | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
    shard_tokens: int = SHARD_TOKENS,
    compression: Compression | None = None,
    max_rejected: str | float | None = None,
    strict: bool = False,
    template: Any = None,
    trainer: Trainer | None = None,
    to: LayoutName | None = None,
    pack: int | None = None,
    rebuild: bool = True,
    padding: Padding | None = None,
    padding_side: PaddingSide = "right",
    pad_to_multiple_of: int | None = None,
    reserve: int = 0,
    resume: bool = True,
    fresh: bool = False,
    cache: str | os.PathLike[str] | None = None,
    cache_size: str | int | None = None,
) -> PrepareReport:
    """Prepare the datasets of a config file that has the keys of an axolotl config.

    Keys about training are ignored. The rows of all datasets are tokenized and labeled exactly as in axolotl. They are
    shuffled unless `shuffle_merged_datasets` is false. `val_set_size` of them are written to the subfolder
    `validation`.

    Args:
        config: The file, or the config from `chatmill.config.read_config`.
        output: The output folder; None for the config's `dataset_prepared_path`.
        tokenizer: The tokenizer, in place of the tokenizer of the config.
        local: Where to read the rows of a dataset instead: a file, folder or glob for each `path` of a dataset.
        labels: Labels for rows of the type chat_template, in place of axolotl's: any value that `Labels.of` accepts,
            such as `"assistant"`, which is faster, and whose labels are verified.
        threads: The number of threads of the mill; None for one per core.
        now: The time that templates print; None for the start of the run.
        overwrite: Replace an unchanged output of chatmill once the new one is complete.
        progress: Whether to show a progress bar on stderr; None shows it if stderr is a terminal.
        block_bytes: Approximate size of the rows that are processed at a time, in bytes.
        max_line_bytes: The size of the longest line of JSONL, and of the largest row of other files. A longer row is
            rejected with its beginning, and is not loaded.
        shard_tokens: Tokens per Parquet file.
        compression: The compression of the Parquet files: `"zstd"` (the default), `"snappy"` or `"none"`.
        max_rejected: The rejected rows that the run accepts, as for `chatmill.prepare`; None for the config's
            `max_rejected`, or the default.
        strict: Whether a warning fails the run. Then nothing is written.
        template: The chat template of all datasets that need one, in place of those of the config; as for
            `chatmill.prepare`.
        trainer: The trainer that will open the output, as for `chatmill.prepare`.
        to: The layout of the files, without `trainer`, as for `chatmill.prepare`.
        pack: Write packs of this many tokens in place of the rows, as for `chatmill.prepare`.
        rebuild: Whether the ids are those of `transformers.AutoTokenizer`, as for `chatmill.prepare`.
        padding: Pad rows with the pad token of the tokenizer or of `special_tokens`, as for `chatmill.prepare`. Keys of
            the config about padding are ignored, because axolotl pads batches in training.
        padding_side: The side of the padding: `"right"` or `"left"`.
        pad_to_multiple_of: The length up to which rows are padded is rounded up to a multiple of this number.
        reserve: The number of virtual tokens before each row, by which rows are shorter than `sequence_len`.
        resume: Whether the run can go on after it was interrupted, as for `chatmill.prepare`.
        fresh: Start over, as for `chatmill.prepare`.
        cache: A folder that keeps the tokens of blocks for all runs, as for `chatmill.prepare`.
        cache_size: The size of the blocks in `cache` that stay, as for `chatmill.prepare`.

    Returns:
        Counts, rejects and files.

    Raises:
        DataError: The config cannot be read, or chatmill does not support a value; the message names line and key.
        ChatmillError: An input, the tokenizer or a template cannot be read, the output cannot be written, or no row
            gave tokens.

    Example:
        >>> prepare_config("config.yaml", output="tokens").arranged  # doctest: +SKIP
    """
    # The arguments, and nothing else: `planned_config` has the same names.
    return PrintedReport.of(run_shown(planned_config(**plain_types(locals()))))


def plan_config(config: str | os.PathLike[str] | Config, **options: Any) -> PlannedRun:
    """Plan a run without doing it.

    Args:
        config: As for `prepare_config`.
        options: The other arguments of `prepare_config`.
    """
    arguments = signature(prepare_config).bind(config, **options)
    arguments.apply_defaults()
    return planned_config(**arguments.arguments)


def planned_config(
    config: str | os.PathLike[str] | Config,
    *,
    output: str | os.PathLike[str] | None,
    tokenizer: Any,
    local: Mapping[str, str] | None,
    labels: Any,
    threads: int | None,
    now: datetime | None,
    overwrite: bool,
    progress: bool | None,
    block_bytes: int,
    max_line_bytes: int,
    shard_tokens: int,
    compression: Compression | None,
    max_rejected: str | float | None,
    strict: bool,
    template: Any,
    trainer: Trainer | None,
    to: LayoutName | None,
    pack: int | None,
    rebuild: bool,
    padding: Padding | None,
    padding_side: PaddingSide,
    pad_to_multiple_of: int | None,
    reserve: int,
    resume: bool,
    fresh: bool,
    cache: str | os.PathLike[str] | None,
    cache_size: str | int | None,
) -> PlannedRun:
    """Plan a run. The arguments are those of `prepare_config`.

    Raises:
        DataError: The config cannot be read, or chatmill does not support a value; the message names line and key.
    """
    check_types(locals())
    read = config if isinstance(config, Config) else read_config(config)
    folder = output if output is not None else read.output
    if folder is None:
        raise DataError(
            f"{read.path}: there is no output folder; add `dataset_prepared_path`, or give `output` (`--output`)"
        )

    def parts(clock: datetime) -> list[Part]:
        padded = {
            "padding": padding,
            "padding_side": padding_side,
            "pad_to_multiple_of": pad_to_multiple_of,
            "reserve": reserve,
        }
        run_options = RunOptions(tokenizer, local or {}, labels, threads, clock, folder, template, rebuild, padded)
        found = parts_of(read, run_options)
        folders = folders_of([(local or {}).get(it.path, it.path) for it in read.datasets])
        check_cache_apart(cache, None, [file for part in found for file in part.files], folders)
        return found

    output_options = OutputOptions(
        folder,
        arrangement=arrangement_of(read),
        overwrite=overwrite,
        block_bytes=block_bytes,
        max_line_bytes=max_line_bytes,
        shard_tokens=shard_tokens,
        compression=compression,
        max_rejected=read.max_rejected if max_rejected is None else RejectLimit.of(max_rejected),
        strict=strict,
        trainer_input=input_of(trainer) if pack is None else None,
        to=to,
        packs=PacksOfRun.of(pack, trainer),
        resume=resume,
        fresh=fresh,
        cache=cache,
        cache_bytes=cache_bytes_of(cache_size, cache),
        now=now,
        options={"config": shown_name(read.path), "max_line_bytes": max_line_bytes, "rebuild": rebuild},
    )
    return PlannedRun(parts, output_options, progress)
