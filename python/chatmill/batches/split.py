"""`split_between`: the rows of one of several processes."""

from collections.abc import Mapping
from typing import Any

from chatmill._chatmill import DataError


def split_between(rows: Any, rank: int, world: int, pad_last: bool = False) -> Any:
    """Return the part of rows that one process works on, as `split_between_processes` of accelerate does.

    All parts have the same length, or the first ones have one row more than the others. The parts one after the other
    are all rows.

    Args:
        rows: A list or a tuple of rows or of batches; a dict of columns; an array or a tensor; a `datasets.Dataset`; or
            Arrow data, such as a `TokenBatch`.
        rank: The number of the process, from 0.
        world: The number of processes.
        pad_last: Whether shorter parts repeat the last of all rows until all parts have the same length, as
            collective operations require. Leave out what is repeated when results are gathered.

    Returns:
        The part, as an object of the same type; of Arrow data a table of pyarrow.

    Raises:
        DataError: There is no such process, the columns of a dict differ in length, or the rows cannot be divided.

    Example:
        >>> [split_between(["a", "b", "c"], rank, 2) for rank in range(2)]
        [['a', 'b'], ['c']]
        >>> split_between({"prompt": ["a", "b", "c"]}, 1, 2, pad_last=True)
        {'prompt': ['c', 'c']}
    """
    for name, value in (("rank", rank), ("world", world)):
        if not isinstance(value, int):
            raise DataError(f"`{name}` is {value!r}; give a whole number")
    if world < 1 or not 0 <= rank < world:
        raise DataError(f"there is no process {rank} of {world}; `rank` is from 0 to `world` - 1")
    # A table of pyarrow has a method `select` too, but no features.
    if hasattr(rows, "select") and hasattr(rows, "features"):
        return rows.select(_indices(len(rows), rank, world, pad_last))
    if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
        import pyarrow as pa

        table = pa.table(rows)
        return table.take(pa.array(_indices(table.num_rows, rank, world, pad_last), pa.int64()))
    if isinstance(rows, Mapping):
        lengths = {name: len(column) for name, column in rows.items() if not isinstance(column, Mapping)}
        if len({*lengths.values()}) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise DataError(f"the columns differ in length: {told}; give columns of the same rows")
        return {name: split_between(column, rank, world, pad_last) for name, column in rows.items()}
    if isinstance(rows, (list, tuple)):
        part = [rows[index] for index in _indices(len(rows), rank, world, pad_last)]
        return part if isinstance(rows, list) else tuple(part)
    if getattr(rows, "ndim", 0) >= 1:
        return rows[_indices(len(rows), rank, world, pad_last)]
    raise DataError(
        f"rows of type {type(rows).__name__} cannot be divided; give a list, a dict of columns or Arrow data"
    )


def _indices(length: int, rank: int, world: int, pad_last: bool) -> list[int]:
    each, more = divmod(length, world)
    start = rank * each + min(rank, more)
    indices = list(range(start, start + each + (rank < more)))
    if pad_last and length:
        indices += [length - 1] * (each + (more > 0) - len(indices))
    return indices
