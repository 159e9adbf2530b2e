"""`convert`: a finished output in another layout."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError, __version__
from chatmill.layouts.choice import layout_named
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, WriteOptions
from chatmill.layouts.source import LayoutSource
from chatmill.options.choices import Compression, LayoutName
from chatmill.outputs.apart import check_separate
from chatmill.outputs.beside import write_beside
from chatmill.outputs.checksums import WrittenFile, sha256_of
from chatmill.outputs.durable import sync_file
from chatmill.outputs.manifest import write_manifest
from chatmill.outputs.shards import SHARD_TOKENS, Shard, in_subfolder
from chatmill.outputs.staging import staged_output
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

    output: Path
    layout: LayoutName
    rows: dict[str, int]
    tokens: dict[str, int]
    notes: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        counts = [f"{split}: {rows:,} rows, {self.tokens[split]:,} tokens" for split, rows in self.rows.items()]
        return "\n".join([*counts, *self.notes, f"{self.output} has the layout {self.layout}, {self.seconds:.1f} s"])


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
        output: The new output folder.
        shard_tokens: Tokens per file, in layouts with several files.
        compression: The compression of Parquet files: `"zstd"` (the default), `"snappy"` or `"none"`.
        vocabulary_size: The number of ids of the tokenizer with all added tokens, which decides how many bytes an
            id takes in the layouts megatron, datatrove and olmo. None for that of the tokenizer in the output; without
            one, ids take four bytes.
        overwrite: Replace an unchanged output of chatmill.

    Returns:
        Counts, and what the layout does not hold.

    Raises:
        DataError: The folder is no output of chatmill or was changed, the layout cannot hold its rows, or the output
            cannot be written.

    Example:
        >>> print(chatmill.convert("tokens", "megatron", "tokens-megatron"))  # doctest: +SKIP
        train: 10,000 rows, 5,820,144 tokens
        tokens-megatron has the layout megatron, 1.2 s
    """
    started = time.monotonic()
    _check_vocabulary_size(vocabulary_size)
    layout = layout_named(to)
    source = LayoutSource(tokens)
    # First, so that a damaged file is called so.
    identities = source.check_sums()
    contents = source.contents
    if vocabulary_size is not None:
        contents = replace(contents, vocabulary_size=vocabulary_size)
    options = WriteOptions(shard_tokens, compression)
    notes = layout.check(contents)
    check_separate(output, source.output.folder)
    with staged_output(output, overwrite=overwrite) as staged:
        shards, files, found = _write(source, layout, contents, options, staged.folder)
        notes += found
        described = layout.describe(staged.folder, shards)
        copied, packs = _copy(source, staged.folder)
        source.check_unchanged(identities)
        manifest = _manifest(source, layout, contents, options, notes)
        manifest["shards"] = [shard.record() for shard in shards[TRAINING]]
        if VALIDATION in shards:
            manifest["validation_shards"] = [shard.record() for shard in shards[VALIDATION]]
        for name, records in (("layout_files", files), ("dataset_files", described), ("packs", packs)):
            if records:
                manifest[name] = [file.record() for file in records]
        write_manifest(staged.folder, manifest)
        staged.commit([*(it for own in shards.values() for it in own), *files, *described, *copied, *packs])
    rows = {split: sum(it.rows for it in own) for split, own in shards.items()}
    counted = {split: sum(it.tokens for it in own) for split, own in shards.items()}
    notes += staged.warnings
    return ConvertedReport(Path(output), layout.name, rows, counted, tuple(notes), time.monotonic() - started)


def _write(
    source: LayoutSource, layout: FileLayout, contents: Contents, options: WriteOptions, folder: Path
) -> tuple[dict[str, list[Shard]], list[WrittenFile], list[str]]:
    shards: dict[str, list[Shard]] = {}
    files: list[WrittenFile] = []
    notes: list[str] = []
    for split in source.splits:
        within = split if len(source.splits) > 1 else ""
        (folder / within).mkdir(exist_ok=True)
        with layout.writer(folder / within, split, contents, options) as writer:
            for batch in source.batches(split):
                writer.write(batch)
            shards[split] = in_subfolder(writer.finish(), within)
            files += [replace(it, file=f"{within}/{it.file}") if within else it for it in writer.files]
            notes += [f"{split}: {note}" for note in writer.notes]
    return shards, files, notes


def _copy(source: LayoutSource, folder: Path) -> tuple[list[WrittenFile], list[WrittenFile]]:
    """Copy the files of the tokenizer and the plans of packs."""
    output = source.output
    names = [record["file"] for record in output.manifest.get("tokenizer_files", ())]
    tokenizer = write_beside(folder, {name: (output.folder / name).read_bytes() for name in names})
    packs = []
    for record in output.manifest.get("packs", ()):
        path = folder / record["file"]
        shutil.copyfile(output.folder / record["file"], path)
        sync_file(path)
        packs.append(WrittenFile(record["file"], record["rows"], path.stat().st_size, sha256_of(path)))
    return tokenizer, packs


def _manifest(
    source: LayoutSource, layout: FileLayout, contents: Contents, options: WriteOptions, notes: Sequence[str]
) -> dict[str, Any]:
    """Return the manifest without the files: what made the tokens stays."""
    earlier = source.output.manifest
    left_out = {"shards", "validation_shards", "layout_files", "dataset_files", "packs"}
    return {
        **{name: value for name, value in earlier.items() if name not in left_out},
        "chatmill": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        # The columns and files of a trainer may be others now.
        "options": {
            **source.output.options,
            "shard_tokens": options.shard_tokens,
            "compression": options.compression or ("zstd" if layout.name in ("parquet", "nemo") else "none"),
            "trainer": None,
        },
        "layout": {
            "name": layout.name,
            "vocabulary_size": contents.vocabulary_size,
            **layout.about(contents),
            "notes": list(notes),
            "source": {
                "folder": str(source.output.folder),
                "layout": source.layout.name,
                "manifest_sha256": sha256_of(source.output.manifest_path),
            },
        },
        # The rejected rows stay with the output that `prepare` made.
        "rejects": None,
    }


def _check_vocabulary_size(size: int | None) -> None:
    """Check the size of a vocabulary that the user gave.

    Args:
        size: The size.

    Raises:
        DataError: It is below 1.
    """
    if size is not None and size < 1:
        raise DataError(f"`vocabulary_size` is {size}; give the number of ids of the tokenizer with all added tokens")
