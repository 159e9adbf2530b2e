"""`open_blocks`: the blocks of a run, which stay if the run does not end, and what to say about them."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatmill._chatmill import ChatmillError, DataError
from chatmill.outputs.destination import whole_name
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.resume.cache import prune_cache
from chatmill.resume.cache_folder import check_cache_apart
from chatmill.resume.key import MillKey
from chatmill.resume.open_cache import open_cache
from chatmill.resume.run import RunBlocks
from chatmill.resume.store import BlockStore
from chatmill.resume.why import explain

#: A run that ends with an error before this many seconds keeps nothing beside its output.
WORTH_KEEPING_SECONDS = 1.0


class ResumableRun:
    """A run that can go on after it was interrupted. `open_blocks` makes one.

    Args:
        blocks: Its blocks.
        store: Where they are kept; None if they are not.
        say: Prints a line for the user.

    Attributes:
        blocks: Its blocks.
    """

    def __init__(self, blocks: RunBlocks, store: BlockStore | None, say: Callable[[str], None]) -> None:
        self.blocks, self._store, self._say = blocks, store, say

    def begin(self, parts: Sequence[Part]) -> None:
        """Say what an earlier run left, and why it cannot be taken, if it cannot.

        Args:
            parts: The parts of the run.
        """
        # Keys take some milliseconds.
        if self._store is not None and self.blocks.earlier is not None:
            for line in explain(self._store, self.blocks.earlier, [MillKey.of(part.mill) for part in parts]):
                self._say(line)


@contextmanager
def open_blocks(options: OutputOptions, beside: Path, say: Callable[[str], None]) -> Iterator[ResumableRun]:
    """Open the blocks of a run. If the `with` statement ends with an exception, which includes Ctrl-C, they stay.

    Args:
        options: The options of the output.
        beside: The folder for blocks beside the output.
        say: Prints a line for the user.

    Yields:
        The run.
    """
    store = _store(options, beside)
    if options.fresh:
        BlockStore(beside).remove()
    output = whole_name(options.folder)
    keeps_one = options.cache is not None
    blocks = RunBlocks(
        store, output, now=options.now, keeps_one=keeps_one, forgets=options.fresh, only_kept=options.only_kept
    )
    started = time.monotonic()
    try:
        yield ResumableRun(blocks, store, say)
    except BaseException:
        blocks.save(has_ended=False)
        is_short = time.monotonic() - started < WORTH_KEEPING_SECONDS and blocks.earlier is None
        if options.cache is None and is_short:
            BlockStore(beside).remove()
        elif blocks.made and not blocks.problem and store is not None:
            say(_kept_text(blocks.total, store, is_cache=options.cache is not None))
        raise
    blocks.save(has_ended=True)
    if options.cache is None:
        BlockStore(beside).remove()
    elif options.cache_bytes is not None and store is not None:
        _shorten(options.cache, options.cache_bytes, store, say)


def _shorten(cache: str | os.PathLike[str], most: int, store: BlockStore, say: Callable[[str], None]) -> None:
    """Shorten a cache. The output is complete, so a cache that cannot be shortened is no error."""
    try:
        pruned = prune_cache(cache, most) if store.files.exists() else None
    except (ChatmillError, OSError) as error:
        say(f"the cache could not be shortened ({error}); run `chatmill cache prune` on it")
        return
    if pruned is not None and pruned.removed:
        say(str(pruned))


def _kept_text(blocks: int, store: BlockStore, *, is_cache: bool) -> str:
    how = "the same command goes on with them, `--fresh` starts over"
    are = "block of this run is" if blocks == 1 else "blocks of this run are"
    if is_cache:  # it may hold blocks of other runs too
        return f"{blocks:,} {are} kept in the cache {store.name}; {how}"
    size = sum(it.bytes for it in store.kept())
    return f"{blocks:,} {are} kept in {store.name} ({size / 1e6:,.0f} MB); {how}, and `--no-resume` keeps none"


def _store(options: OutputOptions, beside: Path) -> BlockStore | None:
    if options.cache is None:
        return BlockStore(beside) if options.resume else None
    if not options.resume:
        raise DataError(
            "`cache` (`--cache`) keeps blocks, and `resume=False` (`--no-resume`) keeps none; leave out one"
        )
    check_cache_apart(options.cache, options.folder)
    return open_cache(options.cache)
