"""Forged outputs of every layout: rows that were changed and written again, with a manifest that was made to agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.source import LayoutSource
from chatmill.outputs.shards import Shard, in_subfolder
from samples import Row
from tampered_outputs import manifest_of, seal_again

#: Changes rows as Python values.
Change = Callable[[list[Row]], object]


def rewrite(output: Path, change: Change, split: str = "train") -> None:
    """Change rows of a split and write them again in the layout of the output.

    The manifest gets the new files with their sizes, checksums, rows and tokens, and a right checksum of itself.
    """
    source = LayoutSource(output)
    contents, options = source.contents, source.output.options
    table = pa.Table.from_batches(source.batches(split))
    rows, schema = table.to_pylist(), table.schema
    change(rows)
    within = source.splits[split].shards[0]["file"].rpartition("/")[0]
    writing = WriteOptions(options["shard_tokens"], "none")
    writer = source.layout.writer(output / within, split, contents, writing)
    with writer:
        writer.write(pa.RecordBatch.from_pylist(rows, schema))
        shards = in_subfolder(writer.finish(), within)
    keys = {"train": "shards", "validation": "validation_shards"}
    for record in source.splits[split].shards[len(shards) :]:
        (output / record["file"]).unlink()
    manifest = manifest_of(output)
    splits = {name: [_shard(it) for it in manifest.get(key) or ()] for name, key in keys.items()}
    splits[split] = shards
    source.layout.describe(output, {name: own for name, own in splits.items() if own})
    others = {(Path(within) / it.file).as_posix(): it.rows for it in writer.files}

    def put(manifest: Any) -> None:
        manifest[keys[split]] = [shard.record() for shard in shards]
        beside = [it for it in manifest.get("layout_files", ()) if (output / it["file"]).exists()]
        for it in beside:
            it["rows"] = others.get(it["file"], it["rows"])

    seal_again(output, put)
    seal_again(output)


def _shard(record: Any) -> Shard:
    return Shard(record["file"], record["rows"], record["bytes"], record["sha256"], record["tokens"])


def resize(row: Row) -> None:
    """Make the column `length` agree with the tokens, if it is there."""
    if "length" in row:
        row["length"] = len(row["input_ids"])
