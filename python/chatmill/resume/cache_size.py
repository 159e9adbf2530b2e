"""`parse_size` and `cache_bytes_of`: the size of a cache, as users write it."""

import os
import re
import sys

from chatmill._chatmill import DataError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


def parse_size(text: str) -> int:
    """Return the number of bytes of a size.

    Args:
        text: A number with a unit, such as `20GB`.

    Raises:
        DataError: The text is not a size.

    Example:
        >>> parse_size("1.5 GB"), parse_size("2KiB"), parse_size("0")
        (1500000000, 2048, 0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise DataError(f"{text!r} is not a size; give one such as 20GB, 500MB or 0")
    size = float(found[1]) * _UNITS[found[2].upper()]
    return int(min(size, sys.maxsize))


def cache_bytes_of(size: str | int | None, cache: str | os.PathLike[str] | None) -> int | None:
    """Return the number of bytes that may stay in a cache.

    Args:
        size: A size for `parse_size`, a number of bytes, or None for all.
        cache: The folder, or None.

    Raises:
        DataError: The text is not a size, or there is no cache.

    Example:
        >>> cache_bytes_of("2KB", "cache"), cache_bytes_of(5, "cache")
        (2000, 5)
    """
    if size is None:
        return None
    if cache is None:
        raise DataError("`cache_size` (`--cache-size`) limits `cache` (`--cache`); give the folder, or leave it out")
    return parse_size(size) if isinstance(size, str) else int(size)
