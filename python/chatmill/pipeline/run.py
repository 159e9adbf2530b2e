"""`run_parts`: reads, processes and writes rows at the same time. Every row ends up in the output or in the rejects."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from itertools import count
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import ChatmillError, DataError, Mill, TokenBatch
from chatmill.inputs import JSON_COLUMN, Block, InputFile, check_states, check_unchanged
from chatmill.lint.run_checks import RunChecks
from chatmill.lint.warning import merged_warnings
from chatmill.outputs.apart import check_apart
from chatmill.outputs.beside import write_beside
from chatmill.outputs.complete import recorded
from chatmill.outputs.destination import new_output
from chatmill.outputs.manifest import build_manifest, write_manifest
from chatmill.outputs.rejects import REJECTS, RejectLog
from chatmill.outputs.shards import in_subfolder
from chatmill.outputs.url import output_name
from chatmill.pipeline.accepted import with_tokens
from chatmill.pipeline.channel import Channel, StoppedError
from chatmill.pipeline.counts import Counts
from chatmill.pipeline.emptiness import check_tokens, empty_files
from chatmill.pipeline.files import RunFiles
from chatmill.pipeline.kept import KeptColumns
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.resumable import open_blocks
from chatmill.pipeline.sink import Sink, open_sink
from chatmill.resume.run import KeyedBlock, MilledBlock, PartBlocks
from chatmill.statistics.run import RunStatistics

#: Observes a run. It is called with the files and the running totals, and returns a function for each finished block.
Watch: TypeAlias = Callable[[Sequence[InputFile], Counts], AbstractContextManager[Callable[[Block], None]]]

# So many blocks may wait for the mill, and so many for the writer. With two, runs take as long, and hold more memory.
_BLOCKS_AHEAD = 1
_JOIN_SECONDS = 0.5


@contextmanager
def unwatched(_files: Sequence[InputFile], _counts: Counts) -> Iterator[Callable[[Block], None]]:
    """Run without an observer; see `Watch`.

    Yields:
        A function that does nothing.
    """
    yield lambda _block: None


def run_parts(
    parts: Callable[[datetime], Sequence[Part]],
    options: OutputOptions,
    *,
    watch: Watch = unwatched,
    say: Callable[[str], None] = lambda _line: None,
) -> PrepareReport:
    """Read, process and write the rows of all parts.

    Args:
        parts: A function that makes the parts, for the time that templates print. It is called after the output folder
            was checked.
        options: The options of the output.
        watch: An observer of the run, such as a progress bar.
        say: Prints a line for the user.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: A file cannot be read or written, a row ends the run, or no row gave tokens.
    """
    started = time.monotonic()
    if options.block_bytes < 1:
        raise DataError(f"`block_bytes` is {options.block_bytes}; use at least 1")
    with (
        new_output(options.folder, overwrite=options.overwrite) as output,
        open_blocks(options, output.blocks, say) as run,
    ):
        folder, kept = output.folder, run.blocks
        chosen = _numbered(parts(kept.now))
        files = [file for part in chosen for file in part.files]
        check_apart(options.folder, files)
        _check_columns(chosen)
        run.begin(chosen)
        counts = Counts([0] * len(files), [0] * len(files))
        made = RunFiles(
            options, folder, chosen, [_no_rows(part.mill).schema for part in chosen], closed=output.shard_closed
        )
        statistics = RunStatistics(chosen[0].mill, [number for number, part in enumerate(chosen) for _ in part.files])
        with (
            RejectLog(folder) as rejects,
            statistics.counted(made.writer(made.rows_folder / made.within)) as writer,
            watch(files, counts) as advance,
            open_sink(
                options.arrangement,
                made.rows_folder,
                writer,
                lambda within, split: statistics.counted(made.writer(within, split), split),
                has_places=any(part.order is not None for part in chosen),
            ) as sink,
        ):
            rows = _RowWriter(sink, rejects, counts, statistics, options.keep_columns, advance)
            checks = [RunChecks(part.mill) for part in chosen]
            for position, part in enumerate(chosen):
                write = rows.of_part(position, part, checks[position])
                with _naming_changes(files):
                    run_blocks(kept.of_part(part.mill), options.blocks(part), write)
            check_tokens(files, counts, rejects)
            rows.kept.check()
            arranged = sink.arrange()
            shards, validation = in_subfolder(writer.finish(), made.within), sink.finish()
        made.finish(shards, validation)
        data_warnings = merged_warnings([check.warnings() for check in checks])
        others = [it for part in chosen for it in (*part.warnings, *part.mill.warnings)]
        others += [*made.notes, *empty_files(files, counts)]
        warnings = dict.fromkeys([*map(str, data_warnings), *others, *rows.kept.warnings()])
        report = PrepareReport(
            output=output_name(options.folder),
            rows_in=counts.rows_in,
            rows_out=counts.rows_out,
            rejected=rejects.counts.total(),
            reasons=dict(rejects.counts.most_common()),
            examples=dict(rejects.examples),
            tokens=counts.tokens,
            trained_tokens=counts.trained_tokens,
            samples=counts.samples,
            untrained=counts.untrained,
            lengths=counts.lengths.percentiles(),
            assistant_turns=counts.assistant_turns,
            trained_turns=counts.trained_turns,
            cut_tokens=counts.cut_tokens,
            max_rejected=options.max_rejected,
            notes=dict(counts.notes),
            warnings=tuple(warnings),
            data_warnings=tuple(data_warnings),
            seconds=time.monotonic() - started,
            shards=tuple(made.shards),
            validation_shards=tuple(made.validation),
            labels=_one([part.mill.labels.spec() for part in chosen]),
            format=_one([None if part.mill.format is None else part.mill.format.name for part in chosen]),
            format_reason=chosen[0].reason,
            engine=chosen[0].mill.tokenizer.engine,
            arranged=arranged,
            how_to_train=made.how_to_train(counts.lengths.percentiles().get("max", 0)),
            packs=made.packs,
            blocks=kept.total,
            reused_blocks=kept.reused,
        )
        _account(report)
        if options.strict and report.warnings:
            raise DataError(
                f"nothing was written, because `strict` accepts no warning, and there {_are(len(warnings))}:"
                + "".join(f"\n  {warning}" for warning in warnings)
            )
        check_unchanged(files, counts.rows_by_file, counts.bytes_by_file)
        log = recorded(folder, REJECTS, lines=report.rejected) if report.rejected else None
        shown = write_beside(folder, statistics.chosen.file(), is_private=True)
        saved = write_beside(folder, {name: it for part in chosen for name, it in part.tokenizer_files.items()})
        manifest = build_manifest(
            mills=[(part.mill, len(part.files)) for part in chosen],
            files=files,
            rows_by_file=counts.rows_by_file,
            options={
                **options.options,
                "block_bytes": options.block_bytes,
                "max_rejected": str(options.max_rejected),
                **made.options(),
            },
            arrangement=None if options.arrangement.is_plain else asdict(options.arrangement),
            counts=report.counts(),
            warnings=[
                *(warning.to_dict() for warning in data_warnings),
                *({"text": text} for text in [*others, *rows.kept.warnings()]),
            ],
            shards=made.shards,
            validation_shards=made.validation,
            rejects=log,
            dataset_files=made.described,
            tokenizer_files=saved,
            sample_files=shown,
            statistics=statistics.record(),
        )
        write_manifest(folder, {**manifest, **made.record()})
        output.commit([*made.all(), *saved, *shown, *filter(None, [log])])
    unkept = [f"{kept.problem}; a run that is interrupted starts over"] if kept.problem else []
    others = [*output.warnings, *unkept]
    return replace(report, warnings=(*report.warnings, *others))


@contextmanager
def _naming_changes(files: Sequence[InputFile]) -> Iterator[None]:
    """Say of an error that a file changed, if one did: it is the likely reason why a file cannot be read."""
    try:
        yield
    except DataError:
        check_states(files)
        raise


def _check_columns(parts: Sequence[Part]) -> None:
    """Check that the rows of all parts have the same output columns."""
    by_columns: dict[tuple[str, ...], Part] = {}
    for part in parts:
        by_columns.setdefault(() if part.mill.format is None else part.mill.format.answer_columns, part)
    if len(by_columns) > 1:
        one, other = (
            f"{part.files[0].path} ({'messages' if part.mill.format is None else part.mill.format.name})"
            for part in list(by_columns.values())[:2]
        )
        raise DataError(f"{one} and {other} have different output columns; prepare them in separate runs")


def _numbered(parts: Sequence[Part]) -> list[Part]:
    """Number the files of all parts consecutively."""
    numbers = count()
    return [replace(part, files=[replace(file, position=next(numbers)) for file in part.files]) for part in parts]


def _are(warnings: int) -> str:
    return "is one" if warnings == 1 else f"are {warnings}"


def _one(values: Sequence[Any]) -> Any:
    """Return the common value, or a list if values differ."""
    return values[0] if all(value == values[0] for value in values) else list(values)


class _RowWriter:
    """Writes rows that have tokens to the sink and all other rows to the rejects, and counts both."""

    def __init__(
        self,
        sink: Sink,
        rejects: RejectLog,
        counts: Counts,
        statistics: RunStatistics,
        keep_columns: Sequence[str],
        advance: Callable[[Block], None],
    ) -> None:
        self._sink, self._rejects, self._counts, self._advance = sink, rejects, counts, advance
        self._statistics = statistics
        self.kept = KeptColumns(keep_columns)

    def of_part(self, number: int, part: Part, checks: RunChecks) -> Callable[[MilledBlock], None]:
        """Return a function that writes and checks the blocks of a part."""
        earlier, order = self._counts.rows_in, part.order

        def write(milled: MilledBlock) -> None:
            block, tokens = milled.keyed.block, milled.tokens
            batch = self._accepted(block, tokens)
            self.kept.add(block, batch)
            places = None if order is None else _places(tokens, order, self._counts.rows_in - earlier)
            row_column = "row" if "row" in batch.schema.names and "row" not in self.kept.names else None
            self._sink.write(batch, number, places, row_column)
            self._counts.add(block, tokens, batch)
            self._statistics.add(block, tokens, part.mill)
            self._advance(block)
            # Last, because it waits for a thread of the mill.
            checks.add(block, tokens)

        return write

    def _accepted(self, block: Block, tokens: TokenBatch) -> pa.RecordBatch:
        """Return the rows that have tokens, and write all other rows to the rejects."""
        batch = pa.record_batch(tokens)
        if "row" in batch.schema.names and "row" not in self.kept.names:
            # The mill numbers the rows of a block; the output numbers the rows of all inputs.
            place = batch.schema.get_field_index("row")
            batch = batch.set_column(place, "row", pc.add(batch.column("row"), self._counts.rows_in))
        if tokens.failures:
            for failure in tokens.failures:
                self._rejects.write(block, failure)
        return with_tokens(batch)


def _places(tokens: TokenBatch, order: Sequence[int], first: int) -> pa.Array:
    """Return the places of the accepted samples of a block, of which `first` is the first row in its part."""
    batch = pa.record_batch(tokens)
    rows = batch.column("row").to_pylist() if "row" in batch.schema.names else range(batch.num_rows)
    return pa.array((order[first + row] for row in rows), pa.uint64()).filter(batch.column("error").is_null())


def run_blocks(kept: PartBlocks, blocks: Iterator[Block], write: Callable[[MilledBlock], None]) -> None:
    """Read, process, keep and write at the same time. The first error of any thread ends all and is raised here.

    A block is kept as soon as it is made. So a kill costs at most two blocks: the one in the mill, and the one that is
    being kept.

    Args:
        kept: Takes the tokens of blocks that were made before, and keeps those of others.
        blocks: Reads the blocks.
        write: Writes a block.

    Raises:
        ChatmillError: A block cannot be read, processed or written.
    """
    read, milled = Channel[KeyedBlock](_BLOCKS_AHEAD), Channel[MilledBlock](0)
    ready = Channel[MilledBlock](_BLOCKS_AHEAD)
    reader = read.feed(kept.read(blocks), name="chatmill-reader")
    keeper = milled.relay(kept.keep, ready, name="chatmill-keeper")
    writer = ready.drain(write, name="chatmill-writer")
    try:
        for keyed in read:
            milled.put(kept.mill(keyed))
        milled.close()
        while writer.is_alive():
            writer.join(_JOIN_SECONDS)
        ready.check()
    except BaseException:
        read.fail(StoppedError())
        milled.fail(StoppedError())
        ready.fail(StoppedError())
        keeper.join()
        writer.join()
        # The reader may wait for slow storage. It holds nothing that must be cleaned up, so it is not waited for.
        reader.join(_JOIN_SECONDS)
        raise


def _no_rows(mill: Mill) -> pa.RecordBatch:
    """Return a batch without rows, which has the columns of the output."""
    # `pa.array` of a list imports pandas if it is installed, which takes half a second.
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, pa.large_binary())], names=[JSON_COLUMN])
    return pa.record_batch(mill(empty, json_column=JSON_COLUMN)).drop_columns(["error"])


def _account(report: PrepareReport) -> None:
    """Check that no row was lost."""
    if report.rows_in != report.rows_out + report.rejected:
        raise ChatmillError(
            f"{report.rows_in} rows were read, but {report.rows_out} were written and {report.rejected} rejected; "
            "please report this as a bug of chatmill"
        )
