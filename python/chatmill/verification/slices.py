"""`SliceDigests`: whether the tokens of packs are those of the rows that were packed."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.verification.faults import Faults
from chatmill.verification.packs import Sequences
from chatmill.verification.shards import lists_of

_BYTES = 16
_MASKED = MASKED.to_bytes(4, "little", signed=True)
_NO_WEIGHT = b"\0" * 4
# The columns that are compared, with the bytes of a value. A `loss_mask` stands for labels where there are none.
_COLUMNS = {"input_ids": 4, "labels": 4, "weights": 4, "loss_mask": 1}


class SliceDigests:
    """A digest of the tokens of each slice, in the order of the plan: 16 bytes each.

    Rows are read in their order, and packs in theirs; digests bring them together without a copy of the rows.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._digests = bytearray()

    def add(self, packs: pa.RecordBatch, sequences: Sequences) -> None:
        """Add the slices of some packs.

        Args:
            packs: The packs.
            sequences: Their sequences.
        """
        names = [name for name in _COLUMNS if name in packs.schema.names]
        self._names = [name for name in names if name != "loss_mask" or "labels" not in names]
        views = [(_view(lists_of(packs, name)[1], _COLUMNS[name]), _COLUMNS[name]) for name in self._names]
        start = 0
        widths = [width for lengths in sequences.of_packs for width in lengths]
        for width, tokens in zip(widths, sequences.tokens, strict=True):
            if tokens:
                digest = hashlib.blake2b(digest_size=_BYTES)
                for view, size in views:
                    digest.update(view[start * size : (start + tokens) * size])
                self._digests += digest.digest()
            start += width

    def compare(
        self, plan: pa.Table, batches: Iterable[tuple[str, int, pa.RecordBatch]], where: str, faults: Faults
    ) -> pa.Array:
        """Compare with the rows.

        Args:
            plan: The plan of the slices.
            batches: The rows in their order, with their file and the number of the first row in it.
            where: The file of the plan.
            faults: Takes the faults.

        Returns:
            The length of each row, int64.
        """
        order = pc.sort_indices(plan, sort_keys=[("row", "ascending"), ("start", "ascending")])
        sorted_plan = plan.select(["pack", "row", "start", "stop"]).take(order)
        at, first_row, lengths_of_rows = 0, 0, []
        rows = sorted_plan["row"].combine_chunks()
        has_all = len(self._digests) == _BYTES * plan.num_rows
        for file, row_in_file, batch in batches:
            lengths, _ = lists_of(batch, "input_ids")
            lengths_of_rows.append(pc.cast(lengths, pa.int64()))
            end = first_row + batch.num_rows
            count = bisect_left(range(len(rows)), end, lo=at, key=lambda index: rows[index].as_py()) - at
            if has_all and count:
                part = sorted_plan.slice(at, count).to_pydict()
                numbers = order[at : at + count].to_pylist()
                self._compare(batch, part, numbers, (file, row_in_file, first_row), where, faults)
            at += count
            first_row = end
        return pa.concat_arrays(lengths_of_rows) if lengths_of_rows else pa.array([], pa.int64())

    def _compare(
        self,
        batch: pa.RecordBatch,
        part: dict[str, list[int]],
        numbers: list[int],
        place: tuple[str, int, int],
        where: str,
        faults: Faults,
    ) -> None:
        file, row_in_file, first_row = place
        lengths = pc.list_value_length(batch.column("input_ids")).to_pylist()
        starts = [0]
        for length in lengths:
            starts.append(starts[-1] + length)
        views = {name: _view(_values(batch, name), size) for name, size in _COLUMNS.items() if name in self._names}
        for pack, row, start, stop, number in zip(
            part["pack"], part["row"], part["start"], part["stop"], numbers, strict=True
        ):
            first, last = starts[row - first_row] + start, starts[row - first_row] + stop
            digest = hashlib.blake2b(digest_size=_BYTES)
            for name, view in views.items():
                for piece in _piece(name, view, first, last):
                    digest.update(piece)
            if digest.digest() != self._digests[_BYTES * number : _BYTES * (number + 1)]:
                faults.add(
                    "tokens",
                    f"{where}, pack {pack}",
                    f"it has other tokens than tokens {start} to {stop} of {file}, row {row_in_file + row - first_row}",
                )


def _values(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name == "loss_mask":
        return pc.cast(pc.not_equal(lists_of(batch, "labels")[1], MASKED), pa.int8())
    return lists_of(batch, name)[1]


def _piece(name: str, view: memoryview, first: int, last: int) -> list[bytes | memoryview]:
    """Return the bytes that packs have for tokens of a row."""
    size = _COLUMNS[name]
    if name == "labels":
        return [_MASKED, view[(first + 1) * size : last * size]]
    if name == "weights":
        return [_NO_WEIGHT, view[(first + 1) * size : last * size]]
    if name == "loss_mask":
        return [view[first + 1 : last], b"\0"]
    return [view[first * size : last * size]]


def _view(values: pa.Array, size: int) -> memoryview:
    """Return the bytes of values without nulls."""
    buffer = values.buffers()[1]
    if buffer is None:
        return memoryview(b"")
    return memoryview(buffer)[values.offset * size : (values.offset + len(values)) * size].cast("B")
