"""Small outputs, written by `staged_output` without a tokenizer, and processes that are killed while they write one."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill.outputs import commit
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.complete import recorded
from chatmill.outputs.shards import ShardWriter
from chatmill.outputs.staging import staged_output
from folders import files_in
from processes import is_killed

_NEEDED = ("chatmill", "inputs", "options", "template", "tokenizer")
_STEPS = ("open", "rename", "replace", "unlink", "rmdir", "mkdir", "fsync")


class MadeOutput:
    """The files of an output: shards for training and validation, rejects and a manifest."""

    def __init__(self, folder: Path, *, ids: list[int], rejects: bytes = b"") -> None:
        self.files: dict[str, bytes] = {}
        self.records: list[WrittenFile] = []
        shards: dict[str, list[dict[str, Any]]] = {"": [], "validation/": []}
        for within, records in shards.items():
            (folder / within).mkdir(parents=True)
            with ShardWriter(folder / within, within.rstrip("/") or "train", shard_tokens=2) as writer:
                rows = {"input_ids": [[token] for token in ids], "length": pa.array([1] * len(ids), pa.int32())}
                writer.write(pa.record_batch(rows))
                for shard in writer.finish():
                    self.files[within + shard.file] = (folder / within / shard.file).read_bytes()
                    record = {"rows": shard.rows, "bytes": shard.bytes, "sha256": shard.sha256}
                    records.append({"file": within + shard.file, **record})
        log = None
        if rejects:
            (folder / "_rejects.jsonl").write_bytes(rejects)
            self.files["_rejects.jsonl"] = rejects
            log = recorded(folder, "_rejects.jsonl", lines=rejects.count(b"\n"))
        manifest = {
            **{key: {} for key in _NEEDED},
            "shards": shards[""],
            "validation_shards": shards["validation/"],
            "rejects": None if log is None else log.record(),
        }
        self.records = [WrittenFile(**it) for part in shards.values() for it in part]
        self.records += [] if log is None else [log]
        self.files["_manifest.json"] = json.dumps(manifest).encode()

    def write_into(self, folder: Path) -> None:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)

    def without(self, name: str) -> MadeOutput:
        """The same output, from which somebody has deleted a file."""
        other = copy(self)
        other.files = {it: content for it, content in self.files.items() if it != name}
        return other

    def of_earlier_version(self) -> MadeOutput:
        """The same output with the names that earlier versions gave to the files."""
        other = copy(self)
        manifest = json.loads(self.files["_manifest.json"])
        if manifest["rejects"] is not None:
            manifest["rejects"]["file"] = "rejects.jsonl"
        for shard in (*manifest["shards"], *manifest["validation_shards"]):
            shard["file"] = _earlier_name(shard["file"])
        other.records = [replace(record, file=_earlier_name(record.file)) for record in self.records]
        other.files = {_earlier_name(name): content for name, content in self.files.items()}
        other.files["manifest.json"] = json.dumps(manifest).encode()
        return other

    def put(self, place: Path, *, overwrite: bool = True) -> list[str]:
        """Write it as a run does, and return the warnings."""
        with staged_output(place, overwrite=overwrite) as output:
            self.write_into(output.folder)
            output.commit(self.records)
        return output.warnings


def content_of(folder: Path) -> dict[str, bytes] | None:
    """The files of a folder, with their contents; None if there is no folder."""
    return files_in(folder) if folder.exists() else None


def is_killed_at(step: int, action: Callable[[], object]) -> bool:
    """Run an action in a process that is killed right before a call on files; return whether it was killed."""

    def run() -> None:
        _die_before(step)
        action()

    return is_killed(run)


def _die_before(step: int) -> None:
    left = step

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return call(*arguments, **options)

        return run

    patch = pytest.MonkeyPatch()
    for name in _STEPS:
        patch.setattr(os, name, counted(getattr(os, name)))
    patch.setattr(commit, "exchange_files", counted(vars(commit)["exchange_files"]))  # as a test patched it


def _earlier_name(name: str) -> str:
    return re.sub(r"(train|validation)-", "part-", name).removeprefix("_")
