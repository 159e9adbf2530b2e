"""`Fields`: the fields of an object from JSON that may be hostile, each with its place for errors."""

import math
from collections.abc import Iterator
from typing import Any

_MISSING = object()
_NAMES = {
    type(_MISSING): "missing",
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    type(None): "null",
}


class Fields:
    """The fields of one object; every method checks the value that it returns."""

    def __init__(self, value: Any, place: str, known: tuple[str, ...]) -> None:
        """Check that a value is an object with known fields only.

        Args:
            value: The value.
            place: Its place in the whole value, such as `regions[0]`; empty for the whole value.
            known: The names of the fields.

        Raises:
            ValueError: It is not an object, or it has another field.
        """
        self._place = place
        if not isinstance(value, dict):
            raise _wrong(place or "the row", value, "an object")
        for name in value:
            if name not in known:
                raise ValueError(f"{place or 'the row'} has an unknown field; the fields are {', '.join(known)}")
        self._value = value

    def text(self, name: str) -> str:
        """Return a text.

        Args:
            name: The name of the field.

        Raises:
            ValueError: It is missing, or of another type.
        """
        return _text(self._value.get(name, _MISSING), self._at(name))

    def optional_text(self, name: str) -> str | None:
        """Return a text; None if it is missing.

        Args:
            name: The name of the field.

        Raises:
            ValueError: It is of another type.
        """
        return self.text(name) if name in self._value else None

    def count(self, name: str, most: int) -> int:
        """Return a whole number from 0.

        Args:
            name: The name of the field.
            most: The largest number.

        Raises:
            ValueError: It is missing, or another value.
        """
        return _count(self._value.get(name, _MISSING), self._at(name), most)

    def optional_count(self, name: str, most: int) -> int | None:
        """Return a whole number from 0; None if it is missing.

        Args:
            name: The name of the field.
            most: The largest number.

        Raises:
            ValueError: It is another value.
        """
        return self.count(name, most) if name in self._value else None

    def optional_weight(self, name: str) -> float | None:
        """Return a number that is not negative; None if it is missing.

        Args:
            name: The name of the field.

        Raises:
            ValueError: It is another value.
        """
        if name not in self._value:
            return None
        value, wanted = self._value[name], "a number that is not negative"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(self._at(name), value, wanted)
        try:
            weight = float(value)
        except OverflowError:
            raise _wrong(self._at(name), math.inf, wanted) from None
        if not (math.isfinite(weight) and weight >= 0):
            raise _wrong(self._at(name), weight, wanted)
        return weight

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; an empty one if it is missing.

        Args:
            name: The name of the field.

        Raises:
            ValueError: It is another value.
        """
        return tuple(_text(value, place) for value, place in self.items(name))

    def counts(self, name: str, most: int) -> tuple[int, ...]:
        """Return a list of whole numbers from 0; an empty one if it is missing.

        Args:
            name: The name of the field.
            most: The largest number.

        Raises:
            ValueError: It is another value.
        """
        return tuple(_count(value, place, most) for value, place in self.items(name))

    def items(self, name: str) -> Iterator[tuple[Any, str]]:
        """Yield each value of a list with its place; nothing if the list is missing.

        Args:
            name: The name of the field.

        Raises:
            ValueError: It is not a list.
        """
        values = self._value.get(name, [])
        if not isinstance(values, list):
            raise _wrong(self._at(name), values, "a list")
        return ((value, f"{self._at(name)}[{index}]") for index, value in enumerate(values))

    def _at(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, value, "a text")
    return value


def _count(value: Any, place: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise _wrong(place, value, f"a whole number from 0 to {most}")
    return value


def _wrong(place: str, value: Any, wanted: str) -> ValueError:
    # The value itself is not quoted: it may be long, and hostile.
    return ValueError(f"{place} is {_NAMES.get(type(value), 'another number')}; it must be {wanted}")
