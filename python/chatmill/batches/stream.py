"""`stream_of`: a stream of rows as a stream of tokens, for `Mill.stream`."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chatmill._chatmill import DataError, Mill, RowError
from chatmill.text.failures import place_in_row

if TYPE_CHECKING:
    import pyarrow as pa

# The most bytes, and rows, that are processed at once.
_BYTES, _ROWS = 8 << 20, 1 << 16


def stream_of(mill: Mill, rows: Any, json_column: str | None) -> "pa.RecordBatchReader":
    """Make a stream of tokens. A batch is read and processed when the consumer asks for it.

    Args:
        mill: The mill.
        rows: A stream of Arrow data: a `RecordBatchReader`, anything with `__arrow_c_stream__`, an iterable of record
            batches, or a scanner or dataset of pyarrow.
        json_column: The column that holds whole rows as JSON, or None.

    Returns:
        The tokens, a batch for each batch of at most 8 MiB.

    Raises:
        DataError: It is no stream of Arrow data, or a column is missing.
    """
    import pyarrow as pa

    reader = _reader(rows)
    # An error of the options or of the columns comes now, and not with the first batch.
    empty = mill(pa.RecordBatch.from_arrays([pa.nulls(0, it.type) for it in reader.schema], schema=reader.schema),
                 json_column=json_column)  # fmt: skip
    return pa.RecordBatchReader.from_batches(pa.schema(empty), _tokens(mill, reader, json_column))


def _reader(rows: Any) -> "pa.RecordBatchReader":
    import pyarrow as pa

    if isinstance(rows, pa.RecordBatchReader):
        return rows
    if hasattr(rows, "scanner"):
        rows = rows.scanner()
    if hasattr(rows, "to_reader"):
        return rows.to_reader()
    if hasattr(rows, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(rows)
    if isinstance(rows, Iterable) and not isinstance(rows, str | bytes | dict):
        batches = iter(rows)
        first = next(batches, None)
        if isinstance(first, pa.RecordBatch):
            return pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches))
    raise DataError(
        f"a {type(rows).__name__} is no stream of Arrow data; give a RecordBatchReader, a dataset of pyarrow, "
        "something with `__arrow_c_stream__`, or record batches, of which there is at least one"
    )


def _chained(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _tokens(mill: Mill, reader: "pa.RecordBatchReader", json_column: str | None) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    before = 0
    for batch in reader:
        step = max(1, min(_ROWS, _BYTES * batch.num_rows // max(1, batch.nbytes)))
        for start in range(0, batch.num_rows, step):
            part = batch.slice(start, step)
            try:
                tokens = pa.record_batch(mill(part, json_column=json_column))
            except RowError as error:
                failure = error.failure
                places = ", ".join(filter(None, [f"row {before + (failure.row or 0)}", place_in_row(failure)]))
                raise RowError(f"{places}: {failure.text}") from error
            if "row" in tokens.schema.names and "row" not in mill.options["keep_columns"]:
                # The mill numbers the rows of a batch; the stream numbers all rows.
                place = tokens.schema.get_field_index("row")
                numbers = pa.array((before + row for row in tokens.column(place).to_pylist()), pa.int64())
                tokens = tokens.set_column(place, tokens.schema.field(place), numbers)
            before += part.num_rows
            yield tokens
