"""`prepare`: turns files of rows into token shards. One thread reads, the mill uses all cores, one thread writes."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from inspect import signature
from typing import Any

from chatmill.formats import Format
from chatmill.inputs import BLOCK_BYTES, MAX_LINE_BYTES
from chatmill.labels import Labels
from chatmill.options.choices import (
    AllMasked,
    Compression,
    ControlTokens,
    InputFormat,
    LayoutName,
    Padding,
    PaddingSide,
    Split,
    Trainer,
    Truncation,
)
from chatmill.options.types import plain_types
from chatmill.outputs.shards import SHARD_TOKENS
from chatmill.pipeline.limit import MAX_REJECTED
from chatmill.pipeline.planned import PlannedRun, planned_run
from chatmill.pipeline.progress import run_shown
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import PrintedReport


def prepare(
    inputs: Any,
    *,
    tokenizer: Any,
    output: str | os.PathLike[str],
    template: Any = None,
    template_fallback: str | None = None,
    rebuild: bool = True,
    pad_token: str | None = None,
    format: str | Mapping[str, Any] | Format | None = "auto",
    columns: Mapping[str, str] | None = None,
    input_format: InputFormat | None = None,
    labels: str | Mapping[str, Any] | Labels = "assistant",
    split: Split | None = None,
    max_length: int | None = None,
    reserve: int = 0,
    truncation: Truncation | None = None,
    segment_length: int | None = None,
    padding: Padding | None = None,
    padding_side: PaddingSide = "right",
    pad_to_multiple_of: int | None = None,
    special_tokens: ControlTokens = "allow",
    allowed_special_tokens: Sequence[str] = (),
    all_masked: AllMasked = "reject",
    threads: int | None = None,
    keep_columns: Sequence[str] = (),
    attention_mask: bool = False,
    position_ids: bool = False,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    limits: Mapping[str, int] | None = None,
    now: datetime | None = None,
    shuffle: bool = False,
    seed: int = 42,
    deduplicate: bool = False,
    validation: float = 0,
    overwrite: bool = False,
    progress: bool | None = None,
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
    shard_tokens: int = SHARD_TOKENS,
    compression: Compression | None = None,
    max_rejected: str | float = MAX_REJECTED,
    strict: bool = False,
    trainer: Trainer | None = None,
    to: LayoutName | None = None,
    pack: int | None = None,
    resume: bool = True,
    fresh: bool = False,
    cache: str | os.PathLike[str] | None = None,
    cache_size: str | int | None = None,
) -> PrepareReport:
    """Turn files of rows into Parquet shards of token ids and labels.

    The output folder holds `train-*.parquet`, `_manifest.json` and, if rows failed, `_rejects.jsonl`. It is created
    only on success, in one step; after an error nothing is left. Memory does not grow with the size of the inputs.

    The shards have the columns `input_ids` (list<int32>), `labels` (list<int32>; -100 for masked tokens) and `length`
    (int32, the number of tokens without padding); if needed also `weights`, `attention_mask`, `position_ids`,
    `row` and the kept columns. Rows of a prompt with answers have other columns; see `docs/formats.md`.

    Args:
        inputs: Paths, folders, globs or fsspec URLs of JSONL, JSON, CSV and TSV (plain, gz, zst, xz, bz2), Parquet or
            Arrow IPC files; `-` for standard input; `org/name` or `org/name:split` for a data set of the Hub. Or rows
            in memory: a list of dicts, a mapping of columns, a data set of `datasets`, a table of pandas or polars, or
            Arrow data. Or a list of these.
        tokenizer: A `Tokenizer`, or any value that `Tokenizer.from_pretrained` accepts.
        output: The output folder; it must not exist or must be empty, unless `overwrite` is set. Or a URL of fsspec,
            such as `s3://bucket/tokens`; see `docs/remote.md`.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or any value that `ChatTemplate.from_pretrained`
            accepts; None for the tokenizer's own template.
        template_fallback: The template to use if the tokenizer has none: a name of `ChatTemplate.names()`.
        rebuild: Whether the ids are those of `transformers.AutoTokenizer` where its class does not follow all of
            `tokenizer.json`. False takes the file as it is.
        pad_token: The token for `padding`, in place of the tokenizer's pad token; it must be a token of the tokenizer.
        format: The format of the rows: a `Format`, or any value that `Format.of` accepts, such as `"alpaca"`. `"auto"`
            detects it from the first rows and names it in the report; a prompt with an answer then becomes messages for
            the chat template, if there is one. None for messages.
        columns: The column in the rows for each column that the format reads, where the names differ, such as
            `{"answer": "solution"}` for rows whose answer is in the column `solution`.
        input_format: The kind of the files: `jsonl`, `json`, `csv`, `tsv`, `parquet` or `arrow`; None to tell it from
            their suffixes. Standard input is JSON without it: one object per line, or one array.
        labels: Which tokens are trained: a `Labels`, or any value that `Labels.of` accepts, such as `"assistant"` or
            `"axolotl"`.
        split: `"per_turn"` makes one sample per trained turn, rendered as at inference; None makes one per row.
        max_length: Maximum number of tokens per sample. Labels are made before a row is truncated.
        reserve: The number of virtual tokens that the model puts before each row, as in prompt tuning. Rows are cut and
            padded to `max_length - reserve`.
        truncation: What to do with rows over `max_length`; as for `Mill`. None for the default of the format, or
            `"keep_start"`.
        segment_length: Maximum number of tokens of each prompt and each answer of a format; as for `Mill`.
        padding: Pad rows with the pad token: `"longest"` to the length of the longest row of a block, `"max_length"` to
            `max_length`.
        padding_side: The side of the padding: `"right"` or `"left"`.
        pad_to_multiple_of: The length up to which rows are padded is rounded up to a multiple of this number.
        special_tokens: What to do with control tokens in the texts of messages: `"allow"`, `"text"` or `"raise"`; as
            for `Mill`.
        allowed_special_tokens: Control tokens that texts may contain regardless of `special_tokens`.
        all_masked: What to do with rows that have no trained token: `"reject"` them with a reason, or `"keep"` them.
        threads: The number of threads of the mill; None for one per core.
        keep_columns: Columns of the inputs to copy to the output.
        attention_mask: Whether to write the column `attention_mask`: 1 for tokens, 0 for padding.
        position_ids: Whether to write the column `position_ids`: the tokens of a sample numbered from 0; 0 for padding.
        chat_template_kwargs: Variables for the chat template, such as `{"enable_thinking": False}`.
        limits: What one render of the template may use: `steps`, bytes of `memory`, `depth`, and bytes of `output`; as
            for `ChatTemplate`. A row that exceeds a limit is rejected.
        now: The time that templates print (`strftime_now`), the same for all rows; None for the start of the run. The
            manifest records it. The same time gives the same tokens on another day.
        shuffle: Whether to write the samples in a random order, which depends only on `seed` and the samples.
        seed: The seed of the random order and of the choice of validation samples.
        deduplicate: Whether to leave out samples whose ids and labels equal those of an earlier sample.
        validation: Samples to write to the subfolder `validation` instead: a share below 1, or a number.
        overwrite: Whether to replace an unchanged output of chatmill once the new one is complete.
        progress: Whether to show a progress bar on stderr; None shows it if stderr is a terminal.
        block_bytes: Approximate size of the rows that are processed at a time, in bytes.
        max_line_bytes: The size of the longest line of JSONL, and of the largest row of other files. A longer row is
            rejected with its beginning, and is not loaded.
        shard_tokens: Tokens per Parquet file.
        compression: The compression of the Parquet files: `"zstd"` (the default), `"snappy"` or `"none"`.
        max_rejected: The rejected rows that the run accepts: a percentage such as `"5%"`, a share such as `0.05`, or a
            number. Rows that `truncation="drop"` leaves out count as rejected. If more are rejected, the output is
            complete, and `too_many_rejected` of the report is true; the command exits with status 3.
        strict: Whether a warning fails the run. Then nothing is written.
        trainer: The trainer that will open the output: `"trl"`, `"trl-dpo"`, `"trl-reward"`, `"hf"`, `"axolotl"`,
            `"llama-factory"` or `"nemo"`. It chooses columns and files, and `how_to_train` of the report has the lines
            that open them; see `docs/training.md`. None writes all columns, in Parquet files.
        to: The layout of the files, without `trainer`: `"parquet"`, `"arrow"`, `"hf"`, `"megatron"`, `"nemo"`, `"mds"`,
            `"datatrove"` or `"olmo"`; see `docs/layouts.md`. None for Parquet.
        pack: Write packs of this many tokens in place of the rows, as `chatmill.pack` does with its defaults; with
            `trainer` in the columns that it opens, with `to` in the files of a layout. None writes the rows.
        resume: Whether the run can go on after it was interrupted: the tokens of each block of rows are kept beside the
            output until it is complete, with about 4 bytes for each token, and the same call takes them. See
            `docs/resume.md`.
        fresh: Start over: remove what an interrupted run on this output kept, and take no block of `cache`.
        cache: A folder, or a URL, that keeps the tokens of blocks for all runs, so that a run makes only those of new
            or changed rows. None keeps them only until the output is complete.
        cache_size: The size of the blocks in `cache` that stay at the end of the run, such as `"50GB"` or a number of
            bytes: those that were used last. None keeps all.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: An input, the tokenizer or the template cannot be read, an option is not valid, the output cannot
            be written, no row gave tokens, or there is a warning and `strict` is set.

    Example:
        >>> report = prepare("chats/*.jsonl", tokenizer="Qwen/Qwen3-8B", output="tokens")  # doctest: +SKIP
        >>> report.rows_out, report.tokens  # doctest: +SKIP
        (10000, 5820144)
    """
    # The arguments, and nothing else: `planned_run` has the same names.
    return PrintedReport.of(run_shown(planned_run(**plain_types(locals()))))


def plan(inputs: Any, **options: Any) -> PlannedRun:
    """Plan a run without doing it.

    Args:
        inputs: As for `prepare`.
        options: The other arguments of `prepare`.
    """
    arguments = signature(prepare).bind(inputs, **options)
    arguments.apply_defaults()
    return planned_run(**arguments.arguments)
