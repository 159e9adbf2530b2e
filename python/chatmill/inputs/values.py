"""`plain_row`: a row of an Arrow batch as values that JSON can hold, whatever the row contains; `without_views`."""

import math
from typing import Any

import pyarrow as pa

_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def plain_row(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    r"""Return a row as values that JSON can hold. It never fails because of what the row contains.

    Bytes that are not UTF-8 are written as escapes such as `\xff`. Types that JSON lacks, such as dates and decimals,
    become text, and so do numbers such as NaN.

    Args:
        batch: The batch.
        row: Index of the row.

    Example:
        >>> plain_row(pa.record_batch({"a": [b"\xff!"], "b": [[float("nan"), 1.5]]}), 0)
        {'a': '\\xff!', 'b': ['NaN', 1.5]}
    """
    return {name: _plain(batch.column(at)[row]) for at, name in enumerate(batch.schema.names)}


def without_views(kind: pa.DataType) -> pa.DataType:
    """Return a type in which strings and bytes are no views.

    Args:
        kind: The type of a column.

    Example:
        >>> without_views(pa.list_(pa.string_view()))
        ListType(list<item: large_string>)
    """
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return pa.large_string() if pa.types.is_string_view(kind) else pa.large_binary()
    if pa.types.is_struct(kind):
        return pa.struct(
            [kind.field(at).with_type(without_views(kind.field(at).type)) for at in range(kind.num_fields)]
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_field.with_type(without_views(kind.value_type))
        return pa.list_(inner) if pa.types.is_list(kind) else pa.large_list(inner)
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, without_views(kind.value_type), kind.ordered)
    return kind


def check_names(kind: pa.DataType) -> None:
    """Read the names of all fields of structs. In a damaged file they may not be UTF-8.

    Args:
        kind: The type of a column.

    Raises:
        UnicodeDecodeError: A name is not UTF-8.
    """
    if pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            kind.field(at).name  # noqa: B018  # reading it decodes it
            check_names(kind.field(at).type)
    elif pa.types.is_map(kind):
        check_names(kind.key_type)
        check_names(kind.item_type)
    elif any(is_list(kind) for is_list in _LISTS) or pa.types.is_dictionary(kind):
        check_names(kind.value_type)


def _plain(value: Any) -> Any:  # noqa: PLR0911  # one for each kind of type
    """Return an Arrow scalar as a value that JSON can hold."""
    if not value.is_valid:
        return None
    kind = value.type
    if any(is_text(kind) for is_text in _TEXTS):
        return value.as_buffer().to_pybytes().decode("utf-8", errors="backslashreplace")
    if any(is_list(kind) for is_list in _LISTS):
        return [_plain(item) for item in value.values]
    if pa.types.is_struct(kind):
        return _object([(kind.field(at).name, _plain(value[at])) for at in range(kind.num_fields)])
    if pa.types.is_map(kind):
        entries = value.values
        return _object([(_plain(key), _plain(item)) for key, item in zip(entries.field(0), entries.field(1))])  # noqa: B905
    if pa.types.is_dictionary(kind):
        return _plain(value.dictionary[value.index.as_py()])
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(value.value)
    return _single(value)


def _object(entries: list[tuple[Any, Any]]) -> Any:
    """Return an object; a list of pairs if the keys are no names, or one of them occurs twice."""
    found = {key: item for key, item in entries if isinstance(key, str)}
    return found if len(found) == len(entries) else [list(entry) for entry in entries]


def _single(value: Any) -> Any:
    try:
        found = value.as_py()
    except Exception:  # noqa: BLE001  # Python's dates are narrower than Arrow's; which error tells that depends on the type
        found = _as_text(value)
    if isinstance(found, float) and not math.isfinite(found):
        return "NaN" if math.isnan(found) else f"{'-' if found < 0 else ''}Infinity"
    if found is None or isinstance(found, (bool, int, float, str)):
        return found
    return str(found)


def _as_text(value: Any) -> str:
    """Return the number that stands for a value, with its type: Arrow's own text of a distant year is wrong."""
    return f"{value.value} ({value.type})" if hasattr(value, "value") else f"({value.type})"
