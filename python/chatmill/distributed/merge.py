"""`merge`: writes the output of a plan whose units are done, as one run would have written it."""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chatmill._chatmill import DataError
from chatmill.distributed.plan import DistributedPlan
from chatmill.distributed.unit import done_name
from chatmill.outputs.destination import manifest_of
from chatmill.outputs.place import names_of
from chatmill.outputs.url import output_name
from chatmill.pipeline.planned import PlannedRun
from chatmill.pipeline.progress import run_shown
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import PrintedReport

# A store takes a while for each answer.
_THREADS = 16


def missing_units(plan: DistributedPlan) -> Iterator[int]:
    """Find the units that are not done.

    Args:
        plan: The plan.

    Yields:
        Their numbers.

    Raises:
        DataError: A unit was made with another tokenizer, template or option.
    """
    files, digest = plan.store.files, plan.digest
    with ThreadPoolExecutor(_THREADS, "chatmill-units") as pool:
        contents = list(pool.map(files.read, [done_name(digest, number) for number in range(len(plan.units))]))
    for number, (unit, content) in enumerate(zip(plan.units, contents, strict=True)):
        try:
            found = {} if content is None else json.loads(content.to_pybytes())
        except ValueError:
            found = {}
        if not isinstance(found, dict) or "key" not in found:
            yield number
            continue
        if found["key"] != plan.keys[plan.files[unit.file].part].digest:
            raise DataError(f"unit {number} was made with other options than the plan; run it again")


def merge(plan: DistributedPlan) -> PrepareReport:
    """Write the output of a plan.

    The inputs are read again, for the places and the content of rejected rows, but no text is tokenized. The output,
    its manifest and its rejects are those of a single run.

    Args:
        plan: The plan.

    Returns:
        Counts, rejects and files.

    Raises:
        DataError: A unit is not done, an input has changed, or the output cannot be written.
    """
    run, missing = plan.run(), list(missing_units(plan))
    if missing:
        raise DataError(_missing(missing, plan, run.options.folder))
    options = replace(
        run.options, cache=plan.blocks, cache_bytes=None, now=plan.now, resume=True, fresh=False, only_kept=True
    )
    report = PrintedReport.of(run_shown(PlannedRun(lambda _now: plan.parts(), options, run.progress)))
    if not plan.keeps_blocks:
        plan.store.remove()
    return report


def _missing(units: Sequence[int], plan: DistributedPlan, output: str | os.PathLike[str]) -> str:
    numbers, command = names_of([str(it) for it in units]), f"`chatmill run-unit PLAN {units[0]}`"
    if len(units) == 1:
        text = f"unit {numbers} of the plan is not done; run it with {command}"
    else:
        text = (
            f"{len(units):,} of the {len(plan.units):,} units of the plan are not done ({numbers}); run each of them, "
            f"the first with {command}"
        )
    # A merge removes the blocks, so the second one finds nothing.
    if len(units) == len(plan.units) and manifest_of(output) is not None:
        text += f". {output_name(output)} has a complete output: if an earlier merge of this plan wrote it, all is done"
    return text
