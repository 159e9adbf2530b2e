"""Corruptions of rows in outputs of any layout: rows are read, changed, and written again with right checksums."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import chatmill
from forged_layouts import resize, rewrite

# More than the vocabulary has: another id could be right in a masked place.
_UNKNOWN = 60_000
_OF_TOKENS = ("labels", "weights", "attention_mask", "position_ids", "segment_ids", "loss_mask")
_ANSWERS = ("input_ids", "completion_ids", "chosen_ids", "prompt_ids")


def edit_written(output: Path, chance: random.Random) -> str:
    """Change an id, remove a label or cut a row, and write the rows again in their layout."""
    split = chance.choice([split for split, rows in chatmill.open(output).splits.items() if len(rows)])
    done = []

    def change(rows: list[Any]) -> None:
        at = chance.choice([at for at, row in enumerate(rows) if any(row.get(name) for name in _ANSWERS)])
        row = rows[at]
        name = next(name for name in _ANSWERS if row.get(name))
        trained = [place for place, label in enumerate(row.get("labels", ())) if label != -100 and place]
        way = chance.choice(["id", "end", *(["label"] if trained else [])])
        done.append(f"{way} of row {at} of {split}")
        if way == "label":
            _unlabel(row, chance.choice(trained))
        elif way == "id":
            place = chance.randrange(len(row[name]))
            row[name][place] = _UNKNOWN
            if place in trained:
                row["labels"][place] = _UNKNOWN
        else:
            _cut(row, name)

    rewrite(output, change, split)
    return f"{done[0]} changed, written again with right checksums"


def drop_written(output: Path, chance: random.Random) -> str:
    """Remove, repeat or move a row, and write the rows again in their layout; nothing if there are no rows."""
    manifest = json.loads((output / "_manifest.json").read_text("utf-8"))
    splits = [split for split, rows in chatmill.open(output).splits.items() if len(rows) > 1]
    if not splits:
        return ""
    split = chance.choice(splits)
    has_order = "row" in manifest["layout"].get("columns", ()) and "arranged" not in manifest["counts"]
    way = chance.choice(["removed", "repeated", *(["moved"] if has_order else [])])

    def change(rows: list[Any]) -> None:
        at = chance.randrange(len(rows))
        if way == "removed":
            rows.pop(at)
        elif way == "repeated":
            rows.insert(at, rows[at])
        else:
            rows.append(rows.pop(0))

    rewrite(output, change, split)
    return f"a row of {split} {way}, written again with right checksums"


def _unlabel(row: Any, place: int) -> None:
    row["labels"][place] = -100
    if "weights" in row:
        row["weights"][place] = 0.0


def _cut(row: Any, name: str) -> None:
    """Remove the last token, with all that tells of it."""
    row[name].pop()
    for other in _OF_TOKENS if name == "input_ids" else ():
        if other in row:
            row[other].pop()
    if "seq_lengths" in row:
        row["seq_lengths"][-1] -= 1
        row["seq_lengths"] = [length for length in row["seq_lengths"] if length]
    if name == "input_ids":
        resize(row)
    elif "length" in row:
        row["length"] -= 1
