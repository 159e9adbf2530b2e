"""`memory_input`: data in memory as an input of a run: rows, data sets and tables of other libraries."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.inputs.block import Block, LongRow
from chatmill.inputs.columns import WantedColumns, checked_blocks, needed_columns
from chatmill.inputs.faults import reading
from chatmill.inputs.file import InputFile
from chatmill.inputs.lines import JSON_COLUMN, long_row
from chatmill.inputs.memory import line_of, rows_of_columns
from chatmill.inputs.replay import Replay

_BATCH_ROWS = 1000
_NAME = "memory"
# None may be a row.
_END = object()


@dataclass(frozen=True)
class MemoryRows:
    """Rows in memory, which can be read from the beginning again.

    Attributes:
        names: The columns, or None if each row is a dict.
        batches: A function that reads the record batches; used if there are columns.
        rows: The dicts; used if there are no columns.
    """

    names: Sequence[str] | None
    batches: Callable[[], Iterable[pa.RecordBatch]] = tuple
    rows: Iterable[Any] = ()


@dataclass(frozen=True)
class MemoryData:
    """Data in memory among other inputs.

    Attributes:
        data: As for `memory_input`.
    """

    data: Any


def is_data(value: Any) -> bool:
    """Return whether a value is data in memory: a table, a data set, or a mapping of columns.

    Args:
        value: Any value.
    """
    return (
        isinstance(value, Mapping)
        or any(hasattr(value, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__"))
        or _is_dataset(value)
        or isinstance(getattr(value, "pa_table", None), pa.Table)
    )


def memory_input(data: Any) -> InputFile:
    """Make an input of data in memory.

    Args:
        data: A list or an iterator of dicts, a mapping of columns, a data set of `datasets`, a table of pandas or
            polars, or Arrow data.

    Raises:
        DataError: The data are none of these.
    """
    about: dict[str, Any] = {"type": type(data).__name__, "checked": False}
    fingerprint = getattr(data, "_fingerprint", None)
    if isinstance(fingerprint, str):
        about["fingerprint"] = fingerprint
    with _converting(type(data).__name__):
        source = _source(data)
    return InputFile(_NAME, 0, "memory", None, None, None, _NAME, source=source, about=about)


def read_memory(file: InputFile, wanted: WantedColumns, block_bytes: int, max_row_bytes: int) -> Iterator[Block]:
    """Read data in memory as blocks.

    Args:
        file: The input, from `memory_input`.
        wanted: The columns to read and to keep.
        block_bytes: Approximate size of a block, in bytes.
        max_row_bytes: The size of the largest row that is processed.

    Yields:
        Blocks of rows.

    Raises:
        DataError: A column is missing, or a row is not a dict.
    """
    source: MemoryRows = file.source
    if source.names is None:
        yield from _json_blocks(file, source.rows, block_bytes, max_row_bytes)
        return
    columns = needed_columns(file, source.names, *wanted)
    batches = (batch.select(columns) for batch in source.batches() if batch.num_rows)
    limits = (block_bytes, max_row_bytes)
    yield from checked_blocks(file, batches, limits, lambda _row, _index: 0, lambda row, _: f"row {row} or later")


def _json_blocks(file: InputFile, rows: Iterable[Any], block_bytes: int, max_row_bytes: int) -> Iterator[Block]:
    """Write rows as lines of JSON, so that they are read exactly as lines of a file."""
    texts: list[bytes | None] = []
    long_rows: dict[int, LongRow] = {}
    first = size = 0
    iterator = iter(rows)
    while True:
        with reading(file, lambda: f"row {first + len(texts)}"):  # noqa: B023  # it is called before the loop goes on
            row = next(iterator, _END)
        with reading(file):
            text = None if row is _END else line_of(first + len(texts), row).encode()
        if size >= block_bytes or (text is None and texts):
            batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.large_binary())], names=[JSON_COLUMN])
            yield Block(batch, JSON_COLUMN, file, first, None, 0, long_rows)
            first, texts, long_rows, size = first + len(texts), [], {}, 0
        if text is None:
            return
        if len(text) > max_row_bytes:
            long_rows[len(texts)] = long_row(text, len(text), max_row_bytes, what="row")
        texts.append(None if len(text) > max_row_bytes else text)
        size += len(text)


def _source(data: Any) -> MemoryRows:
    if _is_dataset(data):
        return _of_dataset(data)
    table = _table_of(data)
    if table is not None:
        return MemoryRows(table.schema.names, batches=table.to_batches)
    if hasattr(data, "__arrow_c_stream__"):
        # The other library may give its rows only once.
        is_reader = isinstance(data, pa.RecordBatchReader)
        return _of_reader(data if is_reader else pa.RecordBatchReader.from_stream(data))
    if isinstance(data, Mapping):
        splits = [str(name) for name, inner in data.items() if _is_dataset(inner)]
        if splits:
            raise DataError(
                f"the data have the splits {', '.join(splits)}; give one of them, such as data[{splits[0]!r}]"
            )
        return MemoryRows(None, rows=rows_of_columns(data))
    is_list = isinstance(data, Sequence)
    return MemoryRows(None, rows=data if is_list else Replay(iter(data), lambda row: len(repr(row)), _NAME))


def _table_of(data: Any) -> pa.Table | None:
    """Return data as a table, if they are one already or must be converted as a whole."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(getattr(data, "pa_table", None), pa.Table):  # a batch that `Dataset.map` passes to a function
        table: pa.Table = data.pa_table
        return table
    if hasattr(data, "__arrow_c_array__") and not hasattr(data, "__arrow_c_stream__"):
        return pa.Table.from_batches([pa.record_batch(data)])
    if type(data).__module__.split(".")[0] == "pandas":
        return pa.Table.from_pandas(data, preserve_index=False)
    return None


def _of_reader(reader: pa.RecordBatchReader) -> MemoryRows:
    batches: Replay[pa.RecordBatch] = Replay(iter(reader), lambda batch: int(batch.nbytes), _NAME)
    return MemoryRows(reader.schema.names, batches=lambda: batches)


def _of_dataset(data: Any) -> MemoryRows:
    """Read a data set of `datasets`; rows of a stream without known columns are dicts."""
    names = data.column_names
    if names is None or getattr(data, "features", None) is None:
        return MemoryRows(None, rows=data)

    def batches() -> Iterator[pa.RecordBatch]:
        for table in data.with_format("arrow").iter(batch_size=_BATCH_ROWS):
            yield from table.to_batches()

    return MemoryRows(names, batches=batches)


def _is_dataset(value: Any) -> bool:
    """Return whether a value is a `Dataset` or an `IterableDataset`, without importing their library."""
    if isinstance(value, Mapping):  # several splits
        return False
    return type(value).__module__.split(".")[0] == "datasets" and hasattr(value, "with_format")


def data_entries(inputs: Iterable[Any]) -> list[Any]:
    """Return the entries of a list of inputs; a list or an iterator of dicts is one entry.

    Args:
        inputs: Rows, or paths and data in memory.
    """
    iterator = iter(inputs)
    for first in iterator:
        whole = chain([first], iterator)
        if isinstance(first, Mapping):
            return [MemoryData(inputs if isinstance(inputs, Sequence) else whole)]
        return [MemoryData(entry) if is_data(entry) else entry for entry in whole]
    return []


@contextmanager
def _converting(name: str) -> Iterator[None]:
    """Turn errors of other libraries into a `DataError` with the type of the data."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # each library has errors of its own
        raise DataError(
            f"cannot read the {name} ({error}); if its rows hold values of different types, give a list of dicts"
        ) from error
