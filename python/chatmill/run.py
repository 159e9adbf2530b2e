"""A run: rows are read, milled and written at the same time, and every one of them is accounted for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import ChatmillError, DataError, Mill, RowError, TokenBatch
from chatmill.channel import Channel, StoppedError
from chatmill.inputs import JSON_COLUMN, Block, InputFile, read_blocks
from chatmill.rejects import RejectLog
from chatmill.report import Counts, PrepareReport, Progress
from chatmill.show import place_in_row, place_of

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
        weight: How often each row is taken, where several parts are arranged.
    """

    files: Sequence[InputFile]
    mill: Mill
    weight: float = 1.0


class Writes(Protocol):
    """What takes the samples: a writer of shards, or what puts them in another order first."""

    def write(self, batch: pa.RecordBatch, /) -> None:
        """Take a batch."""


def run_part(
    part: Part,
    write: Callable[[pa.RecordBatch], None],
    *,
    folder_log: RejectLog,
    counts: Counts,
    bar: Progress,
    keep_columns: Sequence[str],
    block_bytes: int,
) -> None:
    """Read, mill and write the rows of a part.

    Args:
        part: The files, and the mill.
        write: Takes the samples, batch by batch.
        folder_log: Takes the rows that failed.
        counts: Counts them all.
        bar: Shows how far it is.
        keep_columns: Columns of the inputs to carry over.
        block_bytes: About how many bytes of rows are worked on at a time.

    Raises:
        ChatmillError: Something cannot be read or written, or a row ends the run.
    """

    def take(milled: _Milled) -> None:
        block, tokens = milled
        batch = _accepted(block, tokens, folder_log, first_row=counts.rows_in)
        write(batch)
        counts.add(block, tokens, samples=batch.num_rows)
        bar.advance(block)

    columns = None if part.mill.format is None else part.mill.format.columns
    blocks = read_blocks(part.files, columns=columns, keep_columns=keep_columns, block_bytes=block_bytes)
    _run(part.mill, blocks, take)


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


def no_rows(mill: Mill) -> pa.RecordBatch:
    """An output without rows, for its columns."""
    empty = pa.record_batch({JSON_COLUMN: pa.array([], pa.large_binary())})
    return pa.record_batch(mill(empty, json_column=JSON_COLUMN)).drop_columns(["error"])


def account(report: PrepareReport) -> None:
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
