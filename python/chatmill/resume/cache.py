"""The blocks in a folder of `cache`: `cache_lines` lists them, and `prune_cache` removes old ones."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chatmill._chatmill import DataError
from chatmill.resume.open_cache import open_cache
from chatmill.resume.store import BlockStore
from chatmill.text.source_name import shown_name

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


@dataclass(frozen=True)
class Pruned:
    """What `prune_cache` did.

    Attributes:
        removed: The blocks that were removed.
        removed_bytes: Their size.
        kept: The blocks that stay.
        kept_bytes: Their size.
    """

    removed: int
    removed_bytes: int
    kept: int
    kept_bytes: int

    def __str__(self) -> str:
        return (
            f"removed {self.removed:,} blocks ({self.removed_bytes / 1e9:.2f} GB); {self.kept:,} stay "
            f"({self.kept_bytes / 1e9:.2f} GB)"
        )


def cache_lines(folder: str | os.PathLike[str]) -> Iterator[str]:
    """List the blocks in a cache.

    Args:
        folder: The folder, or its URL.

    Yields:
        A line for each key: the number of blocks, their size, when they were last used, and what made them.

    Raises:
        DataError: There is no such folder.
    """
    store = _opened(folder)
    found = sorted(store.kept(), key=lambda it: -it.used)
    for it in found:
        used = datetime.fromtimestamp(it.used).isoformat(" ", "minutes") if it.blocks else "never"  # noqa: DTZ006
        names = f"{it.key.names.get('tokenizer', '?')}, {it.key.names.get('template', '?')}"
        options = it.key.fields.get("options") or {}
        limit = f", max_length {options['max_length']:,}" if options.get("max_length") else ""
        yield f"{it.key.digest[:12]}  {it.blocks:>6,} blocks  {it.bytes / 1e9:>7.2f} GB  used {used}  {names}{limit}"
    yield f"{sum(it.blocks for it in found):,} blocks, {sum(it.bytes for it in found) / 1e9:.2f} GB in {store.name}"


def prune_cache(folder: str | os.PathLike[str], max_bytes: int) -> Pruned:
    """Remove the blocks that were not used for the longest time, until the others fit. Runs may use the cache then.

    Args:
        folder: The folder of the cache, or its URL.
        max_bytes: The size that may stay.

    Raises:
        DataError: There is no such folder.
    """
    store = _opened(folder)
    found = [(file.changed, file.bytes, name) for kept in store.kept() for name, file in kept.files.items()]
    found.sort(reverse=True)
    kept_bytes = removed_bytes = stays = 0
    for _, size, name in found:
        if kept_bytes + size <= max_bytes and not removed_bytes:
            kept_bytes, stays = kept_bytes + size, stays + 1
            continue
        store.files.remove(name)
        removed_bytes += size
    return Pruned(len(found) - stays, removed_bytes, stays, kept_bytes)


def parse_size(text: str) -> int:
    """Return the number of bytes of a size.

    Args:
        text: A number with a unit, such as `20GB`.

    Raises:
        DataError: It is none.

    Example:
        >>> parse_size("1.5 GB"), parse_size("2KiB"), parse_size("0")
        (1500000000, 2048, 0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise DataError(f"{text!r} is not a size; give one such as 20GB, 500MB or 0")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _opened(folder: str | os.PathLike[str]) -> BlockStore:
    store = open_cache(folder)
    if not store.files.exists():
        raise DataError(f"there is no folder {shown_name(os.fspath(folder))}; give the folder of `--cache`")
    return store
