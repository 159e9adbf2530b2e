"""`why`: what a run can take from earlier ones, and why it must make the rest again. Nothing is run."""

import json
import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Literal

from chatmill._chatmill import DataError
from chatmill.inputs import InputFile
from chatmill.outputs.destination import manifest_of, place_of, whole_name
from chatmill.outputs.manifest import is_manifest
from chatmill.outputs.place import Base, OutputPlace
from chatmill.pipeline.planned import PlannedRun
from chatmill.resume.differences import Difference, nearest_differences
from chatmill.resume.key import MillKey, key_in_manifest
from chatmill.resume.open_cache import open_cache
from chatmill.resume.record import InputRecord, RunRecord
from chatmill.resume.store import BlockStore
from chatmill.resume.why import blocks_of
from chatmill.text.numbers import counted


@dataclass(frozen=True)
class InputState:
    """What can be taken for an input file.

    Attributes:
        path: The file.
        state: `unchanged`; `moved` if an unchanged file had another name; `changed`; or `new`.
        blocks: The blocks that need not be made again, as far as this is known without reading the file.
        of: The blocks that the earlier run recorded for the file.
        text: This in words.
    """

    path: str
    state: Literal["unchanged", "moved", "changed", "new"]
    blocks: int
    of: int
    text: str


@dataclass(frozen=True)
class Explanation:
    """What a run can take from earlier ones.

    Attributes:
        output: The output folder.
        is_complete: Whether there is a complete output.
        kept: The number of blocks that are kept for this output, or in the cache for the same tokenizer, template and
            options.
        reusable: The number of them that need not be made again, as far as this is known without reading the inputs.
        causes: Why the others must be made again, the most important cause first.
        inputs: The state of each input file.
    """

    output: PurePath
    is_complete: bool
    kept: int
    reusable: int
    causes: Sequence[Difference]
    inputs: Sequence[InputState]

    def to_json(self) -> str:
        """Return all of it as JSON."""
        fields: dict[str, Any] = {**asdict(self), "output": str(self.output)}
        return json.dumps(fields, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        state = "is complete" if self.is_complete else "is not complete"
        kept = counted(self.kept, "kept block")
        if not self.kept and not self.is_complete:
            lines = [f"{self.output} {state}, and no blocks are kept for it; the run makes all blocks"]
        elif not self.kept:
            lost = "its blocks were not kept (`--cache` keeps them)"
            lines = [f"{self.output} {state}, but {lost}; the run makes all blocks again"]
        elif self.reusable < self.kept:
            lines = [f"{self.output} {state}; {self.reusable:,} of {kept} can be used where the rows are the same"]
        else:
            lines = [f"{self.output} {state}; {kept} can be used where the rows are the same"]
        lines += [f"  {cause.text}" for cause in self.causes]
        lines += [f"  {it.path}: {it.text}" for it in self.inputs]
        return "\n".join(lines)


def why(run: PlannedRun) -> Explanation:
    """Tell what a run can take from earlier ones. Only the beginning of the inputs is read.

    Args:
        run: The run.

    Raises:
        ChatmillError: An input, the tokenizer or the template cannot be read.
    """
    output = whole_name(run.options.folder)
    store = _store(run, place_of(run.options.folder))
    record = RunRecord.read(store.files, output)
    manifest = _manifest(run.options.folder)
    parts = run.parts(RunRecord.clock(run.options.now, record))
    keys = [MillKey.of(part.mill) for part in parts]
    wanted = {key.digest for key in keys}
    used = [] if record is None else [it.key for it in record.inputs]
    # Runs on other outputs may have left blocks in a cache.
    before = blocks_of(store, [*used, *(key.digest for key in keys)])
    earlier = [it.key.fields for it in before if it.key.digest not in wanted]
    if record is None and manifest is not None:
        earlier = [key_in_manifest(manifest)]
    there = {key.digest: store.digests(key) for key in keys}
    inputs = [
        _input(file, record, there[key.digest]) for part, key in zip(parts, keys, strict=True) for file in part.files
    ]
    return Explanation(
        output,
        manifest is not None,
        sum(it.blocks for it in before),
        sum(it.blocks for it in before if it.key.digest in wanted),
        nearest_differences(earlier, [key.fields for key in keys]),
        inputs,
    )


def _store(run: PlannedRun, place: OutputPlace) -> BlockStore:
    if run.options.cache is not None:
        return open_cache(run.options.cache)
    bases: list[Base] = [place.inside, place.beside] if place.is_fixed else [place.beside, place.inside]
    return BlockStore(next((base.blocks for base in bases if base.blocks.is_dir()), bases[0].blocks))


def _manifest(folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the manifest of an output; None if there is no complete output."""
    try:
        content = manifest_of(folder)
        found = None if content is None else json.loads(content)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the manifest of {folder} ({error}); make the output again") from None
    return found if is_manifest(found) else None


def _input(file: InputFile, record: RunRecord | None, kept: AbstractSet[str]) -> InputState:
    known = [] if record is None else record.inputs
    same = next((it for it in known if it.path == file.path), None)
    if same is not None and same.is_unchanged(file):
        return _known(file, same, "unchanged", "", kept)
    moved = next((it for it in known if file.state is not None and it.is_unchanged(file)), None)
    if moved is not None:
        return _known(file, moved, "moved", f"it was {moved.path}; ", kept)
    if same is None:
        text = "a new file" if known else "no earlier run on this output left a record of it"
        return InputState(file.path, "new", 0, 0, f"{text}; blocks with the same rows are used" if kept else text)
    size = f" ({same.size:,} to {file.size:,} bytes)" if same.size != file.size and same.size and file.size else ""
    there = sum(digest in kept for digest in same.blocks)
    text = f"it has changed{size}"
    return InputState(
        file.path, "changed", 0, len(same.blocks), f"{text}; blocks with the same rows are used" if there else text
    )


def _known(
    file: InputFile,
    record: InputRecord,
    state: Literal["unchanged", "moved"],
    before: str,
    kept: AbstractSet[str],
) -> InputState:
    there = sum(digest in kept for digest in record.blocks)
    total = len(record.blocks)
    if total == 0:
        which = "it has no rows" if record.is_whole else "none of its blocks was kept"
    elif total == 1:
        which = f"its {'only' if record.is_whole else 'first'} block {'can' if there else 'cannot'} be used"
    else:
        which = f"{there:,} of its {'' if record.is_whole else 'first '}{total:,} blocks can be used"
    return InputState(file.path, state, there, total, f"{before}{which}")
