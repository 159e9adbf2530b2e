"""`slurm_script`: a script that runs the units of a plan as an array of jobs of Slurm, and then merges them."""

import shlex

from chatmill.distributed.plan import DistributedPlan
from chatmill.text.numbers import counted

# Many installations of Slurm allow arrays of at most 1,001 jobs.
_MOST_JOBS = 1000


def slurm_script(plan: DistributedPlan, path: str) -> str:
    """Return a script for a shell that has `sbatch`.

    Args:
        plan: The plan.
        path: The file of the plan.
    """
    units = len(plan.units)
    each = -(-units // _MOST_JOBS)
    jobs = -(-units // each)
    name = shlex.quote(path)
    run = (
        f"first=$((SLURM_ARRAY_TASK_ID * {each})); chatmill run-unit {name} $first-$((first + {each - 1}))"
        if each > 1
        else f"chatmill run-unit {name} $SLURM_ARRAY_TASK_ID"
    )
    size = f"{counted(units, 'unit')} in {counted(jobs, 'job')}"
    return f"""#!/bin/sh
# {size}. Add the options of your cluster, such as --partition and --cpus-per-task.
set -e
job=$(sbatch --parsable --array=0-{jobs - 1} --requeue --job-name=chatmill --wrap={shlex.quote(run)})
sbatch --dependency=afterok:$job --job-name=chatmill-merge --wrap={shlex.quote(f"chatmill merge {name}")}
"""
