"""Runs the scripts of docs/training.md, each in the environment of its trainer, for two steps on the CPU.

    python tests/trainers/run.py --environments build/trainers [--only trl hf …]

`make trainers` makes the environments and calls it. Each part of the page runs as it is, in a folder of its own, with a
tiny random model at the place of the model that it names. A trainer that is not installed is SKIPPED.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "training.md"
MODEL = "Qwen/Qwen3-0.6B"
_TIMEOUT = 1800


@dataclass(frozen=True)
class Training:
    """A part of the page.

    Attributes:
        heading: Its heading.
        environment: The environment that runs it.
        kind: The kind of its rows, for `recorded.py`.
        folder: The output that it opens.
        module: The module of the trainer's command, if the part has a config instead of a script.
        arguments: The arguments before the config.
        on_the_cpu: Lines that the config needs to train in float32.
    """

    heading: str
    environment: str
    kind: str
    folder: str
    module: str = ""
    arguments: tuple[str, ...] = ()
    on_the_cpu: str = ""


TRAININGS = {
    "trl": Training("TRL: supervised fine-tuning", "trl", "labels", "tokens"),
    "trl-padding-free": Training("TRL: supervised fine-tuning without padding", "trl", "labels", "tokens"),
    "trl-dpo": Training("TRL: preferences (DPO)", "trl", "pairs", "pairs"),
    "trl-reward": Training("TRL: reward model", "trl", "conversations", "conversations"),
    "hf": Training("Trainer of transformers", "trl", "labels", "tokens"),
    "axolotl": Training(
        "axolotl", "axolotl", "labels", "tokens", "axolotl.cli.train", on_the_cpu="bf16: false\nfp16: false\n"
    ),
    "llama-factory": Training("LLaMA-Factory", "llama-factory", "labels", "tokens", "llamafactory.cli", ("train",)),
}

ANSWERS = ["Eight.", "A spider has eight legs, " * 60, "I do not know; look it up, please.", "8"]


def write_rows(folder: Path) -> None:
    """Four rows of each kind; one of them has more than 1,024 tokens."""
    questions = [f"How many legs has spider number {number}?" for number in range(len(ANSWERS))]
    rows, pairs = [], []
    for number, (question, answer) in enumerate(zip(questions, ANSWERS, strict=True)):
        user, assistant = {"role": "user", "content": question}, {"role": "assistant", "content": answer}
        more = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Evolution."}] * (number % 2)
        rows.append({"messages": [user, assistant, *more]})
        worse = {"role": "assistant", "content": "Six" + "!" * number}
        pairs.append({"prompt": [user], "chosen": [assistant], "rejected": [worse]})
    for name, own in (("rows.jsonl", rows), ("preferences.jsonl", pairs)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in own), "utf-8")


def part_of_page(heading: str) -> tuple[str, str, str]:
    """The command, the language and the text of the script or config under a heading."""
    parts = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", PAGE.read_text("utf-8"), re.MULTILINE))
    script = re.search(r"^```(python|yaml)\n(.*?)^```", parts[heading], re.MULTILINE | re.DOTALL)
    command = re.search(r"^    (chatmill prepare .+)$", parts[heading], re.MULTILINE)
    if command is None:  # the part says that the output is that of the part before
        before = list(parts)[list(parts).index(heading) - 1]
        command = re.search(r"^    (chatmill prepare .+)$", parts[before], re.MULTILINE)
    if script is None or command is None:
        raise SystemExit(f"{PAGE}, {heading}: no script or no command")
    return command[1], script[1], script[2]


def run(training: Training, python: Path, folder: Path) -> str:
    """Run a part of the page in a fresh folder, and return a line about it."""
    command, language, text = part_of_page(training.heading)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONWARNINGS": "ignore",
        "DO_NOT_TRACK": "1",
        "AXOLOTL_DO_NOT_TRACK": "1",
    }
    made = [str(python), str(HERE / "tiny_model.py"), MODEL]
    subprocess.run(made, cwd=folder, env=environment, check=True, capture_output=True, timeout=_TIMEOUT)
    write_rows(folder)
    prepare = [sys.executable, "-m", "chatmill", *command.split()[1:]]
    subprocess.run(prepare, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT)
    script = folder / ("train.py" if language == "python" else "config.yaml")
    script.write_text(text + training.on_the_cpu, "utf-8")
    target = [str(script)] if language == "python" else [training.module, *training.arguments, str(script)]
    recorded = [str(python), str(HERE / "recorded.py"), training.kind, training.folder, "--", *target]
    done = subprocess.run(
        recorded, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if done.returncode:
        raise SystemExit(f"{training.heading}:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    steps = [
        ", ".join(f"{name} {value:.4f} (by hand {step['by_hand'][name]:.4f})" for name, value in step["logged"].items())
        for step in result["steps"]
    ]
    return f"rows of {result['tokens']} tokens; " + "; ".join(steps)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(TRAININGS), choices=list(TRAININGS))
    options = parser.parse_args()
    for name in options.only:
        training = TRAININGS[name]
        python = (options.environments / training.environment / "bin" / "python").absolute()
        if not python.exists():
            print(f"{name}: SKIPPED, because {training.environment} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {run(training, python, Path(folder))}", flush=True)


if __name__ == "__main__":
    main()
