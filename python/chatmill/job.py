"""`prepare`: files in, token shards out. One thread reads, the mill works with all cores, one thread writes."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import ChatmillError, DataError, Mill, RowError, TokenBatch
from chatmill.channel import Channel, StoppedError
from chatmill.inputs import BLOCK_BYTES, JSON_COLUMN, Block, InputPath, find_inputs, read_blocks
from chatmill.labels import Labels
from chatmill.manifest import build_manifest, write_manifest
from chatmill.rejects import RejectLog
from chatmill.report import Counts, PrepareReport, Progress
from chatmill.resolve import resolve
from chatmill.shards import SHARD_TOKENS, ShardWriter
from chatmill.show import place_in_row, place_of
from chatmill.staging import staged_folder

_Milled: TypeAlias = "tuple[Block, TokenBatch]"

# Reader and mill each run this many blocks ahead: enough that nobody waits, little enough to bound the memory.
_BLOCKS_AHEAD = 2
_JOIN_SECONDS = 0.5


def prepare(
    inputs: InputPath | Sequence[InputPath],
    *,
    tokenizer: Any,
    output: str | os.PathLike[str],
    template: Any = None,
    template_fallback: str | None = None,
    labels: str | Mapping[str, Any] | Labels = "assistant",
    split: Literal["per_turn"] | None = None,
    max_length: int | None = None,
    truncation: Literal["keep_start", "keep_end", "turns", "drop", "raise", "split"] = "keep_start",
    padding: Literal["longest", "max_length"] | None = None,
    special_tokens: Literal["allow", "text", "raise"] = "allow",
    allowed_special_tokens: Sequence[str] = (),
    all_masked: Literal["keep", "reject"] = "reject",
    threads: int | None = None,
    keep_columns: Sequence[str] = (),
    attention_mask: bool = False,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
    block_bytes: int = BLOCK_BYTES,
    shard_tokens: int = SHARD_TOKENS,
) -> PrepareReport:
    """Turn files of conversations into Parquet shards of token ids and labels.

    The output folder holds `part-*.parquet`, `manifest.json` and, if rows failed, `rejects.jsonl`. It appears when all
    is written; on an error nothing is left. Memory does not grow with the inputs.

    Args:
        inputs: Paths, globs or fsspec URLs of JSONL (plain, gz, zst, xz, bz2), Parquet or Arrow IPC files.
        tokenizer: A `Tokenizer`, or anything `Tokenizer.from_pretrained` takes.
        output: The folder to make.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` takes;
            None for the tokenizer's own.
        template_fallback: A name of `ChatTemplate.names()`, for a tokenizer that has no template at all.
        labels: Which tokens are trained: a `Labels`, or what `Labels.of` reads, such as `"assistant"` or `"axolotl"`.
        split: `"per_turn"` makes a sample of each trained turn, rendered as at inference.
        max_length: Tokens that a sample may have; labels are made first.
        truncation: What becomes of longer rows; as for `Mill`.
        padding: Fill rows up with the pad token, to the longest of a block or to `max_length`.
        special_tokens: Control tokens in texts of messages: `"allow"`, `"text"` or `"raise"`; as for `Mill`.
        allowed_special_tokens: Control tokens that may be there all the same.
        all_masked: Rows without a single trained token go to the rejects with the reason, or are kept.
        threads: Of the mill; None for one a core.
        keep_columns: Columns of the inputs to carry over.
        attention_mask: Write a column of ones as well.
        chat_template_kwargs: Variables for the template, such as `{"enable_thinking": False}`.
        now: What the clock of the templates shows (`strftime_now`), for all rows of the run; None for the time at which
            `prepare` began. The manifest records it: given again, it makes the same tokens on another day.
        overwrite: Replace an output of chatmill at `output`, at the end.
        progress: Show a progress bar on stderr; None for: if it is a terminal.
        block_bytes: About how many bytes of rows are worked on at a time.
        shard_tokens: Tokens of a shard.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: Something cannot be read, loaded or written, or no row at all gave tokens.

    Example:
        >>> report = prepare("chats/*.jsonl", tokenizer="Qwen/Qwen3-8B", output="tokens")  # doctest: +SKIP
        >>> report.rows_out, report.tokens  # doctest: +SKIP
        (10000, 5820144)
    """
    started = time.monotonic()
    # Without a time zone, as transformers has it: templates that print one must print nothing here too.
    now = datetime.now() if now is None else now  # noqa: DTZ005
    if block_bytes < 1:
        raise DataError(f"block_bytes is {block_bytes}: it must be at least 1")
    with staged_folder(output, overwrite=overwrite) as folder:
        files = find_inputs(inputs)
        loaded, chosen = resolve(tokenizer, template, template_fallback=template_fallback)
        mill = Mill(
            loaded,
            chosen,
            labels=labels,
            split=split,
            max_length=max_length,
            truncation=truncation,
            padding=padding,
            special_tokens=special_tokens,
            allowed_special_tokens=allowed_special_tokens,
            all_masked=all_masked,
            threads=threads,
            on_error="null",
            keep_columns=keep_columns,
            attention_mask=attention_mask,
            chat_template_kwargs=chat_template_kwargs,
            now=now,
        )
        counts = Counts(rows_by_file=[0] * len(files))
        with (
            RejectLog(folder) as rejects,
            ShardWriter(folder, shard_tokens=shard_tokens) as writer,
            Progress(files, counts, show=progress) as bar,
        ):

            def write(milled: _Milled) -> None:
                block, tokens = milled
                batch = _accepted(block, tokens, rejects, first_row=counts.rows_in)
                writer.write(batch)
                counts.add(block, tokens, samples=batch.num_rows)
                bar.advance(block)

            blocks = read_blocks(files, keep_columns=keep_columns, block_bytes=block_bytes)
            _run(mill, blocks, write)
            if counts.rows_in == 0:
                writer.write(_no_rows(mill))
            shards = writer.finish()
        report = PrepareReport(
            output=Path(output),
            rows_in=counts.rows_in,
            rows_out=counts.rows_out,
            rejected=rejects.counts.total(),
            reasons=dict(rejects.counts.most_common()),
            examples=dict(rejects.examples),
            tokens=counts.tokens,
            trained_tokens=counts.trained_tokens,
            samples=counts.samples,
            untrained=counts.untrained,
            notes=dict(counts.notes),
            warnings=tuple(mill.warnings),
            seconds=time.monotonic() - started,
            shards=tuple(shards),
            labels=mill.labels.spec(),
            engine=loaded.engine,
        )
        _account(report)
        options = {
            "template_fallback": template_fallback,
            "now": now.isoformat(),
            "block_bytes": block_bytes,
            "shard_tokens": shard_tokens,
        }
        manifest = build_manifest(
            mill=mill,
            files=files,
            rows_by_file=counts.rows_by_file,
            options=options,
            counts=report.counts(),
            shards=shards,
        )
        write_manifest(folder, manifest)
    return report


def _run(mill: Mill, blocks: Iterator[Block], write: Callable[[_Milled], None]) -> None:
    """Read, mill and write at the same time; the first error of any of them ends all and is raised here."""
    read, milled = Channel[Block](_BLOCKS_AHEAD), Channel[_Milled](_BLOCKS_AHEAD)
    reader = read.feed(blocks, name="chatmill-reader")
    writer = milled.drain(write, name="chatmill-writer")
    try:
        for block in read:
            milled.put((block, mill_block(mill, block)))
        milled.close()
        while writer.is_alive():
            writer.join(_JOIN_SECONDS)
        milled.check()
    except BaseException:
        read.fail(StoppedError())
        milled.fail(StoppedError())
        writer.join()
        # A reader that waits for a slow store is not waited for: it holds nothing that must be put in order.
        reader.join(_JOIN_SECONDS)
        raise


def mill_block(mill: Mill, block: Block) -> TokenBatch:
    """The tokens of a block; errors name its file.

    Args:
        mill: What makes them.
        block: What was read.

    Raises:
        RowError: A row shall end the run.
        DataError: The block cannot be read.
    """
    try:
        tokens = mill(block.batch, json_column=block.json_column)
    except RowError as error:
        # Only what shall end the run comes here: `truncation="raise"`, `unproved: raise`.
        failure = error.failure
        where = ", ".join(filter(None, [place_of(block, failure.row), place_in_row(failure)]))
        raise RowError(f"{where}: {failure.text}") from error
    except DataError as error:
        raise DataError(f"{block.file.path}: {error}") from error
    if tokens.num_rows_in != block.batch.num_rows:
        raise ChatmillError(
            f"{block.file.path}: the block has {block.batch.num_rows} rows and the mill read {tokens.num_rows_in}; "
            "please report this as a bug of chatmill"
        )
    return tokens


def _accepted(block: Block, tokens: TokenBatch, rejects: RejectLog, *, first_row: int) -> pa.RecordBatch:
    """The rows that have tokens; the others go to the rejects. A column `row` counts over all inputs."""
    batch = pa.record_batch(tokens)
    if "row" in batch.schema.names:
        place = batch.schema.get_field_index("row")
        batch = batch.set_column(place, "row", pc.add(batch.column("row"), first_row))
    if tokens.failures:
        for failure in tokens.failures:
            rejects.write(block, failure)
        batch = batch.filter(batch.column("error").is_null())
    return batch.drop_columns(["error"])


def _no_rows(mill: Mill) -> pa.RecordBatch:
    """An output without rows, for its columns."""
    empty = pa.record_batch({JSON_COLUMN: pa.array([], pa.large_binary())})
    return pa.record_batch(mill(empty, json_column=JSON_COLUMN)).drop_columns(["error"])


def _account(report: PrepareReport) -> None:
    """Check that no row got lost, and that some row came through."""
    if report.rows_in != report.rows_out + report.rejected:
        raise ChatmillError(
            f"{report.rows_in} rows were read, but {report.rows_out} written and {report.rejected} rejected; "
            "please report this as a bug of chatmill"
        )
    if report.rows_in > 0 and report.rows_out == 0:
        reasons = "".join(
            f"\n  {count} × {code}, such as {report.examples[code].place}: {report.examples[code].reason}"
            for code, count in report.reasons.items()
        )
        raise DataError(f"none of the {report.rows_in} rows gave tokens, so nothing was written:{reasons}")
