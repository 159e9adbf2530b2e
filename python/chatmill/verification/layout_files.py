"""`check_layout_files`: whether a manifest lists the files of its layout: shards, and what is beside them."""

from collections.abc import Mapping
from typing import Any

from chatmill.outputs.layout_name import layout_name
from chatmill.trainers.splits import TRAINING, VALIDATION
from chatmill.verification.faults import Faults

#: The shards of each split in a manifest.
SHARDS = {TRAINING: "shards", VALIDATION: "validation_shards"}
# The name of a shard by its split and its number. Earlier versions had `part` in place of the split.
_SHARD_NAMES = {
    "arrow": ("{split}-{number:05d}.arrow",),
    "hf": ("{split}-{number:05d}.arrow", "part-{number:05d}.arrow"),
    "parquet": ("{split}-{number:05d}.parquet", "part-{number:05d}.parquet"),
    "nemo": ("{split}-{number:05d}.parquet", "part-{number:05d}.parquet"),
    "megatron": ("{split}_text_document.bin",),
    "mds": ("shard.{number:05d}.mds",),
    "datatrove": ("{split}-{number:05d}.ds",),
    "olmo": ("token_ids_part_{number:04d}.npy",),
}


def check_layout_files(manifest: Mapping[str, Any], name: str, faults: Faults) -> None:
    """Check the names of shards, and that the files beside them are listed with their numbers of rows.

    Args:
        manifest: The manifest.
        name: Its name.
        faults: Takes the faults.
    """
    layout = layout_name(manifest) or ""
    expected: dict[str, int | None] = {}
    for split, key in SHARDS.items():
        for number, shard in enumerate(manifest.get(key) or ()):
            within, slash, file = shard["file"].rpartition("/")
            if file not in [it.format(split=split, number=number) for it in _SHARD_NAMES[layout]] or (
                layout == "megatron" and number
            ):
                faults.add("shard_order", name, f"shard {number} of {key} is {shard['file']}")
            for other, has_rows in _beside(layout, file, manifest):
                # The lines of other files are counted where the files are.
                expected[f"{within}{slash}{other}"] = shard["rows"] if has_rows else None
    listed = {it["file"]: it["rows"] for it in manifest.get("layout_files") or ()}
    for file in sorted(expected.keys() ^ listed):
        problem = f"the layout {layout} has this file, but the manifest does not list it"
        faults.add("layout_files", file, problem if file in expected else f"the layout {layout} has no such file")
    for file in sorted(expected.keys() & listed):
        if expected[file] is not None and expected[file] != listed[file]:
            problem = f"the manifest lists {listed[file]:,} rows, but {expected[file]:,} in its shard"
            faults.add("layout_files", file, problem)


def _beside(layout: str, file: str, manifest: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return the files beside a shard, and whether they have its rows."""
    if layout == "megatron":
        stem = file.removesuffix("_text_document.bin")
        companion = f"{stem}_{manifest['layout']['companion']}_document"
        return [(f"{stem}_text_document.idx", True), (f"{companion}.bin", True), (f"{companion}.idx", True)]
    if layout == "mds":
        return [("index.json", False)]
    if layout == "datatrove":
        return [(f"{file}.index", True), (f"{file}.loss", True), (f"{file}.metadata", False)]
    if layout == "olmo":
        mask = file.replace("token_ids", "labels_mask")
        return [(mask, True), (f"{file.removesuffix('.npy')}.csv.gz", True)]
    return []
