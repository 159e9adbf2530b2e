"""`run_unit`: makes the tokens of one unit of a plan. Any process on any machine may do it, also twice."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from chatmill._chatmill import DataError
from chatmill.distributed.plan import DistributedPlan
from chatmill.pipeline.parts import Part
from chatmill.pipeline.run import run_blocks
from chatmill.resume.open_cache import open_cache
from chatmill.resume.run import MilledBlock, RunBlocks


@dataclass(frozen=True)
class DoneUnit:
    """A unit whose tokens are there.

    Attributes:
        unit: Its number.
        key: The digest of what made the tokens.
        rows: The rows of the unit.
        blocks: The blocks of the unit.
        reused: Those of them that were there before.
        seconds: How long it took.
        host: The machine.
    """

    unit: int
    key: str
    rows: int
    blocks: int
    reused: int
    seconds: float
    host: str

    def __str__(self) -> str:
        there = f", {self.reused:,} of them were there" if self.reused else ""
        return f"unit {self.unit}: {self.rows:,} rows in {self.blocks:,} blocks{there}, {self.seconds:.1f} s"


def run_unit(plan: DistributedPlan, number: int, parts: Sequence[Part] | None = None) -> DoneUnit:
    """Make the tokens of a unit.

    Args:
        plan: The plan.
        number: The number of the unit, from 0.
        parts: The parts of the plan, if a process makes several units; None loads them.

    Raises:
        DataError: There is no such unit, an input has changed, this machine would make other tokens, or the tokens
            cannot be written.
    """
    started = time.monotonic()
    if not 0 <= number < len(plan.units):
        raise DataError(f"there is no unit {number}; the plan has the units 0 to {len(plan.units) - 1}")
    unit = plan.units[number]
    planned = plan.files[unit.file]
    parts = plan.parts() if parts is None else parts
    part = parts[planned.part]
    before = sum(len(it.files) for it in parts[: planned.part])
    file = replace(part.files[unit.file - before], span=unit.span, position=0)
    store = open_cache(plan.blocks)
    kept = RunBlocks(store, None, now=plan.now, keeps_one=True)
    rows = 0

    def count(milled: MilledBlock) -> None:
        nonlocal rows
        rows += milled.keyed.block.batch.num_rows

    blocks = plan.run().options.blocks(replace(part, files=[file]))
    run_blocks(kept.of_part(part.mill), blocks, count)
    if kept.problem:
        raise DataError(kept.problem)
    seconds = round(time.monotonic() - started, 3)
    key = plan.keys[planned.part].digest
    done = DoneUnit(number, key, rows, kept.total, kept.reused, seconds, platform.node())
    try:
        store.files.write(done_name(plan.digest, number), json.dumps(asdict(done)).encode())
    except OSError as error:
        raise DataError(f"unit {number} cannot be marked as done in {store.name} ({error}); run it again") from error
    return done


def done_name(plan: str, number: int) -> str:
    """Return the name of the file that tells that a unit is done, in the folder of the blocks.

    Args:
        plan: The digest of the plan.
        number: The number of the unit.

    Example:
        >>> done_name("0123456789abcdef0123", 7)
        'units/0123456789abcdef/00007.json'
    """
    return f"units/{plan[:16]}/{number:05d}.json"
