"""`diff_rows`: the rows that two mills encode differently."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chatmill._chatmill import Mill, RowError, RowFailure
from chatmill.inputs import InputFile, find_inputs, read_blocks
from chatmill.inspect.diff.encodings import EncodedRow, compare_encodings, count_tokens, count_trained
from chatmill.inspect.diff.report import DiffReport, RowDifference, Side
from chatmill.inspect.rows import check_can_compare

_BLOCK_BYTES = 1 << 20


class MillsReport(DiffReport):
    """The differences of two mills. `diff_rows` makes one."""

    def __init__(self, pairs: "Iterator[_EncodedPair]") -> None:
        super().__init__()
        self._pairs = pairs

    def __iter__(self) -> Iterator[RowDifference]:
        for pair in self._pairs:
            self.rows += 1
            _count(self.left, pair.left)
            _count(self.right, pair.right)
            found = compare_encodings(pair.left, pair.right)
            if found is not None:
                aspect, spans = found
                self.differing[aspect] += 1
                yield RowDifference(pair.row, pair.place, aspect, tuple(spans))


def diff_rows(left: Mill, right: Mill, inputs: Any, *, rows: int | None = None) -> DiffReport:
    """Encode every row with two mills, and find the differences. One row is in memory at a time.

    Rows are encoded by `Mill.encode_row`, with all options of the mills except padding. If a row becomes several
    samples, the first sample that differs is reported.

    Args:
        left: A mill.
        right: Another mill, with other labels, another template or another tokenizer.
        inputs: As for `prepare`, or files from `find_inputs`.
        rows: The maximum number of rows to compare; None for all.

    Returns:
        A report: iterate over it to get the differences; then it has the counts.

    Raises:
        DataError: Rows of this format cannot be compared, or a file is missing. During the iteration: a file cannot be
            read.

    Example:
        >>> report = diff_rows(mill, Mill(tokenizer, template, labels="last"), "chats.jsonl")  # doctest: +SKIP
        >>> for difference in report:  # doctest: +SKIP
        ...     print(show_difference(difference))
        >>> print(show_summary(report))  # doctest: +SKIP
    """
    for form in (left.format, right.format):
        check_can_compare(form)
    return MillsReport(islice(_pairs(left, right, find_inputs(inputs)), rows))


@dataclass(frozen=True)
class _EncodedPair:
    """One row on both sides."""

    row: int
    place: str
    left: EncodedRow
    right: EncodedRow


def _count(side: Side, row: EncodedRow) -> None:
    if isinstance(row, RowFailure):
        side.failed += 1
    else:
        side.add(tokens=count_tokens(row), trained=count_trained(row))


def _pairs(left: Mill, right: Mill, files: Sequence[InputFile]) -> Iterator[_EncodedPair]:
    row = 0
    columns = None if left.format is None else left.format.columns
    for block in read_blocks(files, columns=columns, block_bytes=_BLOCK_BYTES):
        for index in range(block.batch.num_rows):
            sides: list[EncodedRow] = []
            for mill in (left, right):
                try:
                    sides.append(mill.encode_row(block.batch, index, json_column=block.json_column))
                except RowError as error:  # noqa: PERF203  # a failed row is a result
                    sides.append(error.failure)
            yield _EncodedPair(row, block.place(index), *sides)
            row += 1
