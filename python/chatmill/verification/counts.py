"""`check_counts`: whether the numbers of a manifest agree with one another; `check_totals`: and with the rows."""

import math
from collections.abc import Mapping
from typing import Any

from chatmill.trainers.splits import TRAINING, VALIDATION
from chatmill.verification.columns import Columns
from chatmill.verification.faults import Faults
from chatmill.verification.layout_files import SHARDS
from chatmill.verification.totals import Totals


def check_counts(manifest: Mapping[str, Any], name: str, faults: Faults) -> None:
    """Check the numbers of a manifest.

    Args:
        manifest: The manifest.
        name: Its name.
        faults: Takes the faults.
    """
    counts, options = manifest["counts"], manifest["options"]
    rejects = manifest["rejects"]
    arranged = counts.get("arranged")
    sums = _Sums(name, faults)
    sums.equal("rows of all inputs", sum(it["rows"] for it in manifest["inputs"]), "counts.rows_in", counts["rows_in"])
    accepted = counts["rows_out"] + counts["rejected"]
    sums.equal("counts.rows_in", counts["rows_in"], "accepted and rejected rows", accepted)
    of_reasons = sum(counts["rejected_by_reason"].values())
    sums.equal("counts.rejected", counts["rejected"], "counts.rejected_by_reason", of_reasons)
    sums.at_most("counts.rows_out", counts["rows_out"], "counts.samples", counts["samples"])
    sums.at_most("counts.trained_tokens", counts["trained_tokens"], "counts.tokens", counts["tokens"])
    sums.at_most("counts.untrained", counts["untrained"], "counts.samples", counts["samples"])
    if "parts" in manifest:
        files = sum(part.get("files", 0) for part in manifest["parts"])
        sums.equal("files of parts", files, "inputs", len(manifest["inputs"]))
    packing = options.get("packing")
    # `pack` and `convert` leave the rejects with the rows that they read.
    is_made_of_output = packing is not None and packing["tokens"]["folder"] is not None
    is_made_of_output |= "source" in (manifest.get("layout") or {})
    if is_made_of_output:
        sums.equal("rows of rejects", 0 if rejects is None else rejects["rows"], "an output of another one", 0)
    else:
        sums.equal("rows of rejects", 0 if rejects is None else rejects["rows"], "counts.rejected", counts["rejected"])
    if arranged is not None:
        _check_arranged(manifest, arranged, sums)
    for split, key in SHARDS.items():
        rows, tokens = (sum(shard[unit] for shard in manifest.get(key) or ()) for unit in ("rows", "tokens"))
        expected = _written(counts, split)
        if packing is None:
            sums.equal(f"rows of {key}", rows, "the counts", expected["rows"])
            sums.equal(f"tokens of {key}", tokens, "the counts", expected["tokens"])
        elif manifest.get(key):
            figures = packing["report"].get(split, {})
            sums.equal(f"rows of {key}", rows, "the packs of the report", figures.get("packs"))
            sums.equal("packed rows", figures.get("rows"), "the counts", expected["rows"])
            known = figures.get("tokens", 0) + figures.get("dropped_tokens", 0) + figures.get("cut_tokens", 0)
            sums.equal("packed, dropped and cut tokens", known, "the counts", expected["tokens"])


def _check_arranged(manifest: Mapping[str, Any], arranged: Mapping[str, Any], sums: "_Sums") -> None:
    datasets = arranged["datasets"]
    weights = (manifest.get("arrangement") or {}).get("weights") or [1] * len(datasets)
    sums.equal(
        "rows of all datasets", sum(it["rows"] for it in datasets), "counts.samples", manifest["counts"]["samples"]
    )
    for unit, total in (("training", arranged["training"]["rows"]), ("validation", arranged["validation"]["rows"])):
        sums.equal(f"{unit} rows of all datasets", sum(it[unit] for it in datasets), f"{unit} rows", total)
    for unit in ("tokens", "trained_tokens"):
        written = arranged["training"][unit] + arranged["validation"][unit]
        if _is_written_once(manifest):
            sums.equal(f"{unit} of both splits", written, f"counts.{unit}", manifest["counts"][unit])
        elif all(weight <= 1 for weight in weights):
            sums.at_most(f"{unit} of both splits", written, f"counts.{unit}", manifest["counts"][unit])
    duplicates = sum(it["duplicates"] for it in datasets)
    sums.equal("duplicates of all datasets", duplicates, "counts.arranged.duplicates", arranged["duplicates"])
    if len(weights) < len(datasets):
        sums.equal("weights", len(weights), "datasets", len(datasets))
    for number, (it, weight) in enumerate(zip(datasets, weights, strict=False)):
        once = it["rows"] - it["duplicates"] - it["validation"]
        if not isinstance(weight, (int, float)) or once < 0:
            sums.equal(f"rows of dataset {number}", it["rows"], "duplicates and validation rows", it["rows"] - once)
        else:
            taken = math.floor(weight * once + 0.5)
            sums.equal(f"training rows of dataset {number}", it["training"], "its rows times its weight", taken)


