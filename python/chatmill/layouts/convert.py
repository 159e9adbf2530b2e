"""`convert`: a finished output in another layout."""

import os
import shutil
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePath
from typing import Any

from chatmill._chatmill import DataError, __version__
from chatmill.layouts.choice import layout_named
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.reading import reading
from chatmill.layouts.source import LayoutSource
from chatmill.layouts.target import LayoutTarget
from chatmill.options.choices import Compression, LayoutName
from chatmill.outputs.apart import check_separate
from chatmill.outputs.beside import copy_beside
from chatmill.outputs.checksums import WrittenFile, sha256_of
from chatmill.outputs.destination import new_output
from chatmill.outputs.durable import sync_file
from chatmill.outputs.manifest import write_manifest
from chatmill.outputs.shards import SHARD_TOKENS, Shard, in_subfolder
from chatmill.outputs.url import output_name
from chatmill.trainers.splits import TRAINING, VALIDATION


@dataclass(frozen=True)
class ConvertedReport:
    """The result of `convert`. `str` gives its lines.

    Attributes:
        output: The new output.
        layout: Its layout.
        rows: The number of rows of each split.
        tokens: The number of tokens of each split.
        notes: What the layout does not hold, as sentences.
        seconds: The time of the run.
    """

    output: PurePath
    layout: LayoutName
    rows: dict[str, int]
    tokens: dict[str, int]
    notes: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        counts = [f"{split}: {rows:,} rows, {self.tokens[split]:,} tokens" for split, rows in self.rows.items()]
        place = f"written to {self.output} in the layout {self.layout}, in {self.seconds:.1f} s"
        return "\n".join([*counts, *self.notes, place])


def convert(
    tokens: str | os.PathLike[str],
    to: LayoutName,
    output: str | os.PathLike[str],
    *,
    shard_tokens: int = SHARD_TOKENS,
    compression: Compression | None = None,
    vocabulary_size: int | None = None,
    overwrite: bool = False,
) -> ConvertedReport:
    """Write a finished output in another layout. Memory does not grow with the rows.

    Args:
        tokens: The folder of an output of `prepare`, `pack` or `convert`.
        to: The new layout: `"parquet"`, `"arrow"`, `"hf"`, `"megatron"`, `"nemo"`, `"mds"`, `"datatrove"` or `"olmo"`.
        output: The new output: a folder, or a URL such as `s3://bucket/tokens`.
        shard_tokens: Tokens per file, in layouts with several files.
        compression: The compression of Parquet files: `"zstd"` (the default), `"snappy"` or `"none"`.
        vocabulary_size: The number of ids of the tokenizer with all added tokens, which decides how many bytes an
            id takes in the layouts megatron, datatrove and olmo. None for that of the tokenizer in the output; without
            one, ids take four bytes.
        overwrite: Replace an unchanged output of chatmill.

    Returns:
        Counts, and what the layout does not hold.

    Raises:
        DataError: The folder is not an output of chatmill or was changed, the layout cannot hold its rows, or the
            output cannot be written.

    Example:
        >>> print(chatmill.convert("tokens", "megatron", "tokens-megatron"))  # doctest: +SKIP
        train: 10,000 rows, 5,820,144 tokens
        written to tokens-megatron in the layout megatron, in 1.2 s
    """
    started = time.monotonic()
    _check_vocabulary_size(vocabulary_size)
    layout_named(to)
    source = LayoutSource(tokens)
    # First, so that a damaged file is called so.
    identities = source.check_sums()
    contents = source.contents
    if vocabulary_size is not None:
        contents = replace(contents, vocabulary_size=vocabulary_size)
    target = LayoutTarget(to, contents, WriteOptions(shard_tokens, compression))
    check_separate(output, source.output.folder)
    with new_output(output, overwrite=overwrite) as staged:
        shards: dict[str, list[Shard]] = {}
        for split in source.splits:
            within = split if len(source.splits) > 1 else ""
            (staged.folder / within).mkdir(exist_ok=True)
            with target.writer(staged.folder / within, split) as writer:
                for batch in source.batches(split):
                    writer.write(batch)
                shards[split] = in_subfolder(writer.finish(), within)
        files = target.finish(staged.folder, shards)
        with reading(source.output.folder):
            copied, packs = _copy(source, staged.folder)
        source.check_unchanged(identities)
        manifest = _manifest(source, target, shard_tokens)
        manifest["shards"] = [shard.record() for shard in shards[TRAINING]]
        if VALIDATION in shards:
            manifest["validation_shards"] = [shard.record() for shard in shards[VALIDATION]]
        if packs:
            manifest["packs"] = [file.record() for file in packs]
        write_manifest(staged.folder, manifest)
        staged.commit([*(it for own in shards.values() for it in own), *files, *copied, *packs])
    rows = {split: sum(it.rows for it in own) for split, own in shards.items()}
    counted = {split: sum(it.tokens for it in own) for split, own in shards.items()}
    notes = (*target.notes, *staged.warnings)
    return ConvertedReport(output_name(output), to, rows, counted, notes, time.monotonic() - started)


def _copy(source: LayoutSource, folder: Path) -> tuple[list[WrittenFile], list[WrittenFile]]:
    """Copy the files beside the rows, and the plans of packs."""
    output = source.output
    beside = copy_beside(output.manifest, output.folder, folder)
    packs = []
    for record in output.manifest.get("packs") or ():
        path = folder / record["file"]
        shutil.copyfile(output.folder / record["file"], path)
        sync_file(path)
        packs.append(WrittenFile(record["file"], record["rows"], path.stat().st_size, sha256_of(path)))
    return beside, packs


def _manifest(source: LayoutSource, target: LayoutTarget, shard_tokens: int) -> dict[str, Any]:
    """Return the manifest without the shards: what made the tokens stays."""
    left_out = {"shards", "validation_shards", "layout", "layout_files", "dataset_files", "packs"}
    return {
        **{name: value for name, value in source.output.manifest.items() if name not in left_out},
        "chatmill": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        # The columns and files of a trainer may be others now.
        "options": {
            **source.output.options,
            "shard_tokens": shard_tokens,
            "compression": target.compression,
            "trainer": None,
        },
        **target.record(
            source={
                "folder": str(source.output.folder),
                "layout": source.layout.name,
                "manifest_sha256": sha256_of(source.output.manifest_path),
            },
            **_lost_labels(source, target),
        ),
        # The rejected rows stay with the output that `prepare` made.
        "rejects": None,
    }


def _lost_labels(source: LayoutSource, target: LayoutTarget) -> dict[str, Any]:
    """Return what the manifest records of labels that were lost here or before; nothing if all are there."""
    if (source.output.options.get("trainer") or {}).get("name") == "nemo":
        # It did not count them.
        return {"lost_labels": None}
    earlier = (source.output.manifest.get("layout") or {}).get("lost_labels", {})
    if earlier is None:
        return {"lost_labels": None}
    lost = {split: earlier.get(split, 0) + target.lost_labels.get(split, 0) for split in source.splits}
    return {"lost_labels": lost} if any(lost.values()) else {}


def _check_vocabulary_size(size: int | None) -> None:
    """Check the size of a vocabulary that the user gave.

    Args:
        size: The size.

    Raises:
        DataError: It is below 1.
    """
    if size is not None and size < 1:
        raise DataError(f"`vocabulary_size` is {size}; give the number of ids of the tokenizer with all added tokens")
