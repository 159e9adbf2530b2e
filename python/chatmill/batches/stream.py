"""`stream_of`: a stream of rows as a stream of tokens, for `Mill.stream`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from chatmill._chatmill import ChatmillError, DataError, Mill, RowError, RowFailure
from chatmill.text.failures import place_in_row

if TYPE_CHECKING:
    import pyarrow as pa

# About how many bytes of tokens are made at once, and the first and the largest number of rows. The rows are in memory
# already; what grows is the output. The size of the rows would not tell it: templates add text, rows are padded, and
# pyarrow counts a slice of views or of a dictionary with all their texts.
_BYTES, _FIRST_ROWS, _MOST_ROWS = 16 << 20, 64, 1 << 14
# From one part to the next, because later rows may be longer.
_GROWTH = 4
# What a scan of a dataset reads at once and ahead. pyarrow's own numbers, 131,072 and 16, may be gigabytes of text.
_SCAN_ROWS, _SCAN_AHEAD = 8192, 2


def stream_of(mill: Mill, rows: Any, json_column: str | None) -> "pa.RecordBatchReader":
    """Make a stream of tokens. A batch is read and processed when the consumer asks for it.

    Args:
        mill: The mill.
        rows: A stream of Arrow data: a `RecordBatchReader`, anything with `__arrow_c_stream__`, a dataset or scanner of
            pyarrow, or an iterable of record batches or tables.
        json_column: The column that holds whole rows as JSON, or None.

    Returns:
        The tokens. Large batches are cut, so that a batch has about 16 MiB of tokens.

    Raises:
        DataError: It is not a stream of Arrow data, or a column is missing.
    """
    import pyarrow as pa

    columns, batches = _opened(rows)
    # An error of the options or of the columns comes now, and not with the first batch.
    nothing = pa.RecordBatch.from_arrays([pa.nulls(0, it.type) for it in columns], schema=columns)
    schema = pa.schema(mill(nothing, json_column=json_column))
    return pa.RecordBatchReader.from_batches(schema, _tokens(mill, batches, json_column, schema))


@dataclass(frozen=True)
class _Failure:
    """A `RowFailure` with the number of the row in the stream; only the core can make a `RowFailure`."""

    row: int
    message: int | None
    template_line: int | None
    code: str
    text: str


def _opened(rows: Any) -> "tuple[pa.Schema, Iterable[pa.RecordBatch]]":
    """Return the columns and the batches of a stream."""
    import pyarrow as pa

    if isinstance(rows, pa.RecordBatchReader):
        return rows.schema, rows
    # Before all other names: a table of pandas has its columns as attributes, whatever their names.
    if hasattr(rows, "__arrow_c_stream__"):
        try:
            reader = pa.RecordBatchReader.from_stream(rows)
        except pa.ArrowInvalid as error:
            raise DataError(f"the {type(rows).__name__} is not a stream of rows ({error}); give a table") from error
        return reader.schema, reader
    if hasattr(rows, "scanner"):
        rows = rows.scanner(batch_size=_SCAN_ROWS, batch_readahead=_SCAN_AHEAD)
    if hasattr(rows, "to_reader"):
        reader = rows.to_reader()
        return reader.schema, reader
    if isinstance(rows, Iterable) and not isinstance(rows, str | bytes | dict):
        items = iter(rows)
        first = next(items, None)
        if isinstance(first, pa.RecordBatch | pa.Table):
            return first.schema, _batches(chain([first], items))
    raise DataError(
        f"a {type(rows).__name__} is not a stream of Arrow data; give a RecordBatchReader, a dataset of pyarrow, "
        "something with `__arrow_c_stream__`, or at least one record batch. Rows of dicts: call the mill, or "
        "`pa.Table.from_pylist(rows)`. A dataset of `datasets`: `dataset.with_format('arrow').iter(1000)`"
    )


def _batches(items: Iterable[Any]) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    for index, item in enumerate(items):
        if isinstance(item, pa.Table):
            yield from item.to_batches()
        elif isinstance(item, pa.RecordBatch):
            yield item
        else:
            raise DataError(f"item {index} of the stream has the type {type(item).__name__}; give record batches")


def _tokens(
    mill: Mill, batches: "Iterable[pa.RecordBatch]", json_column: str | None, schema: "pa.Schema"
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = mill.options["keep_columns"]
    # The mill numbers the rows of a batch; the stream numbers all rows. A label of answers may have this name too.
    place = schema.get_field_index("row")
    numbered = place >= 0 and "row" not in kept and schema.field(place).type == pa.int64()
    made = [at for at, name in enumerate(schema.names) if name not in kept]
    before, step = 0, _FIRST_ROWS
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, step)
            try:
                tokens = pa.record_batch(mill(part, json_column=json_column))
            except RowError as error:
                raise _numbered(error, before) from None
            except ChatmillError as error:
                raise _placed(error, before, part.num_rows) from None
            if tokens.schema != schema:
                raise DataError(_other_types(tokens.schema, schema, before))
            if numbered:
                rows = pc.add(tokens.column(place), pa.scalar(before, pa.int64()))
                tokens = tokens.set_column(place, schema.field(place), rows)
            start, before = start + part.num_rows, before + part.num_rows
            row_bytes = sum(tokens.column(at).nbytes for at in made) // part.num_rows
            step = min(_BYTES // max(1, row_bytes), _GROWTH * step, _MOST_ROWS) or 1
            # Rows may become no sample at all. Consumers may take an empty batch for the end.
            if tokens.num_rows:
                yield tokens
            del tokens, part


def _numbered(error: RowError, before: int) -> RowError:
    """Return an error with the number of its row in the stream."""
    it = error.failure
    failure = _Failure(before + it.row, it.message, it.template_line, it.code, it.text)
    error.args = (f"{', '.join(filter(None, [f'row {failure.row}', place_in_row(failure)]))}: {failure.text}",)
    error.failure = cast(RowFailure, failure)
    return error


def _placed(error: ChatmillError, before: int, rows: int) -> ChatmillError:
    """Return an error of a part with its place in the stream."""
    place = f"row {before}" if rows == 1 else f"rows {before} to {before + rows - 1}"
    error.args = (f"{place} of the stream: {error}",)
    return error


def _other_types(found: "pa.Schema", expected: "pa.Schema", before: int) -> str:
    pairs = zip(found, expected, strict=True)
    names = ", ".join(f"`{it.name}` is {it.type} and was {was.type}" for it, was in pairs if it != was)
    place = f"row {before} of the stream or later"
    return f"{place}: the type of a kept column changes ({names}); cast the batches to one type"
