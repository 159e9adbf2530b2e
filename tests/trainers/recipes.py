"""Compares batches with those of PEFT and accelerate, prompts with those of transformers' agents, and the rows of Ray
and Spark with those of a mill.

    python tests/trainers/recipes.py --environments build/trainers [--only trl …] [--seed 1]

`make trainers` makes the environments and calls it. A trainer that is not installed is SKIPPED.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "python"
# The environments, and what runs in them.
SCRIPTS = {
    "trl": ["padded_batches.py"],
    "agents": ["agents_prompts.py"],
    "first-agents": ["agents_prompts.py"],
    "ray": ["ray_mill.py", "ray_prepare.py"],
    "spark": ["spark.py"],
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(SCRIPTS), choices=list(SCRIPTS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in options.only:
        python = (options.environments / name / "bin" / "python").absolute()
        if not python.exists():
            print(f"recipes of {name}: SKIPPED, because it is not installed")
            continue
        # chatmill is not installed there: its code is that of this checkout.
        path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        for script in SCRIPTS[name]:
            command = [str(python), str(HERE / script), str(options.seed)]
            if subprocess.run(command, env=environment, check=False, timeout=1800).returncode:
                raise SystemExit(f"recipes of {name}: {script} failed")


if __name__ == "__main__":
    main()
