"""A run: rows are read, milled and written at the same time, and every one of them is accounted for."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import ChatmillError, DataError, Mill, RowError, TokenBatch
from chatmill.arrange import Arrangement
from chatmill.channel import Channel, StoppedError
from chatmill.inputs import BLOCK_BYTES, JSON_COLUMN, Block, InputFile, read_blocks
from chatmill.manifest import build_manifest, write_manifest
from chatmill.rejects import RejectLog
from chatmill.report import Counts, PrepareReport, Progress
from chatmill.shards import SHARD_TOKENS, ShardWriter
from chatmill.show import place_in_row, place_of
from chatmill.sink import Sink, open_sink
from chatmill.staging import staged_folder

_Milled: TypeAlias = "tuple[Block, TokenBatch]"

# Reader and mill each run this many blocks ahead: enough that nobody waits, little enough to bound the memory.
_BLOCKS_AHEAD = 2
_JOIN_SECONDS = 0.5


@dataclass(frozen=True)
class Part:
    """Files that one mill works on.

    Attributes:
        files: What is read.
        mill: What makes tokens of the rows.
        reason: Why the rows are taken for what they are, where nobody said it.
        warnings: What is worth a warning, beside that of the mill.
    """

    files: Sequence[InputFile]
    mill: Mill
    reason: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Output:
    """Where samples go, and how.

    Attributes:
        folder: The folder to make.
        arrangement: What becomes of the rows of several parts.
        overwrite: Replace an output of chatmill that is there, at the end.
        keep_columns: Columns of the inputs to carry over.
        progress: Show a progress bar; None for: if stderr is a terminal.
        block_bytes: About how many bytes of rows are worked on at a time.
        shard_tokens: Tokens of a shard.
        options: What else the manifest shall record of the run.
    """

    folder: str | os.PathLike[str]
    arrangement: Arrangement = field(default_factory=Arrangement)
    overwrite: bool = False
    keep_columns: Sequence[str] = ()
    progress: bool | None = None
    block_bytes: int = BLOCK_BYTES
    shard_tokens: int = SHARD_TOKENS
    options: Mapping[str, Any] = field(default_factory=dict)


def run_parts(parts: Callable[[], Sequence[Part]], output: Output) -> PrepareReport:
    """Read, mill and write the rows of all parts.

    Args:
        parts: Gives the parts. It is asked when it is known that the output can be written.
        output: Where the samples go.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: Something cannot be read, loaded or written, a row ends the run, or no row at all gave tokens.
    """
    started = time.monotonic()
    if output.block_bytes < 1:
        raise DataError(f"block_bytes is {output.block_bytes}: it must be at least 1")
    with staged_folder(output.folder, overwrite=output.overwrite) as folder:
        chosen = _numbered(parts())
        files = [file for part in chosen for file in part.files]
        _check_answers(chosen)
        counts = Counts(rows_by_file=[0] * len(files))
        with (
            RejectLog(folder) as rejects,
            ShardWriter(folder, shard_tokens=output.shard_tokens) as writer,
            Progress(files, counts, show=output.progress) as bar,
            open_sink(output.arrangement, folder, writer, output.shard_tokens) as sink,
        ):
            for position, part in enumerate(chosen):
                columns = None if part.mill.format is None else part.mill.format.columns
                blocks = read_blocks(
                    part.files, columns=columns, keep_columns=output.keep_columns, block_bytes=output.block_bytes
                )
                _run(part.mill, blocks, _taker(sink, position, rejects, counts, bar, output.keep_columns))
            if counts.samples == 0:
                sink.write(_no_rows(chosen[0].mill), 0)
            arranged = sink.arrange()
            shards, validation = writer.finish(), sink.finish()
        report = PrepareReport(
            output=Path(output.folder),
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
            warnings=tuple(dict.fromkeys(it for part in chosen for it in (*part.warnings, *part.mill.warnings))),
            seconds=time.monotonic() - started,
            shards=tuple(shards),
            validation_shards=tuple(validation),
            labels=_one([part.mill.labels.spec() for part in chosen]),
            format=_one([None if part.mill.format is None else part.mill.format.name for part in chosen]),
            format_reason=chosen[0].reason,
            engine=chosen[0].mill.tokenizer.engine,
            arranged=arranged,
        )
        _account(report)
        manifest = build_manifest(
            mills=[(part.mill, len(part.files)) for part in chosen],
            files=files,
            rows_by_file=counts.rows_by_file,
            options={**output.options, "block_bytes": output.block_bytes, "shard_tokens": output.shard_tokens},
            arrangement=None if output.arrangement.is_plain else asdict(output.arrangement),
            counts=report.counts(),
            shards=shards,
            validation_shards=validation,
        )
        write_manifest(folder, manifest)
    return report


def _check_answers(parts: Sequence[Part]) -> None:
    """Rows of several answers have other columns than rows of one."""
    kinds: dict[tuple[str, ...], Part] = {}
    for part in parts:
        answers = {} if part.mill.format is None else part.mill.format.core.get("answers") or {}
        columns = [name for name, _ in answers.get("names", ())] + [(answers.get("label") or [""])[0]]
        kinds.setdefault(tuple(columns), part)
    if len(kinds) > 1:
        one, other = (
            f"those of {part.files[0].path} ({'messages' if part.mill.format is None else part.mill.format.name})"
            for part in list(kinds.values())[:2]
        )
        raise DataError(f"rows like {one} and {other} have other columns: prepare them in runs of their own")


def _numbered(parts: Sequence[Part]) -> list[Part]:
    """The parts, with their files counted over all of them."""
    numbers = count()
    return [replace(part, files=[replace(file, position=next(numbers)) for file in part.files]) for part in parts]


def _one(values: Sequence[Any]) -> Any:
    """What all have, or a list of what each has."""
    return values[0] if all(value == values[0] for value in values) else list(values)


def _taker(
    sink: Sink, part: int, rejects: RejectLog, counts: Counts, bar: Progress, kept: Sequence[str]
) -> Callable[[_Milled], None]:
    def take(milled: _Milled) -> None:
        block, tokens = milled
        batch = _accepted(block, tokens, rejects, counts.rows_in, kept)
        sink.write(batch, part)
        counts.add(block, tokens, samples=batch.num_rows)
        bar.advance(block)

    return take


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


def _accepted(
    block: Block, tokens: TokenBatch, rejects: RejectLog, first_row: int, kept: Sequence[str]
) -> pa.RecordBatch:
    """The rows that have tokens; the others go to the rejects. The mill's column `row` counts over all inputs."""
    batch = pa.record_batch(tokens)
    if "row" in batch.schema.names and "row" not in kept:
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
