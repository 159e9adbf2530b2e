"""Packs tables of lengths with a trainer's own code. Runs in the environment of the trainer.

    python packs_of_trainer.py trl|axolotl|llama-factory|nemo < tables.json > packs.json

A table has `lengths`, `max_length` and `strategy`. The id of each token has the number of its row and its own, so that
packs show which tokens they have.
"""

from __future__ import annotations
import __future__

import ast
import bisect
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TOKENS = 1 << 16


def trl(table: dict[str, Any]) -> list[Any]:
    """The packs of TRL, as the ids of their tokens."""
    from datasets import Dataset
    from trl import pack_dataset

    rows = [[row * TOKENS + at for at in range(length)] for row, length in enumerate(table["lengths"])]
    packed = pack_dataset(Dataset.from_dict({"input_ids": rows}), table["max_length"], table["strategy"])
    return list(packed["input_ids"])


def axolotl(table: dict[str, Any]) -> list[Any]:
    """The packs of axolotl, as the numbers of rows."""
    import numpy as np
    from axolotl.utils.samplers.multipack import pack_group

    lengths = np.array(table["lengths"])
    packs = pack_group(lengths, 0, table["max_length"], len(lengths), table["max_rows"])
    return [[int(row) for row in pack] for pack in packs]


def llama_factory(table: dict[str, Any]) -> list[Any]:
    """The packs of LLaMA-Factory, as lengths of rows."""
    # Alone, because the package imports torchaudio, whose CPU version may not fit torch.
    scope = functions_of("llamafactory", "data/processor/processor_utils.py")
    packs: list[Any] = scope["greedy_knapsack"](list(table["lengths"]), table["max_length"])
    return packs


def nemo(table: dict[str, Any]) -> list[Any]:
    """The packs of Megatron-Bridge, which NeMo uses, as lengths of rows."""
    # Alone, because the package imports Megatron, which needs a GPU to install.
    scope = functions_of("megatron", "bridge/data/datasets/packing_utils.py")
    name = {"ffd": "first_fit_decreasing", "first_fit": "first_fit"}[table["strategy"]]
    packs: list[Any] = scope[name](list(table["lengths"]), table["max_length"])
    return packs


def functions_of(package: str, path: str) -> dict[str, Any]:
    """The functions of one file of a package that is not imported."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    (place,) = spec.submodule_search_locations
    file = Path(place, path)
    functions = [it for it in ast.parse(file.read_text("utf-8")).body if isinstance(it, ast.FunctionDef)]
    scope: dict[str, Any] = {"bisect": bisect}
    # Annotations name what the file imports.
    flags = __future__.annotations.compiler_flag
    exec(compile(ast.Module(functions, []), str(file), "exec", flags), scope)
    return scope


def main() -> None:
    tables = json.load(sys.stdin)
    packer = {"trl": trl, "axolotl": axolotl, "llama-factory": llama_factory, "nemo": nemo}[sys.argv[1]]
    packs = []
    for number, table in enumerate(tables):
        packs.append(packer(table))
        if number % 50 == 0:
            print(f"{number} of {len(tables)}", file=sys.stderr)
    json.dump(packs, sys.stdout)


if __name__ == "__main__":
    main()
