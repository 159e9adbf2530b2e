"""`RunBlocks`: takes the tokens of blocks that an earlier run made, and keeps those of new ones."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import PurePath

from chatmill._chatmill import DataError, Mill, TokenBatch
from chatmill.inputs import Block
from chatmill.inputs.mill import mill_block
from chatmill.resume.block_folder import BlockFolder
from chatmill.resume.digest import block_digest
from chatmill.resume.fit import fields_of, fits
from chatmill.resume.key import MillKey
from chatmill.resume.record import InputRecord, RunRecord, details_of
from chatmill.resume.store import BlockStore

# A run that is killed tells `why` about its inputs as they were this many seconds before.
_SAVE_SECONDS = 5.0


@dataclass(frozen=True)
class KeyedBlock:
    """A block of rows.

    Attributes:
        block: The rows.
        digest: Their checksum; None if their tokens are not kept.
    """

    block: Block
    digest: str | None


@dataclass(frozen=True)
class MilledBlock:
    """A block with its tokens.

    Attributes:
        keyed: The block.
        tokens: Its tokens.
        is_reused: Whether an earlier run made them.
    """

    keyed: KeyedBlock
    tokens: TokenBatch
    is_reused: bool = False


class RunBlocks:
    """The blocks of a run.

    Args:
        store: Where tokens are kept; None to keep none.
        output: The output folder; None for a run that writes none.
        now: The time that the template prints, if the user gave it.
        keeps_one: Whether to keep the tokens of a run that has only one block.
        forgets: Whether to make all blocks again.
        only_kept: Whether a block that was not kept is an error.

    Attributes:
        keeps_one: Whether to keep the tokens of a run that has only one block.
        only_kept: Whether a block that was not kept is an error.
        earlier: The record of the earlier run on this output; None if there is none.
        made: The number of blocks that this run made and kept.
        reused: The number of blocks whose tokens an earlier run made.
        total: The number of all blocks.
        own: The checksums of the blocks that this run made.
        problem: Why tokens are no longer kept, as a sentence without its end; empty if they are.
        now: The time that templates print: the one of the earlier run on this output, if that did not end.
    """

    def __init__(
        self,
        store: BlockStore | None,
        output: PurePath | None,
        *,
        now: datetime | None = None,
        keeps_one: bool = False,
        forgets: bool = False,
        only_kept: bool = False,
    ) -> None:
        self._store, self.keeps_one, self._forgets, self.only_kept = store, keeps_one, forgets, only_kept
        self._folder: BlockFolder | None = None
        self.earlier: RunRecord | None = None
        if store is not None and output is not None:
            self._folder = store.files
            self.earlier = None if forgets else RunRecord.read(store.files, output)
        self.now = RunRecord.clock(now, self.earlier)
        self._record = RunRecord(str(output), self.now)
        self.reused = self.total = self.made = 0
        self.own: set[str] = set()
        self.problem = ""
        self._next_save, self._position = 0.0, -1

    def of_part(self, mill: Mill) -> "PartBlocks":
        """Return the blocks of a part of the run.

        Args:
            mill: The mill of the part.
        """
        return PartBlocks(self, mill)

    def get(self, key: MillKey, digest: str) -> TokenBatch | None:
        """Return the tokens of a block, if an earlier run made them.

        Args:
            key: What makes the tokens.
            digest: The checksum of the rows.
        """
        return None if self._store is None or self._forgets else self._store.get(key, digest)

    def put(self, key: MillKey, digest: str, tokens: TokenBatch) -> None:
        """Keep the tokens of a block. If that is not possible, no more are kept, and the run goes on.

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
            self.problem = f"cannot keep blocks in {self._store.name} ({error.strerror or error})"
            if not self.keeps_one:
                # The output may need their room.
                self._store.remove()
                self._folder = None

    def note(self, key: MillKey, keyed: KeyedBlock) -> None:
        """Record a block whose tokens are kept.

        Args:
            key: What made its tokens.
            keyed: The block.
        """
        if self._folder is None or keyed.digest is None:
            return
        file, inputs = keyed.block.file, self._record.inputs
        if file.position != self._position:
            if inputs:
                inputs[-1].is_whole = True
            inputs.append(InputRecord(file.path, file.size, details_of(file), key.digest))
            self._position = file.position
        inputs[-1].blocks.append(keyed.digest)
        if time.monotonic() >= self._next_save:
            started = time.monotonic()
            self._record.write(self._folder)
            # The record grows, so it is written less often the longer that takes.
            self._next_save = time.monotonic() + max(_SAVE_SECONDS, 50 * (time.monotonic() - started))

    def save(self, *, has_ended: bool) -> None:
        """Write the record of the run.

        Args:
            has_ended: Whether the output is complete.
        """
        if self._folder is not None and self._record.inputs:
            self._record.inputs[-1].is_whole = self._record.has_ended = has_ended
            self._record.write(self._folder)

    @property
    def store_name(self) -> str:
        """The folder where tokens are kept, for messages."""
        return "" if self._store is None else self._store.name

    @property
    def keeps(self) -> bool:
        """Whether tokens are kept."""
        return self._store is not None


class PartBlocks:
    """The blocks of a part of a run. `RunBlocks.of_part` makes them.

    Args:
        run: The blocks of the run.
        mill: The mill of the part.
    """

    def __init__(self, run: RunBlocks, mill: Mill) -> None:
        self._run, self._mill = run, mill
        self._kept_columns = frozenset(mill.options["keep_columns"])
        self.key = MillKey.of(mill) if run.keeps else None
        self._fields = fields_of(mill) if run.keeps else []

    def read(self, blocks: Iterator[Block]) -> Iterator[KeyedBlock]:
        """Add the checksums of blocks.

        Args:
            blocks: The blocks of the part.

        Yields:
            The blocks.
        """
        is_kept = self._run.keeps
        if is_kept and not self._run.keeps_one:
            first = list(islice(blocks, 2))
            # To make an only block again takes less time than to look for it.
            is_kept = len(first) == 2
            blocks = chain(first, blocks)
            del first
        for block in blocks:
            yield KeyedBlock(block, block_digest(block) if is_kept else None)

    def mill(self, keyed: KeyedBlock) -> MilledBlock:
        """Return the tokens of a block: those of an earlier run, or new ones.

        Args:
            keyed: The block.

        Raises:
            ChatmillError: As `mill_block`.
        """
        if self.key is not None and keyed.digest is not None:
            found = self._run.get(self.key, keyed.digest)
            if found is not None and fits(found, keyed.block.batch.num_rows, self._fields, self._kept_columns):
                return MilledBlock(keyed, found, is_reused=True)
            if self._run.only_kept:
                raise DataError(
                    f"the tokens of {keyed.block.place(0)} and the rows after it are missing or damaged in "
                    f"{self._run.store_name}; run all units again (blocks that are there are not made again)"
                )
        return MilledBlock(keyed, mill_block(self._mill, keyed.block, statistics=True))

    def keep(self, milled: MilledBlock) -> None:
        """Keep the tokens of a block, and count it.

        Args:
            milled: The block.
        """
        keyed = milled.keyed
        self._run.total += 1
        # Equal blocks of one run are made once too, but they are not of an earlier run.
        self._run.reused += milled.is_reused and keyed.digest not in self._run.own
        if self.key is not None and keyed.digest is not None:
            if not milled.is_reused:
                self._run.own.add(keyed.digest)
                self._run.put(self.key, keyed.digest, milled.tokens)
            self._run.note(self.key, keyed)
