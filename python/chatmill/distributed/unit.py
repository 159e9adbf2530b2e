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
from chatmill.resume.run import MilledBlock, RunBlocks
from chatmill.text.numbers import counted


@dataclass(frozen=True)
class DoneUnit:
    """A unit whose tokens are there.

    Attributes:
        unit: Its number.
        key: The digest of what made the tokens.
        rows: The rows of the unit.
        blocks: The blocks of the unit.
        reused: The number of them that were made before.
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
        there = f" ({self.reused:,} made before)" if self.reused else ""
        rows, blocks = counted(self.rows, "row"), counted(self.blocks, "block")
        return f"unit {self.unit}: {rows} in {blocks}{there}, {self.seconds:.1f} s"


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
        raise DataError(no_such_unit(number, len(plan.units)))
    unit = plan.units[number]
    planned = plan.files[unit.file]
    parts = plan.parts() if parts is None else parts
    part = parts[planned.part]
    before = sum(len(it.files) for it in parts[: planned.part])
    file = replace(part.files[unit.file - before], span=unit.span, position=0)
    store = plan.store
    kept = RunBlocks(store, None, now=plan.now, keeps_one=True)
    rows = 0

    def count(milled: MilledBlock) -> None:
        nonlocal rows
        rows += milled.keyed.block.batch.num_rows

    blocks = plan.run().options.blocks(replace(part, files=[file]))
    run_blocks(kept.of_part(part.mill), blocks, count)
    if kept.problem:
        raise DataError(f"{kept.problem}; free some room there, or correct the access, and run unit {number} again")
    seconds = round(time.monotonic() - started, 3)
    key = plan.keys[planned.part].digest
    done = DoneUnit(number, key, rows, kept.total, kept.reused, seconds, platform.node())
    try:
        store.files.write(done_name(plan.digest, number), json.dumps(asdict(done)).encode())
    except OSError as error:
        raise DataError(
            f"cannot mark unit {number} as done in {store.name} ({error.strerror or error}); free some room there, or "
            "correct the access, and run it again"
        ) from error
    return done


def no_such_unit(number: int, count: int) -> str:
    """Say that a plan does not have a unit.

    Args:
        number: The number of the unit.
        count: The number of the units of the plan.

    Example:
        >>> no_such_unit(7, 3)
        'there is no unit 7; the plan has the units 0 to 2'
    """
    has = "only the unit 0" if count == 1 else f"the units 0 to {count - 1}"
    return f"there is no unit {number}; the plan has {has}"


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
