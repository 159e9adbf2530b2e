"""`read_rows`: the columns of a batch, from rows as dicts, from a dict of columns, or from Arrow data."""

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from chatmill._chatmill import DataError
from chatmill.batches.ragged import FLOATS, INTEGERS, Ragged

# The columns that models read, and the weights of their tokens. All others are left out.
_KINDS = {
    "input_ids": INTEGERS,
    "labels": INTEGERS,
    "attention_mask": INTEGERS,
    "position_ids": INTEGERS,
    "weights": FLOATS,
}
# The columns of packs and of prompts with answers.
_OF_PACKS = ("seq_lengths", "cu_seqlens", "segment_ids", "seq_start_id", "loss_mask")
_OF_ANSWERS = ("prompt_ids", "chosen_ids", "rejected_ids", "completion_ids")


def read_rows(rows: Any) -> dict[str, Ragged]:
    """Read the columns of a batch that models read.

    Args:
        rows: Dicts, one for each row; a dict of columns; or Arrow data, such as a `TokenBatch`.

    Returns:
        `input_ids`, and those of `labels`, `attention_mask`, `position_ids` and `weights` that the rows have.

    Raises:
        DataError: The rows have no `input_ids`, are packs, or cannot be read; or a column differs in length.

    Example:
        >>> read_rows([{"input_ids": [5, 6], "length": 2}])
        {'input_ids': Ragged(values=array('q', [5, 6]), lengths=[2])}
    """
    if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
        columns = _of_arrow(rows)
    elif isinstance(rows, Mapping):
        _check_names(rows)
        columns = {name: Ragged.of(name, rows[name], kind) for name, kind in _KINDS.items() if name in rows}
    elif isinstance(rows, Iterable) and not isinstance(rows, (str, bytes)):
        columns = _of_dicts(list(rows))
    else:
        raise DataError(f"the rows are of type {type(rows).__name__}; give a list of dicts, or a batch of a Mill")
    lengths = columns["input_ids"].lengths
    if not lengths:
        raise DataError("the batch has no rows; give at least one")
    for name, column in columns.items():
        if column.lengths != lengths:
            row = next((at for at, two in enumerate(zip(column.lengths, lengths, strict=False)) if len({*two}) > 1), -1)
            place = f"row {row} of the batch" if row >= 0 else "the batch"
            raise DataError(f"{place}: `{name}` and `input_ids` have different lengths; they must be equal")
    return columns


def _of_dicts(rows: list[Any]) -> dict[str, Ragged]:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number} of the batch is of type {type(row).__name__}; give a dict with `input_ids`")
        _check_names(row, f"row {number} of the batch")
    columns = {}
    for name, kind in _KINDS.items():
        having = sum(name in row for row in rows)
        if having not in (0, len(rows)):
            row = next(at for at, it in enumerate(rows) if name not in it)
            raise DataError(f"row {row} of the batch has no `{name}`, but other rows have one; add it, or remove it")
        if having or not rows:
            columns[name] = Ragged.of(name, [row[name] for row in rows], kind)
    return columns


def _check_names(names: Iterable[str], place: str = "the batch") -> None:
    packs = next((name for name in _OF_PACKS if name in names), None)
    if packs is not None:
        raise DataError(
            f"{place} has a column `{packs}`, so its rows are packs, which padding would spoil; see docs/packing.md "
            "for the collator of packs"
        )
    if "input_ids" not in names:
        answers = next((name for name in _OF_ANSWERS if name in names), None)
        hint = (
            f"it has `{answers}`: use the collator of the trainer for preferences"
            if answers is not None
            else "give rows of `prepare` or of a Mill"
        )
        raise DataError(f"{place} has no `input_ids`; {hint}")


def _of_arrow(rows: Any) -> dict[str, Ragged]:
    import pyarrow as pa

    table = pa.table(rows)
    _check_names(table.column_names)
    return {name: _of_column(name, table, kind) for name, kind in _KINDS.items() if name in table.column_names}


def _of_column(name: str, table: Any, kind: str) -> Ragged:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table[name]
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        reason = table["error"][row].as_py() if "error" in table.column_names else None
        failed = f" ({reason})" if reason else ""
        raise DataError(f"row {row} of the batch: `{name}` is null{failed}; leave out rows that failed")
    values, lengths = array(kind), []
    wanted = pa.int64() if kind == INTEGERS else pa.float32()
    for chunk in column.chunks:
        try:
            flat = pc.list_flatten(chunk)
            lengths.extend(pc.list_value_length(chunk).to_pylist())
            flat = flat.cast(wanted) if len(flat) and pa.types.is_integer(flat.type) == (kind == INTEGERS) else flat
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f"`{name}` cannot be read ({error}); give lists of numbers") from None
        if flat.null_count or (len(flat) and flat.type != wanted):
            raise DataError(f"`{name}` holds {flat.type} or nulls; give lists of numbers")
        if len(flat):
            start, size = flat.offset * wanted.bit_width // 8, len(flat) * wanted.bit_width // 8
            values.frombytes(memoryview(flat.buffers()[1])[start : start + size])
    return Ragged(values, lengths)
