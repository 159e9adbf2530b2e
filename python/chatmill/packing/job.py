"""`pack`: a finished output of `prepare` as packs, or as a plan of packs."""

import os
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from chatmill._chatmill import DataError, __version__
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.vocabulary import size_in_output
from chatmill.options.choices import Compression, LayoutName, PackMark, PackStrategy, PackTruncation, Remainder, Trainer
from chatmill.outputs.apart import check_separate
from chatmill.outputs.beside import copy_beside
from chatmill.outputs.checksums import sha256_of
from chatmill.outputs.destination import new_output
from chatmill.outputs.manifest import write_manifest
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.shards import SHARD_TOKENS
from chatmill.outputs.url import is_url, output_name
from chatmill.packing.columns import columns_of_packs
from chatmill.packing.comparison import compared
from chatmill.packing.index import is_index, write_index
from chatmill.packing.lines import packed_lines
from chatmill.packing.options import PackChoice
from chatmill.packing.packed import PackedFiles, about_packs
from chatmill.packing.report import PackedOutputReport
from chatmill.packing.shards import PackShards
from chatmill.packing.source import TokenSource, sources_of
from chatmill.packing.target import target_of_packs
from chatmill.trainers.splits import TRAINING, VALIDATION

# What the manifest of packs says in place of that of the rows.
_MADE_AGAIN = ("shards", "validation_shards", "dataset_files", "layout", "layout_files")


