"""`compared`: the figures of a plan beside those of padding, and of what trainers pack themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import PackPlan
from chatmill.packing.options import PackChoice

#: The rows of a batch that is padded to its longest row.
BATCH_ROWS = 8


@dataclass(frozen=True)
class WayToBatch:
    """What one way to make sequences of rows costs.

    Attributes:
        name: The way.
        sequences: The number of sequences.
        rows: The mean number of rows, or parts of rows, of a sequence.
        efficiency: The share of the sequences that tokens of rows fill.
        attention: The sum of the squared lengths of what attends to itself. Padding that is masked counts, since most
            kernels compute it.
        lost: The tokens that are in no sequence.
    """

    name: str
    sequences: int
    rows: float
    efficiency: float
    attention: int
    lost: int

    def record(self) -> dict[str, Any]:
        """Return the figures, for the manifest and JSON."""
        return {**self.__dict__}


def compared(plan: PackPlan, lengths: pa.ChunkedArray, choice: PackChoice) -> list[WayToBatch]:
    """Return the figures of a plan, and of other ways to batch the same rows.

    Args:
        plan: The plan.
        lengths: The number of tokens of each row, int32.
        choice: The options of the plan.

    Example:
        >>> plan, choice = PackPlan.of([6, 2, 8], 8), PackChoice(8)
        >>> for way in compared(plan, pa.chunked_array([[6, 2, 8]], pa.int32()), choice):
        ...     print(f"{way.name}: {way.sequences} sequences, {100 * way.efficiency:.0f} % full")
        these packs (bfd): 2 sequences, 100 % full
        each row padded to the longest: 3 sequences, 67 % full
        batches of 8 rows, padded: 3 sequences, 67 % full
        TRL, packs of groups of 1,000 rows: 2 sequences, 100 % full
        axolotl, multipack: 2 sequences, 100 % full
    """
    length = choice.max_length
    cut = pc.cast(pc.min_element_wise(lengths, pa.scalar(length, pa.int32())), pa.int64())
    cut = cut.filter(pc.greater(cut, 0)).combine_chunks()
    lost = (pc.sum(lengths).as_py() or 0) - (pc.sum(cut).as_py() or 0)
    trl = PackPlan.of(lengths, length, "bfd", group_size=1000)
    return [
        _of_plan(f"these packs ({choice.strategy})", plan),
        *_padded(cut, lost),
        _of_plan("TRL, packs of groups of 1,000 rows", trl),
        # axolotl drops longer rows.
        _of_plan("axolotl, multipack", PackPlan.of(lengths, length, "multipack", truncation="drop")),
    ]


def _of_plan(name: str, plan: PackPlan) -> WayToBatch:
    it = plan.report()
    rows = it.pieces / it.packs if it.packs else 0.0
    return WayToBatch(name, it.packs, rows, it.efficiency, it.squared_lengths, it.dropped_tokens + it.cut_tokens)


def _padded(lengths: pa.Array, lost: int) -> Iterator[WayToBatch]:
    """The ways that pad: all rows to the longest one, and each batch to its longest row."""
    rows, tokens = len(lengths), pc.sum(lengths).as_py() or 0
    whole = f"batches of {BATCH_ROWS} rows, padded"
    for name, size in (("each row padded to the longest", max(rows, 1)), (whole, BATCH_ROWS)):
        number = pa.array(range(rows), pa.int64())
        batches = pa.table({"batch": pc.divide(number, size), "length": lengths}).group_by("batch")
        widths = batches.aggregate([("length", "max"), ("length", "count")])
        width, count = widths["length_max"], pc.cast(widths["length_count"], pa.int64())
        room = pc.sum(pc.multiply(width, count)).as_py() or 0
        attention = pc.sum(pc.multiply(pc.multiply(width, width), count)).as_py() or 0
        yield WayToBatch(name, rows, 1.0 if rows else 0.0, tokens / room if room else 1.0, attention, lost)


def table_of(ways: Sequence[WayToBatch]) -> str:
    """Return the lines of a table, one for each way.

    Args:
        ways: The figures.

    Example:
        >>> print(table_of([WayToBatch("these packs (bfd)", 1200, 9.5, 0.9987, 1_500_000_000, 0)]))
                           sequences  rows each    full  attention  tokens lost
        these packs (bfd)      1,200        9.5  99.87%      1.0 x            0
    """
    titles = ("", "sequences", "rows each", "full", "attention", "tokens lost")
    first = max(1, ways[0].attention)
    lines = [
        titles,
        *(
            (
                it.name,
                f"{it.sequences:,}",
                f"{it.rows:.1f}",
                f"{100 * it.efficiency:.2f}%",
                f"{it.attention / first:.1f} x",
                f"{it.lost:,}",
            )
            for it in ways
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