def _is_written_once(manifest: Mapping[str, Any]) -> bool:
    """Return whether each sample of the run was written once, so that all of its counts are those of the files."""
    arranged = manifest["counts"].get("arranged")
    weights = (manifest.get("arrangement") or {}).get("weights") or ()
    return arranged is None or (not arranged["duplicates"] and all(weight == 1 for weight in weights))


def _written(counts: Mapping[str, Any], split: str) -> dict[str, int]:
    """Return the counts of the samples of a split."""
    if "arranged" in counts:
        written: dict[str, int] = counts["arranged"]["training" if split == TRAINING else "validation"]
        return written
    if split == VALIDATION:
        return {"rows": 0, "tokens": 0, "trained_tokens": 0}
    return {"rows": counts["samples"], "tokens": counts["tokens"], "trained_tokens": counts["trained_tokens"]}


def check_totals(
    manifest: Mapping[str, Any], name: str, columns: Columns, totals: Mapping[str, Totals], faults: Faults
) -> None:
    """Check the counts of a manifest against those of its rows.

    Args:
        manifest: The manifest.
        name: Its name.
        columns: The columns of the rows.
        totals: The counts of the rows of each split.
        faults: Takes the faults.
    """
    counts, sums = manifest["counts"], _Sums(name, faults)
    lost = _lost_labels(manifest, columns)
    for split, found in totals.items():
        trained = f"trained tokens of {split}"
        if columns.kind == "packs":
            figures = manifest["options"]["packing"].get("trained", {}).get(split)
            sums.at_most(trained, found.trained, "the counts", _written(counts, split)["trained_tokens"])
            if figures is not None:
                sums.equal(trained, found.trained, "the packs", figures["tokens"])
        elif lost is None:
            sums.at_most(trained, found.trained, "the counts", _written(counts, split)["trained_tokens"])
        else:
            held = _written(counts, split)["trained_tokens"] - lost.get(split, 0)
            sums.equal(trained, found.trained, "the counts", held)
    if columns.kind == "packs":
        return
    if _is_written_once(manifest):
        everything = Totals()
        for found in totals.values():
            everything.untrained += found.untrained
            everything.lengths.merge(found.lengths)
        if lost == {}:
            sums.equal("untrained samples", everything.untrained, "counts.untrained", counts["untrained"])
        lengths = dict(everything.lengths.percentiles())
        sums.equal("the lengths of the samples", lengths, "counts.lengths", counts["lengths"])


def _lost_labels(manifest: Mapping[str, Any], columns: Columns) -> Mapping[str, int] | None:
    """Return how many trained tokens of each split have no label in the files; None if nothing tells it."""
    layout = manifest.get("layout") or {}
    if "lost_labels" in layout:
        lost: Mapping[str, int] | None = layout["lost_labels"]
        return lost
    # `prepare` for this trainer does not count them.
    is_known = columns.kind == "answers" or "labels" in columns.needed or layout
    return {} if is_known else None


class _Sums:
    """Compares two numbers of a manifest."""

    def __init__(self, name: str, faults: Faults) -> None:
        self._name, self._faults = name, faults

    def equal(self, what: str, value: Any, other: str, expected: Any) -> None:
        if value != expected:
            self._add(f"{what}: {_shown(value)}, but {other}: {_shown(expected)}")

    def at_most(self, what: str, value: int, other: str, most: int) -> None:
        if value > most:
            self._add(f"{what}: {_shown(value)}, more than {other}: {_shown(most)}")

    def _add(self, problem: str) -> None:
        self._faults.add("counts", self._name, problem)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
