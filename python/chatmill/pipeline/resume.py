"""`open_units`: the units of a run, which stay if the run does not end, and what to say about them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.units.key import MillKey
from chatmill.units.run import RunUnits
from chatmill.units.store import UnitStore
from chatmill.units.why import explain

#: A run that ends with an error before this many seconds keeps nothing beside its output.
WORTH_KEEPING_SECONDS = 1.0


class ResumableRun:
    """A run that can go on after it was interrupted. `open_units` makes one.

    Args:
        units: Its units.
        store: Where they are kept; None if they are not.
        say: Prints a line for the user.

    Attributes:
        units: Its units.
    """

    def __init__(self, units: RunUnits, store: UnitStore | None, say: Callable[[str], None]) -> None:
        self.units, self._store, self._say = units, store, say

    def begin(self, parts: Sequence[Part]) -> None:
        """Say what an earlier run left, and why it cannot be taken, if it cannot.

        Args:
            parts: The parts of the run.
        """
        if self._store is not None:
            for line in explain(self._store, self.units.earlier, [MillKey.of(part.mill) for part in parts]):
                self._say(line)


@contextmanager
def open_units(options: OutputOptions, beside: Path, say: Callable[[str], None]) -> Iterator[ResumableRun]:
    """Open the units of a run. If the block ends with an exception, which includes Ctrl-C, its units stay.

    Args:
        options: The options of the output.
        beside: The folder for units beside the output.
        say: Prints a line for the user.

    Yields:
        The run.
    """
    store = _store(options, beside)
    if options.fresh:
        UnitStore(beside).remove()
    output = Path(options.folder).expanduser().resolve()
    keeps_one = options.cache is not None
    units = RunUnits(store, output, now=options.now, keeps_one=keeps_one, forgets=options.fresh)
    started = time.monotonic()
    try:
        yield ResumableRun(units, store, say)
    except BaseException:
        units.save(has_ended=False)
        is_short = time.monotonic() - started < WORTH_KEEPING_SECONDS and units.earlier is None
        if options.cache is None and is_short:
            UnitStore(beside).remove()
        elif units.made and not units.problem and store is not None:
            say(
                f"{units.total:,} units of this run are kept in {store.folder}; the same command goes on with them, "
                "and `--fresh` starts over"
            )
        raise
    units.save(has_ended=True)
    if options.cache is None:
        UnitStore(beside).remove()


def _store(options: OutputOptions, beside: Path) -> UnitStore | None:
    if options.cache is None:
        return UnitStore(beside) if options.resume else None
    if not options.resume:
        raise DataError("`cache` (`--cache`) keeps units, and `resume=False` (`--no-resume`) keeps none; remove one")
    folder = Path(options.cache).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise DataError(f"the cache {folder} is a file; give a folder")
    return UnitStore(folder)
