"""Reads an output with the library of its layout, and prints its rows. It runs where these libraries are.

    python tests/trainers/read_layout.py LAYOUT FOLDER

It prints one line of JSON: for each split the rows, each with its ids, its mask, and the lengths of the rows of a pack
or null.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any


def hf(folder: Path, split: str) -> list[Any]:
    from datasets import load_from_disk

    rows = load_from_disk(str(folder))[split]
    return [[row["input_ids"], masked(row["labels"]), row.get("seq_lengths")] for row in rows]


def megatron(folder: Path, split: str) -> list[Any]:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    ids = IndexedDataset(str(folder / split / f"{split}_text_document"))
    masks = IndexedDataset(str(folder / split / f"{split}_loss_mask_document"))
    bounds = ids.document_indices.tolist()
    assert bounds == masks.document_indices.tolist()
    is_packed = len(ids) != len(bounds) - 1
    rows = []
    for start, end in pairwise(bounds):
        own = [ids[at].tolist() for at in range(start, end)]
        mask = [masks[at].tolist() for at in range(start, end)]
        rows.append([list(chain(*own)), list(chain(*mask)), [len(it) for it in own] if is_packed else None])
    return rows


def mds(folder: Path, split: str) -> list[Any]:
    from streaming import StreamingDataset

    rows = StreamingDataset(local=str(folder), split=split, batch_size=1, shuffle=False)
    found = []
    for at in range(len(rows)):
        row = rows[at]
        lengths = row["seq_lengths"].tolist() if "seq_lengths" in row else None
        found.append([row["input_ids"].tolist(), masked(row["labels"].tolist()), lengths])
    return found


def datatrove(folder: Path, split: str) -> list[Any]:
    import numpy as np
    from datatrove.utils.dataset import DatatroveFileDataset

    rows = []
    for path in sorted((folder / split).glob("*.ds")):
        size = int(Path(f"{path}.metadata").read_text("utf-8").splitlines()[0].split("|")[1])
        tokens = path.stat().st_size // size
        # One window over the whole file. The positions of its tokens come from the index.
        window = DatatroveFileDataset(str(path), tokens - 1, token_size=size, return_positions=True)[0]
        positions = window["positions"].tolist()
        starts = [at for at, position in enumerate(positions) if position == 0]
        loss = np.fromfile(f"{path}.loss", "?").astype(int).tolist()
        ids = window["input_ids"].tolist()
        rows += [[ids[a:b], loss[a:b], None] for a, b in zip(starts, [*starts[1:], tokens], strict=True)]
    return rows


def masked(labels: list[int]) -> list[int]:
    return [int(label != -100) for label in labels]


READERS: dict[str, Callable[[Path, str], list[Any]]] = {
    "hf": hf,
    "megatron": megatron,
    "mds": mds,
    "datatrove": datatrove,
}


def main() -> None:
    layout, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps({split: READERS[layout](folder, split) for split in ("train", "validation")}))


if __name__ == "__main__":
    main()
