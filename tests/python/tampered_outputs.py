"""Sound outputs that a test changes: rows, plans and manifests, with all checksums made right again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import VerifyReport, verify
from chatmill.outputs.checksums import sha256_of
from chatmill.outputs.manifest import write_manifest
from samples import Row
from sound_outputs import SOUND

MANIFEST = "_manifest.json"
#: Copies a sound output into the working directory of a test.
MakeSound = Callable[[str], Path]


class Outputs:
    """Sound outputs by name. Each is made once, and copied into the folder of a test, which works there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Path] = {}

    def copy(self, name: str, place: Path, patch: pytest.MonkeyPatch) -> Path:
        """Copy an output with its inputs into a folder, and return its path there."""
        if name not in self._made:
            made = self._folder / str(len(self._made))
            made.mkdir()
            patch.chdir(made)
            self._made[name] = made / SOUND[name]()
        output = self._made[name]
        shutil.copytree(output.parent, place, dirs_exist_ok=True)
        patch.chdir(place)
        return Path(output.name)


def manifest_of(output: Path) -> Any:
    return json.loads((output / MANIFEST).read_text("utf-8"))


def seal_again(output: Path, change: Callable[[Any], object] = lambda _: None) -> None:
    """Write the sizes and checksums of all files into the manifest, change it, and give it a right checksum."""
    manifest = manifest_of(output)
    records = [
        it
        for key in (
            "shards",
            "validation_shards",
            "dataset_files",
            "tokenizer_files",
            "sample_files",
            "packs",
            "layout_files",
        )
        for it in manifest.get(key, ())
    ]
    for record in [*records, *filter(None, [manifest["rejects"]])]:
        path = output / record["file"]
        if path.exists():
            record.update(bytes=path.stat().st_size, sha256=sha256_of(path))
    change(manifest)
    write_manifest(output, manifest)


def edit_table(output: Path, change: Callable[[pa.Table], pa.Table], file: str = "train-00000.parquet") -> None:
    """Change the rows of a file, and make all checksums right."""
    path = output / file
    if path.suffix == ".arrow":
        with pa.ipc.open_stream(path.read_bytes()) as stream:
            table = change(stream.read_all())
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(change(pq.read_table(path, partitioning=None)), path)
    seal_again(output)


def edit_rows(output: Path, change: Callable[[list[Row]], object], file: str = "train-00000.parquet") -> None:
    """Change rows as Python values, and make all checksums right."""

    def changed(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        change(rows)
        return pa.Table.from_pylist(rows, table.schema)

    edit_table(output, changed, file)


def kinds(report: VerifyReport) -> list[str]:
    return [fault.kind for fault in report.faults]


def verified(output: Path, **options: Any) -> VerifyReport:
    """The report, whose lines can be printed."""
    report = verify(output, **options)
    assert str(report).count("\n") == len(report.faults) + len(report.notes)
    return report