def pack(
    tokens: str | os.PathLike[str],
    max_length: int,
    output: str | os.PathLike[str],
    strategy: PackStrategy = "bfd",
    *,
    index_only: bool = False,
    trainer: Trainer | None = None,
    marks: Sequence[PackMark] | None = None,
    seed: int | None = None,
    truncation: PackTruncation = "keep_start",
    max_rows: int | None = None,
    align: int = 1,
    group_size: int | None = None,
    multiple_of: int = 1,
    remainder: Remainder = "pad",
    pad_id: int | None = None,
    pad_to_max_length: bool = False,
    shard_tokens: int = SHARD_TOKENS,
    compression: Compression | None = None,
    to: LayoutName | None = None,
    overwrite: bool = False,
    compare: bool = False,
) -> PackedOutputReport:
    """Put the rows of a finished output together into packs of a fixed length. No text is tokenized again.

    The output has a row for each pack, with the lists of its rows one after the other, columns that mark where rows
    are, and `length`. `_packs.parquet` has the plan: which tokens of which rows are in each pack. Memory does not grow
    with the rows, except for 60 bytes each.

    Args:
        tokens: The output folder of `prepare`, made without `trainer` and `padding`.
        max_length: The length of a pack in tokens.
        output: The new output: a folder, or a URL such as `s3://bucket/packs`; with `index_only`, the new Parquet file.
        strategy: How rows are distributed over packs; see `PackPlan.of`.
        index_only: Write only the plan, with the shard and the row in it for each slice, and copy no token.
        trainer: The trainer that will open the packs: it chooses columns and files.
        marks: The columns that tell where rows are, without `trainer`. Default: `seq_lengths`.
        seed: The seed of the order of packs.
        truncation: What happens to rows that are longer than a pack: `"keep_start"`, `"keep_end"`, `"drop"`, `"raise"`
            or `"split"`.
        max_rows: The most rows of a pack.
        align: The length of each row is rounded up to a multiple of this number by padding.
        group_size: Only rows of one group of this many rows share packs.
        multiple_of: The number of packs is made a multiple of this number.
        remainder: How: `"pad"` appends packs of padding, `"drop"` drops the last packs.
        pad_id: The token id of padding.
        pad_to_max_length: Fill each pack up to `max_length`.
        shard_tokens: Tokens per file.
        compression: The compression of the Parquet files: `"zstd"` (the default), `"snappy"` or `"none"`.
        to: The layout of the files, without `trainer`, as for `chatmill.convert`. None for Parquet.
        overwrite: Replace an unchanged output of chatmill.
        compare: Also give the figures of padding, and of what TRL and axolotl pack themselves.

    Returns:
        The figures of the packs.

    Raises:
        DataError: The folder is no output that can be packed, options contradict each other, the pad token is none of
            the tokenizer, a row is too long and `truncation` is `"raise"`, or the output cannot be written.

    Example:
        >>> chatmill.pack("tokens", 8192, "packs", trainer="trl")  # doctest: +SKIP
    """
    started = time.monotonic()
    choice = PackChoice(
        max_length=max_length,
        strategy=strategy,
        seed=seed,
        truncation=truncation,
        max_rows=max_rows,
        align=align,
        group_size=group_size,
        multiple_of=multiple_of,
        remainder=remainder,
        pad_id=pad_id,
        pad_to_max_length=pad_to_max_length,
    )
    columns = columns_of_packs(trainer, marks)
    source = PreparedOutput(tokens)
    sources = sources_of(source)
    for rows in sources.values():
        rows.check(columns)
        rows.check_unchanged()
    # Wrong options are said before an output is made.
    choice.check_pad_id(size_in_output(source), source.manifest["tokenizer"].get("name", ""))
    lengths = {split: rows.lengths() for split, rows in sources.items()}
    plans = {split: choice.plan(lengths[split], columns) for split in sources}
    ways = {split: compared(plans[split], lengths[split], choice) for split in sources} if compare else {}
    records = (*source.manifest["shards"], *source.manifest.get("validation_shards", ()))
    about = about_packs(
        choice,
        columns,
        plans,
        {
            "folder": str(source.folder),
            "manifest_sha256": sha256_of(source.manifest_path),
            "shards": [{"file": shard["file"], "sha256": shard.get("sha256")} for shard in records],
        },
    )
    reports = {split: plan.report() for split, plan in plans.items()}
    if index_only and to is not None:
        raise DataError("an index is one Parquet file and has no layout; leave out `to` (`--to`)")
    if index_only:
        place = _index_place(output, source, sources, overwrite=overwrite)
        write_index(place, plans[TRAINING], sources[TRAINING], about)
        return PackedOutputReport(place, max_length, reports, time.monotonic() - started, ways=ways)
    check_separate(output, source.folder)
    for plan in plans.values():
        choice.check_padding(plan)
    target = None
    if to is not None:
        target = target_of_packs(
            to,
            columns,
            sources[TRAINING].columns,
            WriteOptions(shard_tokens, compression),
            run_options=source.options,
            tokenizer=source.manifest["tokenizer"].get("name", ""),
            vocabulary_size=size_in_output(source),
        )
    writing = PackShards(choice, columns, shard_tokens, compression, target)
    with new_output(output, overwrite=overwrite) as staged:
        packed = PackedFiles.write(staged.folder, sources, plans, writing, about)
        for rows in sources.values():
            rows.check_unchanged()
        saved = copy_beside(source.manifest, source.folder, staged.folder)
        kept = {name: value for name, value in source.manifest.items() if name not in _MADE_AGAIN}
        manifest = {
            **kept,
            "chatmill": __version__,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "options": {**source.options, **packed.options()},
            "rejects": None,
            **packed.record(),
        }
        write_manifest(staged.folder, manifest)
        staged.commit([*packed.files(), *saved])
    lines = packed_lines(columns, output_name(output), choice, has_validation=VALIDATION in sources)
    notes = () if target is None else tuple(target.notes)
    seconds = time.monotonic() - started
    return PackedOutputReport(
        output_name(output), max_length, reports, seconds, packed.left_out, lines, packed.trained, ways, notes
    )


def _index_place(
    output: str | os.PathLike[str], source: PreparedOutput, sources: dict[str, TokenSource], *, overwrite: bool
) -> Path:
    place = Path(output)
    if is_url(output):
        raise DataError(
            "`index_only` (`--index-only`) writes one file on this machine; give a path, and copy the file afterwards"
        )
    if len(sources) > 1:
        raise DataError(
            f"{source.folder} has samples for validation, but an index holds one split; leave out `index_only` "
            "(`--index-only`)"
        )
    if place.suffix != ".parquet":
        raise DataError(f"the index {place} is a Parquet file; give a name that ends in .parquet")
    check_separate(place, source.folder)
    if not place.parent.is_dir():
        raise DataError(f"there is no folder {place.parent} for the index; create it, or choose another one")
    if place.exists() and not overwrite:
        raise DataError(f"{place} exists; choose another name, or overwrite it with `overwrite` (`--overwrite`)")
    if place.exists() and not is_index(place):
        raise DataError(f"{place} is not an index of chatmill, so it is not overwritten; choose another name")
    return place
