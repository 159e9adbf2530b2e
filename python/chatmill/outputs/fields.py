"""`wrong_fields`: the values of a manifest that are missing, or have another type than chatmill writes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

#: Whether a value is one that chatmill writes.
Test: TypeAlias = Callable[[Any], bool]
# Larger numbers are no counts, and Arrow cannot compare with them.
_MOST = 1 << 62


def is_count(value: Any) -> bool:
    """Return whether a value is a number of rows, tokens or bytes.

    Args:
        value: A value of JSON.

    Example:
        >>> is_count(3), is_count(-1), is_count(True), is_count(2**70)
        (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def is_text(value: Any) -> bool:
    """Return whether a value is a text.

    Args:
        value: A value of JSON.
    """
    return isinstance(value, str)


def is_object(value: Any) -> bool:
    """Return whether a value is an object.

    Args:
        value: A value of JSON.
    """
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    """Return whether a value is a list.

    Args:
        value: A value of JSON.
    """
    return isinstance(value, list)


def is_sha256(value: Any) -> bool:
    """Return whether a value is a checksum.

    Args:
        value: A value of JSON.
    """
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def is_counts(value: Any) -> bool:
    """Return whether a value is an object of counts.

    Args:
        value: A value of JSON.
    """
    return isinstance(value, dict) and all(map(is_count, value.values()))


def or_none(test: Test) -> Test:
    """Return a test that also takes null.

    Args:
        test: The test of other values.
    """
    return lambda value: value is None or test(value)


def wrong_fields(value: Any, fields: Mapping[str, Test]) -> Iterator[str]:
    """Find the values that are missing or wrong.

    Args:
        value: An object of JSON.
        fields: A test by the path of each value. `*` stands for each item of a list, and `?` at the end of a name for a
            value that may be missing.

    Yields:
        The path of each wrong value.

    Example:
        >>> list(wrong_fields({"files": [{"rows": 1}, {}]}, {"files.*.rows": is_count, "name?": is_text}))
        ['files.1.rows']
    """
    for path, test in fields.items():
        for place, found, is_there in _values(value, path.split("."), ()):
            if not is_there or not test(found):
                yield place


def _values(value: Any, path: list[str], place: tuple[str, ...]) -> Iterator[tuple[str, Any, bool]]:
    """Yield the place of each value at a path, the value, and whether it is there."""
    if not path:
        yield ".".join(place), value, True
        return
    first, *rest = path
    if first == "*":
        # That it is a list is a field of its own.
        for at, item in enumerate(value if isinstance(value, list) else ()):
            yield from _values(item, rest, (*place, str(at)))
        return
    name = first.rstrip("?")
    if isinstance(value, dict) and name in value:
        yield from _values(value[name], rest, (*place, name))
    elif first == name:
        yield ".".join((*place, name)), None, False
