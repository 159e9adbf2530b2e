"""The blocks in a folder of `cache`: `cache_lines` lists them, and `prune_cache` removes old ones."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from chatmill._chatmill import DataError
from chatmill.resume.open_cache import open_cache
from chatmill.resume.store import BlockStore
from chatmill.text.numbers import counted
from chatmill.text.source_name import shown_name

# After this time an unfinished file is of a run that was killed.
_UNFINISHED_SECONDS = 86_400


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
            f"removed {counted(self.removed, 'block')} ({self.removed_bytes / 1e9:.2f} GB); the cache still has "
            f"{counted(self.kept, 'block')} ({self.kept_bytes / 1e9:.2f} GB)"
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
        used = _time(it.used) if it.blocks else "never"
        names = f"{it.key.names.get('tokenizer', '?')}, {it.key.names.get('template', '?')}"
        options = it.key.fields.get("options") or {}
        size = options.get("max_length")
        limit = f", max_length {size:,}" if isinstance(size, int) else ""
        blocks = f"{counted(it.blocks, 'block'):>13}"
        yield f"{it.key.digest[:12]}  {blocks}  {it.bytes / 1e9:>7.2f} GB  used {used}  {names}{limit}"
    files = store.all_blocks()
    if len(files) > (known := sum(it.blocks for it in found)):
        lost = f"{counted(len(files) - known, 'block'):>13}"
        yield f"{'?':<12}  {lost} without a `key.json` that can be read"
    blocks = counted(len(files), "block")
    yield f"{blocks}, {sum(it.bytes for it in files.values()) / 1e9:.2f} GB in {store.name}"


def prune_cache(folder: str | os.PathLike[str], max_bytes: int) -> Pruned:
    """Remove the blocks that were not used for the longest time, until the others fit.

    Runs may use the cache at the same time.

    Args:
        folder: The folder of the cache, or its URL.
        max_bytes: The size that may stay.

    Raises:
        DataError: There is no such folder.
    """
    store = _opened(folder)
    found = store.all_blocks()
    room, is_full = max_bytes, False
    for name, file in sorted(found.items(), key=lambda it: (-it[1].changed, it[0])):
        is_full = is_full or file.bytes > room
        room -= file.bytes
        if is_full:
            store.files.remove(name)
    for name, file in store.unfinished().items():
        if time.time() - file.changed > _UNFINISHED_SECONDS:
            store.files.remove(name)
    # What cannot be removed is still there.
    stay = [file for name, file in store.all_blocks().items() if name in found]
    kept_bytes = sum(file.bytes for file in stay)
    removed_bytes = sum(file.bytes for file in found.values()) - kept_bytes
    return Pruned(len(found) - len(stay), removed_bytes, len(stay), kept_bytes)


def _time(seconds: float) -> str:
    # The clock of another machine, or of a disk, may be anything.
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(seconds).isoformat(" ", "minutes")  # noqa: DTZ006
    return "at an unknown time"


def _opened(folder: str | os.PathLike[str]) -> BlockStore:
    store = open_cache(folder)
    if not store.files.exists():
        raise DataError(f"there is no folder {shown_name(os.fspath(folder))}; give the folder of `--cache`")
    return store
