"""`check_plan`: whether a plan of packs has each row once, within the room of packs, with the figures of its report."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.verification.faults import Faults
from chatmill.verification.places import first_true
from chatmill.verification.reporter import Reporter

#: The columns of a plan.
COLUMNS = {
    "pack": pa.int64(),
    "row": pa.int64(),
    "start": pa.int32(),
    "stop": pa.int32(),
    "shard": pa.int32(),
    "shard_row": pa.int64(),
}
# The most rows of a pack of axolotl's strategy.
_MULTIPACK_ROWS = 200


class PlanChecks:
    """The checks of a plan. They hold about 150 bytes for each slice of a row.

    Args:
        table: The plan.
        about: What made it: options, and the report of each split.
        split: Its split.
        file: Its file.
        faults: Takes the faults.
    """

    def __init__(self, table: pa.Table, about: Mapping[str, Any], split: str, file: str, faults: Faults) -> None:
        self._about, self._figures = about, about["report"][split]
        self._file, self._faults = file, faults
        self._report = Reporter(faults, file, 0, "slice")
        self._column = {name: pc.cast(table[name].combine_chunks(), pa.int64()) for name in COLUMNS}
        self._lengths = pc.subtract(self._column["stop"], self._column["start"])
        self._is_split = about["truncation"] == "split" or about["strategy"] in ("bfd_split", "wrapped")

    def run(self) -> bool:
        """Check the plan alone, and return whether packs and rows can be compared with it."""
        pack, row, start = (self._column[name] for name in ("pack", "row", "start"))
        wrong = pc.or_(pc.less(start, 0), pc.less_equal(self._lengths, 0))
        is_right = self._report.rows("plan_slice", "the slice has no tokens", wrong)
        wrong = pc.or_(pc.less(row, 0), pc.greater_equal(row, self._figures["rows"]))
        is_right &= self._report.rows("plan_row", f"there are only {self._figures['rows']:,} rows", wrong)
        wrong = pc.or_(pc.less(pack, 0), pc.greater_equal(pack, self._figures["packs"]))
        is_right &= self._report.rows("plan_pack", f"there are only {self._figures['packs']:,} packs", wrong)
        is_right &= self._report.rows("plan_order", "the pack comes after a later one", _falls(pack))
        if not is_right:
            return False
        self._check_packs()
        self._check_rows()
        self._check_shards()
        return True

    def _check_packs(self) -> None:
        options, figures = self._about, self._figures
        align, shifted = options["align"], int(options["shifted"])
        counted = pc.max_element_wise(pc.subtract(self._lengths, shifted), 0)
        room = pc.multiply(pc.divide(pc.add(counted, align - 1), align), align)
        grouped = pa.table({"pack": self._column["pack"], "room": room}).group_by("pack", use_threads=False)
        packs = grouped.aggregate([("room", "sum"), ("room", "count")])
        self._packs(
            "plan_room",
            f"the rows need more than {options['max_length']:,} tokens",
            packs,
            pc.greater(packs["room_sum"], options["max_length"]),
        )
        most = options["max_rows"] or (_MULTIPACK_ROWS if options["strategy"] == "multipack" else None)
        if most is not None:
            self._packs("plan_rows", f"it has more than {most:,} rows", packs, pc.greater(packs["room_count"], most))
        tokens = pc.sum(self._lengths).as_py() or 0
        room_of_packs = figures["packs"] * options["max_length"]
        found = {
            "tokens": tokens,
            "pieces": len(self._lengths),
            "most_rows": pc.max(packs["room_count"]).as_py() or 0,
            "empty_packs": figures["packs"] - packs.num_rows,
            "room": room_of_packs,
            "squared_lengths": _sum_of_squares(self._lengths),
        }
        for name, value in found.items():
            if figures[name] != value:
                self._figure(name, value)
        efficiency = tokens / room_of_packs if room_of_packs else 1.0
        if abs(figures.get("efficiency", -1) - efficiency) > 1e-9:
            self._figure("efficiency", efficiency)
        if figures["packs"] % max(1, options["multiple_of"]):
            self._faults.add(
                "plan_multiple", self._file, f"{figures['packs']:,} packs are no multiple of {options['multiple_of']:,}"
            )

    def _check_rows(self) -> None:
        """Check that each row is there once: whole, or cut as the options say."""
        figures = self._figures
        order = pc.sort_indices(
            pa.table({name: self._column[name] for name in ("row", "start")}),
            sort_keys=[("row", "ascending"), ("start", "ascending")],
        )
        row, start, stop = (pc.take(self._column[name], order) for name in ("row", "start", "stop"))
        is_same = pc.equal(row[1:], row[:-1])
        is_twice = pc.and_(is_same, pc.less(start[1:], stop[:-1]))
        self._slices("plan_twice", "tokens of this row are in packs twice", order, is_twice, 1)
        is_split = self._is_split
        drops = self._about["remainder"] == "drop" and self._about["multiple_of"] > 1
        is_gap = pc.and_(is_same, pc.greater(start[1:], stop[:-1]))
        if not is_split:
            self._slices("plan_twice", "parts of this row are in several packs", order, is_same, 1)
        elif not drops:
            self._slices("plan_gap", "tokens of this row are in no pack", order, is_gap, 1)
        is_first = pc.invert(pa.concat_arrays([pa.array([False] * min(1, len(row)), pa.bool_()), is_same]))
        begins = self._about["truncation"] != "keep_end" and not (is_split and drops)
        if begins:
            wrong = pc.and_(is_first, pc.greater(start, 0))
            self._slices("plan_gap", "the first tokens of this row are in no pack", order, wrong, 0)
        rows_there = pc.sum(is_first).as_py() or 0
        missing = figures["rows"] - rows_there
        expected = figures["dropped_rows"] + figures["empty_rows"]
        if missing > expected or (missing < expected and not (is_split and drops)):
            self._faults.add(
                "plan_rows_there",
                self._file,
                f"{missing:,} of {figures['rows']:,} rows are in no pack, but its report counts {expected:,}",
            )

    def check_lengths(self, row_lengths: pa.Array) -> None:
        """Check against the lengths of the rows that no token is lost, besides those that the report counts.

        Args:
            row_lengths: The number of tokens of each row, int64.
        """
        figures, options = self._figures, self._about
        if len(row_lengths) != figures["rows"]:
            problem = f"it is a plan of {figures['rows']:,} rows, but there are {len(row_lengths):,}"
            self._faults.add("plan_tokens", self._file, problem)
            return
        length = pc.take(row_lengths, self._column["row"])
        wrong = pc.greater(self._column["stop"], length)
        self._report.rows("plan_tokens", "this row is shorter than its slice", wrong)
        empty = pc.sum(pc.equal(row_lengths, 0)).as_py() or 0
        if empty != figures["empty_rows"]:
            self._figure("empty_rows", empty)
        tokens = pc.sum(row_lengths).as_py() or 0
        known = figures["tokens"] + figures["cut_tokens"] + figures["dropped_tokens"]
        if tokens != known:
            problem = f"the rows have {tokens:,} tokens, but its report accounts for {known:,}"
            self._faults.add("plan_tokens", self._file, problem)
        if options["truncation"] in ("keep_start", "keep_end") and not self._is_split:
            is_cut = pc.less(self._lengths, pc.min_element_wise(length, self._longest()))
            self._report.rows("plan_cut", "the row lost more tokens than the length of a pack makes necessary", is_cut)

    def _longest(self) -> int:
        align = max(1, self._about["align"])
        return int(self._about["max_length"] // align * align + int(self._about["shifted"]))

    def _check_shards(self) -> None:
        """Check that `shard` and `shard_row` are one numbering of the rows."""
        row, shard, shard_row = (self._column[name] for name in ("row", "shard", "shard_row"))
        first = pa.table({"shard": shard, "first": pc.subtract(row, shard_row)}).group_by("shard", use_threads=False)
        starts = first.aggregate([("first", "min"), ("first", "max")]).sort_by("shard")
        low, high = starts["first_min"].combine_chunks(), starts["first_max"].combine_chunks()
        is_wrong = first_true(pc.not_equal(low, high)) is not None or first_true(_falls(low)) is not None
        numbers = starts["shard"].to_pylist()
        is_wrong |= any(not 0 <= number < len(self._about["tokens"]["shards"]) for number in numbers)
        is_wrong |= bool(numbers) and numbers[0] == 0 and low[0].as_py() != 0
        is_wrong |= first_true(pc.less(shard_row, 0)) is not None
        if is_wrong:
            self._faults.add("plan_shards", self._file, "shard and shard_row do not number the rows of the shards")

    def _figure(self, name: str, value: float) -> None:
        self._faults.add(
            "plan_figures", self._file, f"the report says {name} {self._figures.get(name)}, but it is {value}"
        )

    def _packs(self, kind: str, problem: str, packs: pa.Table, wrong: pa.ChunkedArray) -> None:
        found = packs["pack"].filter(wrong)
        if len(found):
            self._faults.add(kind, f"{self._file}, pack {found[0]}", problem, count=len(found))

    def _slices(self, kind: str, problem: str, order: pa.Array, wrong: pa.Array, shift: int) -> None:
        """Add a fault for slices in the order of their rows, of which the first `shift` have no mark."""
        first = first_true(wrong)
        if first is not None:
            at = order[first + shift].as_py()
            row = self._column["row"][at]
            self._faults.add(kind, f"{self._file}, slice {at} (row {row})", problem, count=int(pc.sum(wrong).as_py()))


def _falls(values: pa.Array) -> pa.Array:
    """Return for each value whether it is below the one before it."""
    falls = pc.less(values[1:], values[:-1])
    return pa.concat_arrays([pa.array([False] * min(1, len(values)), pa.bool_()), falls])


def _sum_of_squares(values: pa.Array) -> int:
    """Return the sum of the squares of lengths, of which a thousand fit into 64 bits."""
    squares = pc.multiply(values, values)
    return sum(pc.sum(squares.slice(start, 1000)).as_py() for start in range(0, len(squares), 1000))
