"""`WrittenRows`: the samples or the reject of each input row, read from an output in the order of the inputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.inputs import Block, InputFile
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.samples import Sample, read_samples
from chatmill.text.parsing import parse_json

# The ids and labels of this many tokens have 2 MiB.
_BATCH_TOKENS = 1 << 18


@dataclass(frozen=True)
class RecordedReject:
    """The reason why a row has no tokens, from `_rejects.jsonl`.

    Attributes:
        code: The stable word for the kind of failure.
        text: The problem and its remedy.
        message: Index of the message, from 0, or None.
        template_line: Line of the chat template, from 1, or None.
    """

    code: str
    text: str
    message: int | None
    template_line: int | None


class WrittenRows:
    """The result of each row, read in the order of the inputs. One batch of a shard is in memory at a time.

    Args:
        output: The output.
        files: The inputs of the output, checked by `PreparedOutput.check_inputs`.

    Example:
        >>> rows = WrittenRows(output, files)  # doctest: +SKIP
        >>> rows.take(block, 0)  # doctest: +SKIP
        [Sample(…)]
    """

    def __init__(self, output: PreparedOutput, files: Sequence[InputFile]) -> None:
        self._output = output
        self._files = files
        self._rows_of = [int(it["rows"]) for it in output.manifest["inputs"]]
        self._row = self._position = 0
        self._in_file = [0] * len(files)
        self._rejects = _Peekable(_read_rejects(output.rejects_path))
        self._samples = _Peekable(_read_shards(output))

    def take(self, block: Block, index: int) -> list[Sample] | RecordedReject:
        """Return the result of the next row.

        Args:
            block: The block of the row.
            index: The row in the block.

        Raises:
            DataError: The output was not made from these rows.
        """
        position = block.file.position
        self._check_files_before(position)
        row, self._row = self._row, self._row + 1
        self._in_file[position] += 1
        if self._in_file[position] > self._rows_of[position]:
            raise self._other_rows(position, f"more than {self._rows_of[position]:,}")
        reject = self._rejects.peek()
        if reject is not None and self._is_at(reject, position, block.where(index)):
            self._rejects.next()
            places = (reject.get("message"), reject.get("template_line"))
            return RecordedReject(str(reject.get("code")), str(reject.get("reason")), *places)
        return self._take_samples(row)

    def finish(self) -> None:
        """Check that the output has no more rows. Call it after all rows were taken.

        Raises:
            DataError: The output has more rows.
        """
        self._check_files_before(len(self._files))
        reject = self._rejects.peek()
        if reject is not None:
            unit = "line" if "line" in reject else "row"
            name = self._output.rejects_path.name
            raise self._misplaced(
                f"{name} has {unit} {reject.get(unit)} of {reject.get('file')}, but there is no such row"
            )
        if self._samples.peek() is not None:
            raise self._misplaced("its shards hold more rows than the inputs")

    def _check_files_before(self, position: int) -> None:
        for before in range(self._position, position):
            if self._in_file[before] != self._rows_of[before]:
                raise self._other_rows(before, f"{self._in_file[before]:,}")
        self._position = position

    def _take_samples(self, row: int) -> list[Sample]:
        found = []
        while (following := self._samples.peek()) is not None:
            of_row, sample = following
            if of_row is not None and of_row != row:
                break
            found.append(sample)
            self._samples.next()
            if of_row is None:
                break
        if not found:
            raise self._misplaced(f"it has neither tokens nor a reject for row {row:,}")
        return found

    def _is_at(self, reject: Mapping[str, Any], position: int, where: Mapping[str, Any]) -> bool:
        path = self._output.manifest["inputs"][position]["path"]
        return {**where, "file": path}.items() <= reject.items()

    def _other_rows(self, position: int, now: str) -> DataError:
        return DataError(
            f"{self._files[position].path} has {now} rows, but had {self._rows_of[position]:,} when "
            f"{self._output.folder} was made; give the file as it was then, or make the output again"
        )

    def _misplaced(self, problem: str) -> DataError:
        return DataError(
            f"{self._output.folder} was not made from these rows: {problem}; give the files as they were then, or make "
            "the output again"
        )


class _Peekable:
    """An iterator whose next item can be read without consuming it; None at the end."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._next: Any = None
        self._is_read = False

    def peek(self) -> Any:
        if not self._is_read:
            self._next, self._is_read = next(self._items, None), True
        return self._next

    def next(self) -> None:
        self._is_read = False


def _read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = parse_json(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not JSON ({error}); make the output again") from None
            yield record


def _read_shards(output: PreparedOutput) -> Iterator[tuple[int | None, Sample]]:
    """Yield the samples of all shards, each with its row; the row is None if there is no column `row`."""
    return chain.from_iterable(_read_shard(output, shard) for shard in output.manifest["shards"])


def _read_shard(output: PreparedOutput, shard: Mapping[str, Any]) -> Iterator[tuple[int | None, Sample]]:
    path = output.folder / shard["file"]
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet:
            rows = parquet.metadata.num_rows
            if rows != shard["rows"]:
                listed = f"{output.manifest_path.name} lists {shard['rows']}"
                raise DataError(f"{path} has {rows} rows, but {listed}; make the output again")
            # A kept column may have one of these names too.
            own = set(parquet.schema_arrow.names) - set(output.options.get("keep_columns") or ())
            # The outputs for trainers have no column `length`.
            wanted = ["input_ids", "labels", *(own & {"length", "weights", "attention_mask", "row"})]
            step = max(1, _BATCH_TOKENS * rows // max(1, int(shard["tokens"])))
            for batch in parquet.iter_batches(batch_size=step, columns=wanted, use_threads=False):
                numbers = batch.column("row").to_pylist() if "row" in own else [None] * batch.num_rows
                yield from zip(numbers, read_samples(batch), strict=True)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DataError(f"cannot read {path} ({error}); make the output again") from None
