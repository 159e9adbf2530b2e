"""`pack`: a finished output of `prepare` as packs, or as a plan of packs."""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError, PackPlan, __version__
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.target import LayoutTarget
from chatmill.layouts.vocabulary import size_in_output
from chatmill.options.choices import Compression, LayoutName, PackMark, PackStrategy, Remainder, Trainer, Truncation
from chatmill.outputs.apart import check_separate
from chatmill.outputs.beside import write_beside
from chatmill.outputs.checksums import WrittenFile, sha256_of
from chatmill.outputs.dataset_folder import write_dataset_files
from chatmill.outputs.manifest import write_manifest
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.shards import SHARD_TOKENS, RowWriter, Shard, ShardWriter, chosen_compression, in_subfolder
from chatmill.outputs.staging import staged_output
from chatmill.packing.index import INDEX, VALIDATION_INDEX, is_index, write_index
from chatmill.packing.layouts import PackedLayout, packed_layout
from chatmill.packing.lines import packed_lines
from chatmill.packing.options import PackChoice
from chatmill.packing.report import PackedReport, figures
from chatmill.packing.source import TokenSource, sources_of
from chatmill.trainers.splits import TRAINING, VALIDATION

# Tokens of the packs that are made at once. With their labels and marks they are 48 MiB.
_BATCH_TOKENS = 4 << 20


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
    truncation: Truncation = "keep_start",
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
) -> PackedReport:
    """Put the rows of a finished output together into packs of a fixed length. No text is tokenized again.

    The output has a row for each pack, with the lists of its rows one after the other, columns that mark where rows
    are, and `length`. `_packs.parquet` has the plan: which tokens of which rows are in each pack. Memory does not grow
    with the rows, except for 60 bytes each.

    Args:
        tokens: The output folder of `prepare`, made without `trainer` and `padding`.
        max_length: The length of a pack in tokens.
        output: The new output folder; with `index_only`, the new Parquet file.
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

    Returns:
        The figures of the packs.

    Raises:
        DataError: The folder is no output that can be packed, options contradict each other, a row is too long and
            `truncation` is `"raise"`, or the output cannot be written.

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
    layout = packed_layout(trainer, marks)
    source = PreparedOutput(tokens)
    sources = sources_of(source)
    for rows in sources.values():
        rows.check(layout)
        rows.check_unchanged()
    # Wrong options are said before an output is made.
    plans = {split: choice.plan(rows.lengths(), layout) for split, rows in sources.items()}
    about = _about(source, choice, layout, plans)
    reports = {split: plan.report() for split, plan in plans.items()}
    if index_only and to is not None:
        raise DataError("an index is one Parquet file and has no layout; leave out `to` (`--to`)")
    if index_only:
        place = _index_place(output, source, sources, overwrite=overwrite)
        write_index(place, plans[TRAINING], sources[TRAINING], about)
        return PackedReport(place, max_length, reports, time.monotonic() - started)
    check_separate(output, source.folder)
    target = None if to is None else _target(to, source, sources, layout, WriteOptions(shard_tokens, compression))
    new_writer: Callable[[Path, str], RowWriter] = (
        target.writer
        if target is not None
        else partial(
            ShardWriter, shard_tokens=shard_tokens, compression=compression, layout=layout.trainer, keep_columns=()
        )
    )
    with staged_output(output, overwrite=overwrite) as staged:
        shards: dict[str, list[Shard]] = {}
        indexes: list[WrittenFile] = []
        for split, rows in sources.items():
            within = split if len(sources) > 1 else ""
            folder = staged.folder / within
            folder.mkdir(exist_ok=True)
            with new_writer(folder, split) as writer:
                _write_packs(writer, plans[split], rows, choice, layout, staged.folder)
                shards[split] = in_subfolder(writer.finish(), within)
            name = INDEX if split == TRAINING else VALIDATION_INDEX
            indexes.append(write_index(staged.folder / name, plans[split], rows, about))
        training, validation = shards[TRAINING], shards.get(VALIDATION, [])
        is_arrow = layout.trainer is not None and layout.trainer.files == "arrow"
        described = write_dataset_files(staged.folder, training, validation) if is_arrow else []
        layout_files = [] if target is None else target.finish(staged.folder, shards)
        for rows in sources.values():
            rows.check_unchanged()
        beside = [record["file"] for record in source.manifest.get("tokenizer_files", ())]
        saved = write_beside(staged.folder, {name: (source.folder / name).read_bytes() for name in beside})
        manifest = {
            **source.manifest,
            "chatmill": __version__,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "options": {
                **source.options,
                "shard_tokens": shard_tokens,
                "compression": chosen_compression(compression, layout.trainer)
                if target is None
                else target.compression,
                "trainer": layout.record(),
                "packing": about,
            },
            "shards": [shard.record() for shard in training],
            "rejects": None,
            "packs": [file.record() for file in indexes],
        }
        manifest.pop("validation_shards", None)
        if validation:
            manifest["validation_shards"] = [shard.record() for shard in validation]
        if described:
            manifest["dataset_files"] = [file.record() for file in described]
        write_manifest(staged.folder, manifest if target is None else {**manifest, **target.record()})
        staged.commit([*training, *validation, *described, *layout_files, *indexes, *saved])
    lines = packed_lines(layout, Path(output), choice, has_validation=VALIDATION in sources)
    left_out = tuple(sources[TRAINING].left_out)
    notes = () if target is None else tuple(target.notes)
    return PackedReport(Path(output), max_length, reports, time.monotonic() - started, left_out, lines, notes)


def _target(
    to: LayoutName,
    source: PreparedOutput,
    sources: dict[str, TokenSource],
    layout: PackedLayout,
    options: WriteOptions,
) -> LayoutTarget:
    if layout.trainer is not None:
        raise DataError(
            f"`trainer` (`--for`) chooses the files that {layout.name} opens; leave out `to` (`--to`), or `trainer`"
        )
    lists = {str(name): pa.list_(pa.int8() if name == "loss_mask" else pa.int32()) for name in layout.marks}
    columns: dict[str, pa.DataType] = {**sources[TRAINING].types, **lists, "length": pa.int32()}
    # Kept columns are in no pack.
    known = {**source.options, "packing": {}, "keep_columns": []}
    tokenizer = source.manifest["tokenizer"].get("name", "")
    return LayoutTarget(to, Contents(pa.schema(columns), known, tokenizer, size_in_output(source)), options)


def _write_packs(
    writer: RowWriter, plan: PackPlan, rows: TokenSource, choice: PackChoice, layout: PackedLayout, folder: Path
) -> None:
    # The mapped file is beside the output, since it has the size of the output without compression.
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        table = rows.mapped(Path(spool))
        step = max(1, _BATCH_TOKENS // choice.max_length)
        for start in range(0, max(1, len(plan)), step):
            packs = plan.pack(
                table,
                layout.marks,
                start,
                start + step,
                pad_id=choice.pad_id,
                pad_to_max_length=choice.pad_to_max_length or layout.fills,
            )
            batch = pa.record_batch(packs).rename_columns(
                [dict(layout.renamed).get(name, name) for name in pa.schema(packs).names]
            )
            length = pc.cast(pc.list_value_length(batch.column("input_ids")), pa.int32())
            writer.write(batch.append_column("length", length))
        # Windows cannot remove a file that is mapped.
        del table


def _about(
    source: PreparedOutput, choice: PackChoice, layout: PackedLayout, plans: dict[str, PackPlan]
) -> dict[str, Any]:
    """Return what made the packs, for the manifest and the index."""
    return {
        **choice.record(),
        "marks": list(layout.marks),
        "shifted": layout.shifted,
        "tokens": {
            "folder": str(source.folder),
            "manifest_sha256": sha256_of(source.manifest_path),
            "shards": [
                {"file": shard["file"], "sha256": shard.get("sha256")}
                for shard in (*source.manifest["shards"], *source.manifest.get("validation_shards", ()))
            ],
        },
        "report": {split: figures(plan.report()) for split, plan in plans.items()},
    }


def _index_place(
    output: str | os.PathLike[str], source: PreparedOutput, sources: dict[str, TokenSource], *, overwrite: bool
) -> Path:
    place = Path(output)
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
