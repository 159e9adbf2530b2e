"""`rows_of`: rows in memory that are not Arrow data, as a table for the core."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.text.source_name import shown_name

#: The column of rows that are written as JSON.
_ROW = "row"


def rows_of(data: Any, json_column: str | None = None) -> tuple[pa.Table, str | None] | None:
    """Return rows in memory as a table, with the name of the column that holds whole rows as JSON.

    Rows of dicts are written as JSON, so they are read exactly as lines of a file. A batch of `datasets` is taken as
    the Arrow table that it has.

    Args:
        data: A list of rows, a mapping of columns, or a batch of `datasets`.
        json_column: The column that holds whole rows, if the caller names one.

    Returns:
        The table and the name of the column, or None if the data are none of these.

    Raises:
        DataError: The rows are not dicts, the columns differ in length, or a value cannot be a JSON value.

    Example:
        >>> table, column = rows_of([{"messages": []}])
        >>> table.to_pylist(), column
        ([{'row': '{"messages": []}'}], 'row')
    """
    held = getattr(data, "pa_table", None)  # a batch that `Dataset.map` passes to a function
    if isinstance(held, pa.Table):
        return held, json_column
    if isinstance(data, Mapping):
        if json_column is not None:
            return pa.table({name: _listed(name, column) for name, column in data.items()}), json_column
        return _as_json(rows_of_columns(data))
    if isinstance(data, (list, tuple)):
        return _as_json(data)
    return None


def rows_of_columns(data: Mapping[Any, Any]) -> list[dict[Any, Any]]:
    """Return the rows of columns.

    Args:
        data: The values of each column.

    Raises:
        DataError: The columns differ in length.

    Example:
        >>> rows_of_columns({"a": [1, 2], "b": ["x", "y"]})
        [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    columns = {name: _listed(name, column) for name, column in data.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{shown_name(str(name))} {len(column)}" for name, column in columns.items())
        raise DataError(f"the columns have different numbers of rows ({sizes}); give each one value for each row")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _as_json(rows: Sequence[Any]) -> tuple[pa.Table, str]:
    lines = [line_of(index, row) for index, row in enumerate(rows)]
    return pa.table({_ROW: pa.array(lines, pa.large_string())}), _ROW


def line_of(index: int, row: Any) -> str:
    """Return a row as a line of JSON.

    Args:
        index: Its index, for errors.
        row: A dict; or None, which is `null`, so that the core refuses it as it refuses this line of a file.

    Raises:
        DataError: It is not a dict, or a value cannot be a JSON value.

    Example:
        >>> line_of(0, {"text": "a"})
        '{"text": "a"}'
    """
    if row is None:
        return "null"
    if not isinstance(row, Mapping):
        raise DataError(
            f"row {index} has the type {type(row).__name__}, but rows are dicts; pass rows such as "
            '[{"messages": [{"role": "user", "content": "Hi"}]}]'
        )
    if "role" in row and "messages" not in row:
        raise DataError(
            f"row {index} is a message, so this is one conversation; pass `mill.encode(messages)`, or rows: "
            'mill([{"messages": messages}])'
        )
    try:
        return json.dumps(dict(row), default=_value)
    except (TypeError, ValueError, RecursionError) as cause:
        raise DataError(f"row {index} cannot be read ({cause}); use strings, numbers, lists and dicts") from None


def _value(value: Any) -> Any:
    """Return a value of another library as a value of JSON: mappings, and arrays and numbers of numpy."""
    if isinstance(value, Mapping):
        return dict(value)
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    raise TypeError(f"the type {type(value).__name__} is no type of JSON")


def _listed(name: object, column: Any) -> list[Any]:
    if callable(getattr(column, "to_pylist", None)):
        return list(column.to_pylist())
    if isinstance(column, (str, bytes, Mapping)) or not hasattr(column, "__iter__"):
        raise DataError(
            f"the column {shown_name(str(name))} has the type {type(column).__name__}; give a list with one value for "
            "each row; for one row use `mill.encode`"
        )
    return list(column)
