"""Writes outputs to a local object store, moto's S3, also with kills, and compares them with local outputs.

    python tests/trainers/remote.py --environments build/trainers [--kills 12] [--rows 3000] [--seed 1]

`make trainers` makes the environment and calls it. If it is not there, the comparison is SKIPPED.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "python"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environments", type=Path, required=True)
    for name, default in (("kills", 12), ("rows", 3000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    python = (options.environments / "s3" / "bin" / "python").absolute()
    if not python.exists():
        print("remote outputs: SKIPPED, because s3fs and moto are not installed")
        return
    # chatmill is not installed there: its code is that of this checkout.
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PYTHONPATH": path,
            "CHATMILL_CACHE": str(Path(folder, "cache")),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        command = [str(python), str(HERE / "to_s3.py"), folder]
        command += [str(options.kills), str(options.rows), str(options.seed)]
        if subprocess.run(command, env=environment, check=False, timeout=1800).returncode:
            raise SystemExit("remote outputs: failed")


if __name__ == "__main__":
    main()
