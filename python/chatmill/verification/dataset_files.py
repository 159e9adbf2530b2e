"""`check_dataset_files`: whether the files by which `datasets` opens Arrow shards describe these shards."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.dataset_folder import dataset_files
from chatmill.outputs.layout_name import layout_name
from chatmill.outputs.shards import Shard
from chatmill.verification.faults import Faults
from chatmill.verification.shards import READ_ERRORS


def check_dataset_files(folder: Path, manifest: Mapping[str, Any], intact: AbstractSet[str], faults: Faults) -> None:
    """Check the descriptions of the datasets of an output.

    Args:
        folder: The output.
        manifest: Its manifest.
        intact: The files whose content is the one that was written.
        faults: Takes the faults.
    """
    splits = [[_shard(it) for it in manifest.get(key) or ()] for key in ("shards", "validation_shards")]
    listed = {it["file"] for it in manifest.get("dataset_files", ())}
    if layout_name(manifest) != "hf":
        if listed:
            faults.add("dataset_files", min(listed), "only folders for `load_from_disk` have this file")
        return
    if any(shard.file not in intact for shards in splits for shard in shards[:1]):
        return
    try:
        expected = dataset_files(folder, *splits)
    except (DataError, *READ_ERRORS) as error:
        faults.add("unreadable", splits[0][0].file, f"its columns cannot be read ({error})")
        return
    for name in sorted(expected.keys() ^ listed):
        problem = "a folder for `load_from_disk` has this file, but the manifest does not list it"
        faults.add("dataset_files", name, problem if name in expected else "no output has this file")
    for name in sorted(expected.keys() & listed & intact):
        if (folder / name).read_bytes() != expected[name]:
            faults.add("dataset_files", name, "it does not describe the shards of the output")


def _shard(record: Mapping[str, Any]) -> Shard:
    return Shard(record["file"], record["rows"], record["bytes"], record["sha256"], record["tokens"])
