"""Reads outputs in the layouts of other libraries with these libraries, and compares rows with those of chatmill.

    python tests/trainers/layouts.py --environments build/trainers [--rows 500] [--seed 1]

`make trainers` makes the environment and calls it. A library that is not installed is SKIPPED.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import chatmill

HERE = Path(__file__).parent
DEFINITION = HERE.parent / "data" / "byte_tokenizer.json"
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"

#: The library that reads each layout, its environment, and whether it reads packs too. streaming needs older versions.
LAYOUTS: dict[Any, tuple[str, str, bool]] = {
    "hf": ("datasets", "layouts", True),
    "megatron": ("megatron-core", "layouts", True),
    "mds": ("mosaicml-streaming", "streaming", True),
    "datatrove": ("datatrove", "layouts", False),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (place / "rows.jsonl").open("w", encoding="utf-8") as file:
            for _ in range(options.rows):
                texts = ["".join(numbers.choices("abc def\né", k=numbers.randint(1, 90))) for _ in range(4)]
                messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
                file.write(json.dumps({"messages": messages}) + "\n")
        tokenizer = chatmill.Tokenizer.from_pretrained(DEFINITION)
        chatmill.prepare(
            place / "rows.jsonl",
            tokenizer=tokenizer,
            template=chatmill.ChatTemplate(TEMPLATE),
            output=place / "rows",
            validation=20,
            progress=False,
        )
        chatmill.pack(place / "rows", 512, place / "packs", seed=options.seed)
        for name in ("rows", "packs"):
            for layout, (library, environment, reads_packs) in LAYOUTS.items():
                python = (options.environments / environment / "bin" / "python").absolute()
                if not python.exists():
                    print(f"layout {layout}: SKIPPED, because {library} is not installed")
                    continue
                if name == "packs" and not reads_packs:
                    continue
                output = place / f"{name}-{layout}"
                size = 300 if name == "rows" else None  # ids of two bytes, and of four
                chatmill.convert(place / name, layout, output, shard_tokens=20_000, vocabulary_size=size)
                found = read(python, layout, output)
                expected = {split: rows_of(own) for split, own in chatmill.open(place / name).splits.items()}
                if found != expected:
                    raise SystemExit(f"layout {layout}: {library} reads other {name} than chatmill wrote")
                count = sum(map(len, expected.values()))
                print(f"layout {layout}: {library} reads the same {count} {name}", flush=True)


def rows_of(rows: chatmill.TokenRows) -> list[Any]:
    """The ids, the mask and the lengths of the rows of a pack, for each row."""
    return [[row.input_ids, [int(it) for it in row.mask], row.marks.get("seq_lengths")] for row in rows]


def read(python: Path, layout: str, output: Path) -> Any:
    """The rows as the library reads them."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [str(python), str(HERE / "read_layout.py"), layout, str(output)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    if done.returncode:
        raise SystemExit(f"layout {layout}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
