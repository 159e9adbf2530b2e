"""Random numbers of rows: a row's number and the seed make its key, whatever batch or thread the row came in."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

# A row's number and a copy's: 2^40 rows, 2^24 copies.
_COPY_BITS = 40


def keys(seed: int, purpose: str, *, first: int, rows: int, copy: int = 0) -> pa.Array:
    """One 64-bit key for each of some rows in sequence.

    They are the output of SplitMix64, whose state is a running number: so each key is made on its own, and within a
    purpose no two are equal (each step can be undone). Sorting by them leaves no ties, and "the n least keys" are
    exactly n rows. Python's `random` would need its numbers in sequence, and promises the same ones in every version
    for `random()` alone, not for `shuffle` and `sample`. A million keys take 26 ms.

    Args:
        seed: Any whole number.
        purpose: What they are for; each has keys of its own.
        first: Number of the first row.
        rows: How many rows.
        copy: Which copy of them.

    Returns:
        The keys, as uint64.

    Example:
        >>> keys(42, "order", first=0, rows=4)[2:] == keys(42, "order", first=2, rows=2)
        True
    """
    digest = hashlib.sha256(f"chatmill {purpose} {seed}".encode()).digest()
    numbers = pc.cumulative_sum(pa.repeat(_u64(1), rows), start=_u64((copy << _COPY_BITS) + first))
    # Arithmetic on uint64 wraps, as SplitMix64 wants it.
    mixed = pc.add(pc.multiply(numbers, _u64(0x9E3779B97F4A7C15)), _u64(int.from_bytes(digest[:8], "little")))
    mixed = pc.multiply(_folded(mixed, 30), _u64(0xBF58476D1CE4E5B9))
    mixed = pc.multiply(_folded(mixed, 27), _u64(0x94D049BB133111EB))
    return _folded(mixed, 31)


def _folded(numbers: pa.Array, bits: int) -> pa.Array:
    return pc.bit_wise_xor(numbers, pc.shift_right(numbers, _u64(bits)))


def _u64(number: int) -> pa.Scalar:
    return pa.scalar(number, pa.uint64())
