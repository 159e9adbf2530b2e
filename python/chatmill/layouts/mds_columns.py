"""`MdsColumn`: one column of MDS files: its encoding, and values to bytes and back."""

import struct
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import bytes_of

_NUMBERS = {
    **{
        getattr(pa, name)(): name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    pa.float32(): "float32",
    pa.float64(): "float64",
}
_TYPES = {name: kind for kind, name in _NUMBERS.items()}
# The numbers of axes of an array are in the upper bits of its first byte; each array here has one axis.
_ONE_AXIS = 1 << 2
# The size of the number that holds the length of an array, by the lower bits of its first byte.
_LENGTHS = (struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q"))


@dataclass(frozen=True)
class MdsColumn:
    """One column.

    Attributes:
        name: Its name.
        kind: Its type in Arrow.
    """

    name: str
    kind: pa.DataType

    @classmethod
    def of(cls, field: pa.Field) -> "MdsColumn | None":
        """Return a column; None if MDS cannot hold its type.

        Args:
            field: The column in Arrow.
        """
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        is_text = field.type in (pa.string(), pa.large_string())
        return cls(field.name, field.type) if inner in _NUMBERS or is_text else None

    @classmethod
    def from_encoding(cls, name: str, encoding: str) -> "MdsColumn":
        """Return a column of a file.

        Args:
            name: Its name.
            encoding: Its encoding in MDS.

        Raises:
            DataError: chatmill does not write this encoding.
        """
        if encoding == "str":
            return cls(name, pa.string())
        kind = _TYPES.get(encoding.removeprefix("ndarray:"))
        if kind is None:
            raise DataError(f"the column {name} has the encoding {encoding} of MDS, which is not supported")
        return cls(name, pa.list_(kind) if encoding.startswith("ndarray:") else kind)

    @property
    def encoding(self) -> str:
        """The encoding in MDS."""
        if pa.types.is_list(self.kind):
            return f"ndarray:{_NUMBERS[self.kind.value_type]}"
        return _NUMBERS.get(self.kind, "str")

    @property
    def size(self) -> int | None:
        """The bytes of each value; None if they differ."""
        return None if self.kind not in _NUMBERS else int(self.kind.bit_width) // 8

    def encode(self, values: pa.Array) -> list[bytes]:
        """Return the bytes of each value.

        Args:
            values: The values.

        Raises:
            DataError: A value is null or an empty list, which MDS does not have.
        """
        if values.null_count:
            raise DataError(f"the column {self.name} has nulls, which MDS does not hold; remove it, or fill them")
        if self.encoding == "str":
            return [text.encode() for text in values.to_pylist()]
        if self.size is not None:
            flat = bytes_of(values)
            return [bytes(flat[at : at + self.size]) for at in range(0, len(flat), self.size)]
        flat, width = bytes_of(values.flatten()), self.kind.value_type.bit_width // 8
        encoded, start = [], 0
        for length in values.value_lengths().to_pylist():
            if not length:
                raise DataError(
                    f"a row has an empty list in the column {self.name}, which MDS does not hold; leave out rows "
                    "without tokens, or use another layout"
                )
            end = start + length * width
            code = next(code for code, it in enumerate(_LENGTHS) if length < 1 << 8 * it.size)
            encoded.append(bytes([_ONE_AXIS | code]) + _LENGTHS[code].pack(length) + flat[start:end])
            start = end
        return encoded

    def decode(self, values: list[memoryview]) -> pa.Array:
        """Return values as an array.

        Args:
            values: The bytes of each value.
        """
        if self.encoding == "str":
            return pa.array([str(it, "utf-8") for it in values], pa.string())
        if self.size is not None:
            return self._numbers(self.kind, values)
        bodies, offsets = [], [0]
        width = self.kind.value_type.bit_width // 8
        for value in values:
            length = _LENGTHS[value[0] & 3]
            bodies.append(value[1 + length.size :])
            count = length.unpack_from(value, 1)[0]
            if value[0] & ~3 != _ONE_AXIS or count * width != len(bodies[-1]):
                raise ValueError(f"a value of {self.name} has another size than it says")
            offsets.append(offsets[-1] + count)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), self._numbers(self.kind.value_type, bodies))

    @staticmethod
    def _numbers(kind: pa.DataType, values: list[Any]) -> pa.Array:
        joined = b"".join(values)
        return pa.Array.from_buffers(kind, len(joined) * 8 // kind.bit_width, [None, pa.py_buffer(joined)])
