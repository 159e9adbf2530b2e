"""`merge`: writes the output of a plan whose units are done, as one run would have written it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chatmill._chatmill import DataError
from chatmill.distributed.plan import DistributedPlan
from chatmill.distributed.unit import done_name
from chatmill.outputs.place import names_of
from chatmill.pipeline.planned import PlannedRun
from chatmill.pipeline.progress import run_shown
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.summary import PrintedReport
from chatmill.resume.open_cache import open_cache

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
    files, digest = open_cache(plan.blocks).files, plan.digest
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
    missing = list(missing_units(plan))
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(plan.units):,} units are not done ({names_of([str(it) for it in missing])}); "
            f"run each with `chatmill run-unit PLAN {missing[0]}`"
        )
    run = plan.run()
    options = replace(run.options, cache=plan.blocks, now=plan.now, resume=True, fresh=False, only_kept=True)
    report = PrintedReport.of(run_shown(PlannedRun(lambda _now: plan.parts(), options, run.progress)))
    if not plan.keeps_blocks:
        open_cache(plan.blocks).remove()
    return report
