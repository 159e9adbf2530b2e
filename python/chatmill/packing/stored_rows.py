"""`store_rows`: the lists of all rows of a plan, in memory or in a file, so that packs read them in any order."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import PackPlan, PackRows, RowStore

# Rows of more bytes than this are in a file, so that memory is bounded.
_MOST_IN_MEMORY = 192 << 20
_MOST_THREADS = 8
# The bytes of an int32 and of a float32.
_WIDTH = 4


@dataclass(frozen=True)
class RowPart:
    """Rows that one thread reads, such as those of a shard.

    Attributes:
        rows: Their number.
        batches: Reads them.
    """

    rows: int
    batches: Callable[[], Iterable[pa.RecordBatch]]


def store_rows(plan: PackPlan, columns: Sequence[str], parts: Sequence[RowPart], folder: Path) -> PackRows:
    """Read all rows of a plan.

    Args:
        plan: The plan.
        columns: The columns of lists.
        parts: The rows, in parts that are read at the same time.
        folder: The folder for a file of rows that do not fit into memory. It must stay as long as the rows.

    Raises:
        DataError: The rows or their lengths are not those of the plan, or the file cannot be written.
    """
    # Labels take no bytes of their own: each is the id of its token or -100, with rare exceptions.
    width = _WIDTH * sum(name != "labels" for name in columns)
    report = plan.report()
    tokens = report.tokens + report.dropped_tokens + report.cut_tokens
    fits = tokens * width <= _MOST_IN_MEMORY
    store = plan.store(columns, None if fits else folder / "rows")
    rows_before = accumulate((part.rows for part in parts), initial=0)
    with ThreadPoolExecutor(min(max(1, len(parts)), os.cpu_count() or 1, _MOST_THREADS)) as pool:
        running = [pool.submit(_append, store, columns, *it) for it in zip(parts, rows_before, strict=False)]
        try:
            for future in running:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return store.finish()


def _append(store: RowStore, columns: Sequence[str], part: RowPart, row: int) -> None:
    for batch in part.batches():
        lists = [_lists(batch.column(name), name) for name in columns]
        store.append(row, pa.record_batch(lists, columns))
        row += len(batch)


def _lists(lists: pa.Array, name: str) -> pa.Array:
    item = pa.float32() if name == "weights" else pa.int32()
    is_right = isinstance(lists, pa.ListArray) and lists.type.value_type == item
    return lists if is_right else pc.cast(lists, pa.list_(item))
