"""`RowPart`: rows of an output that are read together: those of one file, or of a whole split; `parts_of`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill.layouts.choice import layout_named
from chatmill.layouts.layout import FileLayout, SplitFiles, split_files
from chatmill.layouts.reading import checked_batches
from chatmill.outputs.layout_name import layout_name
from chatmill.verification.shards import ShardRows, bounded, file_rows, parquet_rows, stream_rows

# The layouts whose files can be read alone, each with all of its columns.
_READERS: dict[str, Callable[[Path], AbstractContextManager[ShardRows]]] = {
    "parquet": parquet_rows,
    "nemo": parquet_rows,
    "hf": stream_rows,
    "arrow": file_rows,
}


@dataclass(frozen=True)
class RowPart:
    """Rows of an output.

    Attributes:
        name: What faults print as the place of its rows.
        files: The files that must be intact before it is read.
        rows: The number of its rows in the manifest.
        tokens: The number of their tokens in the manifest.
        open: Opens it. All errors of it and of its batches are `READ_ERRORS`.
    """

    name: str
    files: tuple[str, ...]
    rows: int
    tokens: int
    open: Callable[[], AbstractContextManager[ShardRows]]


def parts_of(folder: Path, manifest: Mapping[str, Any], split: str) -> list[RowPart]:
    """Return the rows of a split: a part for each file, or one for all files in layouts where rows need several.

    Args:
        folder: The output.
        manifest: Its manifest.
        split: The split.
    """
    files = split_files(folder, manifest).get(split)
    layout = layout_name(manifest)
    if files is None or layout is None:
        return []
    if layout in _READERS:
        read = _READERS[layout]
        return [
            RowPart(it["file"], (it["file"],), it["rows"], it["tokens"], partial(read, folder / it["file"]))
            for it in files.shards
        ]
    within = _folder_of(files.shards[0]["file"])
    others = [it["file"] for it in manifest.get("layout_files") or () if _folder_of(it["file"]) == within]
    names = (*(it["file"] for it in files.shards), *others)
    rows, tokens = (sum(it[unit] for it in files.shards) for unit in ("rows", "tokens"))
    opened = partial(_split_rows, layout_named(layout), files)
    return [RowPart(f"split {split}", names, rows, tokens, opened)]


def _folder_of(file: str) -> str:
    return file.rpartition("/")[0]


@contextmanager
def _split_rows(layout: FileLayout, files: SplitFiles) -> Iterator[ShardRows]:
    schema = next((batch.schema for batch in checked_batches(layout, files)), pa.schema([]))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in checked_batches(layout, files):
            yield from bounded(batch)

    yield ShardRows(schema, batches)
