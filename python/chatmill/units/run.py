"""`RunUnits`: takes the tokens of units that an earlier run made, and keeps those of new ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chatmill._chatmill import Mill, TokenBatch
from chatmill.inputs import Block
from chatmill.inputs.mill import mill_block
from chatmill.units.digest import block_digest
from chatmill.units.key import MillKey
from chatmill.units.record import InputRecord, RunRecord, details_of, record_path
from chatmill.units.store import UnitStore


@dataclass(frozen=True)
class Unit:
    """A block of rows.

    Attributes:
        block: The rows.
        digest: Their checksum; None if their tokens are not kept.
    """

    block: Block
    digest: str | None


@dataclass(frozen=True)
class MilledUnit:
    """A unit with its tokens.

    Attributes:
        unit: The unit.
        tokens: Its tokens.
        is_reused: Whether an earlier run made them.
    """

    unit: Unit
    tokens: TokenBatch
    is_reused: bool = False


class RunUnits:
    """The units of a run.

    Args:
        store: Where tokens are kept; None to keep none.
        output: The output folder.
        now: The time that the template prints, if the user gave it.
        keeps_one: Whether to keep the tokens of a run that has only one unit.
        forgets: Whether to make all units again.

    Attributes:
        earlier: The record of the earlier run on this output; None if there is none.
        made: The number of units that this run made and kept.
        reused: The number of units whose tokens an earlier run made.
        total: The number of all units.
        problem: Why tokens are no longer kept, as a sentence; empty if they are.
        now: The time that templates print: the one of the earlier run on this output, if that did not end.
    """

    def __init__(
        self,
        store: UnitStore | None,
        output: Path,
        *,
        now: datetime | None = None,
        keeps_one: bool = False,
        forgets: bool = False,
    ) -> None:
        self._store, self._keeps_one, self._forgets = store, keeps_one, forgets
        self._path = None if store is None else record_path(store.folder, output)
        self.earlier = None if self._path is None or forgets else RunRecord.read(self._path)
        # The time has no time zone, as in transformers, so a template that prints the zone prints nothing.
        kept = None if self.earlier is None or self.earlier.has_ended else self.earlier.now
        self.now = now or kept or datetime.now()  # noqa: DTZ005
        self._record = RunRecord(str(output), self.now)
        self.reused = self.total = self.made = 0
        self.problem = ""

    def of_part(self, mill: Mill) -> "PartUnits":
        """Return the units of a part of the run.

        Args:
            mill: The mill of the part.
        """
        return PartUnits(self, mill)

    def get(self, key: MillKey, digest: str) -> TokenBatch | None:
        """Return the tokens of a unit, if an earlier run made them.

        Args:
            key: What makes the tokens.
            digest: The checksum of the rows.
        """
        return None if self._store is None or self._forgets else self._store.get(key, digest)

    def put(self, key: MillKey, digest: str, tokens: TokenBatch) -> None:
        """Keep the tokens of a unit. If that is not possible, no more are kept, and the run goes on.

        Args:
            key: What made the tokens.
            digest: The checksum of the rows.
            tokens: The tokens.
        """
        if self._store is None or self.problem:
            return
        try:
            self._store.put(key, digest, tokens)
            self.made += 1
        except OSError as error:
            self.problem = (
                f"the units of this run could not be kept in {self._store.folder} ({error.strerror or error}), so a "
                "run that is interrupted would start over"
            )

    def note(self, key: MillKey, unit: Unit) -> None:
        """Record a unit that was written.

        Args:
            key: What made its tokens.
            unit: The unit.
        """
        if self._path is None or unit.digest is None:
            return
        file, inputs = unit.block.file, self._record.inputs
        if len(inputs) <= file.position:
            for record in inputs:
                record.is_whole = True
            while len(inputs) <= file.position:
                inputs.append(InputRecord(file.path, file.size, details_of(file), key.digest))
            self._record.write(self._path)
        inputs[file.position].units.append(unit.digest)

    def save(self, *, has_ended: bool) -> None:
        """Write the record of the run.

        Args:
            has_ended: Whether the output is complete.
        """
        if self._path is not None and self._record.inputs:
            self._record.inputs[-1].is_whole = self._record.has_ended = has_ended
            self._record.write(self._path)

    @property
    def keeps(self) -> bool:
        """Whether tokens are kept."""
        return self._store is not None

    @property
    def keeps_one(self) -> bool:
        """Whether the tokens of the only unit of a run are kept."""
        return self._keeps_one


class PartUnits:
    """The units of a part of a run. `RunUnits.of_part` makes them.

    Args:
        run: The units of the run.
        mill: The mill of the part.
    """

    def __init__(self, run: RunUnits, mill: Mill) -> None:
        self._run, self._mill = run, mill
        self.key = MillKey.of(mill) if run.keeps else None

    def read(self, blocks: Iterator[Block]) -> Iterator[Unit]:
        """Make units of blocks.

        Args:
            blocks: The blocks of the part.

        Yields:
            The units.
        """
        if not self._run.keeps:
            yield from (Unit(block, None) for block in blocks)
            return
        first = next(blocks, None)
        if first is None:
            return
        second = None if self._run.keeps_one else next(blocks, None)
        if second is None and not self._run.keeps_one:
            # To make it again takes less time than to look for it.
            yield Unit(first, None)
            return
        yield Unit(first, block_digest(first))
        if second is not None:
            yield Unit(second, block_digest(second))
        del first, second
        for block in blocks:
            yield Unit(block, block_digest(block))

    def mill(self, unit: Unit) -> MilledUnit:
        """Return the tokens of a unit: those of an earlier run, or new ones.

        Args:
            unit: The unit.

        Raises:
            ChatmillError: As `mill_block`.
        """
        if self.key is not None and unit.digest is not None:
            found = self._run.get(self.key, unit.digest)
            if found is not None and found.num_rows_in == unit.block.batch.num_rows:
                return MilledUnit(unit, found, is_reused=True)
        return MilledUnit(unit, mill_block(self._mill, unit.block))

    def keep(self, milled: MilledUnit) -> None:
        """Keep the tokens of a unit, and count it.

        Args:
            milled: The unit.
        """
        unit = milled.unit
        self._run.total += 1
        self._run.reused += milled.is_reused
        if self.key is not None and unit.digest is not None:
            # Rows without tokens are few, or the run will fail.
            if not milled.is_reused and milled.tokens.num_tokens:
                self._run.put(self.key, unit.digest, milled.tokens)
            self._run.note(self.key, unit)
