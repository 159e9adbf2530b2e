"""`MegatronIndex`: an `.idx` file of Megatron: the types, the sequences and the documents of the `.bin` beside it."""

import struct
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import array_of, mapped_file

_MAGIC, _VERSION = b"MMIDIDX\0\0", 1
#: The bytes before the lengths: the magic, the version, the code of the type, the numbers of sequences and documents.
HEADER = struct.Struct("<9sQBQQ")
_CODES = {1: pa.uint8(), 4: pa.int32(), 7: pa.float32(), 8: pa.uint16()}


def header(kind: pa.DataType, sequences: int, bounds: int) -> bytes:
    """Return the first bytes of an index.

    Args:
        kind: The type of the numbers.
        sequences: The number of sequences.
        bounds: The number of bounds of documents, which is one more than the documents.
    """
    code = next(code for code, known in _CODES.items() if known == kind)
    return HEADER.pack(_MAGIC, _VERSION, code, sequences, bounds)


@dataclass(frozen=True)
class MegatronIndex:
    """An index that is mapped into memory.

    Attributes:
        path: Its file.
        content: Its bytes.
        kind: The type of the numbers in the data.
        sequences: The number of sequences.
        bounds: The number of bounds of documents.
    """

    path: Path
    content: pa.Buffer
    kind: pa.DataType
    sequences: int
    bounds: int

    @classmethod
    def open(cls, path: Path) -> "MegatronIndex":
        """Open an index.

        Args:
            path: The file.

        Raises:
            DataError: It is not an index of Megatron, or has another size than its header says.
        """
        content = mapped_file(path)
        head = content.slice(0, min(HEADER.size, content.size)).to_pybytes()
        magic, version, code, sequences, bounds = HEADER.unpack(head) if len(head) == HEADER.size else (b"", 0, 0, 0, 0)
        if (magic, version) != (_MAGIC, _VERSION) or code not in _CODES or not bounds:
            raise DataError(f"{path} is not an index of Megatron; copy the output again")
        if content.size != HEADER.size + 12 * sequences + 8 * bounds:
            raise DataError(f"{path} has another size than its header says; copy the output again")
        return cls(path, content, _CODES[code], sequences, bounds)

    @property
    def width(self) -> int:
        """The bytes of a number in the data."""
        return int(self.kind.bit_width) // 8

    def documents(self, first: int, count: int) -> pa.Array:
        """Return the first sequences of some documents, and the one after their last; int64.

        Args:
            first: The first document.
            count: The number of documents.

        Raises:
            DataError: A document ends before it begins, or after the last sequence.
        """
        place = HEADER.size + 12 * self.sequences + 8 * first
        found = array_of(self.content, pa.int64(), place, count + 1)
        is_right = found[0].as_py() >= 0 and found[-1].as_py() <= self.sequences
        if not is_right or pc.any(pc.less(found[1:], found[:-1])).as_py():
            raise DataError(f"{self.path} has a document that ends at a wrong place; copy the output again")
        return found

    def lengths(self, first: int, count: int) -> pa.Array:
        """Return the lengths of some sequences; int32.

        Args:
            first: The first sequence.
            count: The number of sequences.
        """
        return array_of(self.content, pa.int32(), HEADER.size + 4 * first, count)

    def check_places(self, first: int, starts: pa.Array) -> None:
        """Check that sequences lie one after the other in the data, as chatmill writes them.

        Args:
            first: The first sequence.
            starts: The number of tokens before each sequence; int64.

        Raises:
            DataError: One lies elsewhere.
        """
        place = HEADER.size + 4 * self.sequences + 8 * first
        if array_of(self.content, pa.int64(), place, len(starts)) != pc.multiply(starts, self.width):
            raise DataError(f"{self.path} has a sequence that does not follow the one before it; copy the output again")
