"""`DistributedPlan`: the units of a run, with all that a machine needs to make the tokens of one of them."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, DataError, __version__
from chatmill.config.prepare import plan_config
from chatmill.distributed.sound import check_plan, wrong_size
from chatmill.inputs import InputFile
from chatmill.inputs.file import Span
from chatmill.inputs.spans import fits_blocks, spans_of
from chatmill.options.types import check_types
from chatmill.outputs.url import is_url
from chatmill.pipeline.job import plan as plan_rows
from chatmill.pipeline.parts import Part
from chatmill.pipeline.planned import PlannedRun
from chatmill.resume.cache_folder import check_cache_apart
from chatmill.resume.differences import differences
from chatmill.resume.key import MillKey
from chatmill.resume.open_cache import open_cache
from chatmill.resume.record import RunRecord
from chatmill.resume.store import BlockStore
from chatmill.text.numbers import counted

#: The default size of a unit, in bytes of rows.
UNIT_BYTES = 64 << 20

_FORMAT = 1
# They differ between machines that share a file.
_OF_MACHINE = ("inode", "device", "ino")


@dataclass(frozen=True)
class PlannedFile:
    """An input file of a plan.

    Attributes:
        path: The file.
        part: The number of the part of the run that it belongs to.
        size: Its bytes; None if they are not known.
        details: What its store told about it, such as the time of its last change.
    """

    path: str
    part: int
    size: int | None
    details: Mapping[str, str]

    @classmethod
    def of(cls, file: InputFile, part: int) -> "PlannedFile":
        """Return what a plan has of a file.

        Args:
            file: The file.
            part: The number of its part.
        """
        details = {} if file.state is None else file.state.details
        return cls(file.path, part, file.size, {name: it for name, it in details.items() if name not in _OF_MACHINE})


@dataclass(frozen=True)
class PlannedUnit:
    """A unit of a plan.

    Attributes:
        file: The number of its file.
        span: The part of the file; None for the whole file.
    """

    file: int
    span: Span | None


@dataclass(frozen=True)
class DistributedPlan:
    """The units of a run.

    Attributes:
        arguments: The arguments of `prepare`, or of `prepare_config`, as values that JSON can hold.
        now: The time that templates print.
        blocks: The folder for the tokens of the units, which all machines share, or its URL.
        keeps_blocks: Whether they stay after the merge.
        keys: What makes the tokens, for each part of the run.
        files: The input files.
        units: The units.
        chatmill: The version that made the plan.
    """

    arguments: Mapping[str, Any]
    now: datetime
    blocks: str
    keeps_blocks: bool
    keys: Sequence[MillKey]
    files: Sequence[PlannedFile]
    units: Sequence[PlannedUnit]
    chatmill: str = __version__

    def to_json(self) -> str:
        """Return the plan as JSON."""
        fields = {
            "format": _FORMAT,
            "chatmill": self.chatmill,
            "arguments": self.arguments,
            "now": self.now.isoformat(),
            "blocks": self.blocks,
            "keeps_blocks": self.keeps_blocks,
            "keys": [{"fields": key.fields, "names": key.names} for key in self.keys],
            "files": [asdict(file) for file in self.files],
            "units": [[it.file, None if it.span is None else [it.span.start, it.span.stop]] for it in self.units],
        }
        return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "DistributedPlan":
        """Read a plan.

        Args:
            path: Its file.

        Raises:
            DataError: It cannot be read, or is not a plan of this version of chatmill.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise DataError(f"cannot read {path} ({reason}); give the file that `chatmill plan` wrote") from None
        return cls.parse(text, name=str(path))

    @classmethod
    def parse(cls, text: str, *, name: str = "the text") -> "DistributedPlan":
        """Return the plan of a text of `to_json`.

        Args:
            text: The text.
            name: What it is called in errors.

        Raises:
            DataError: It is not a plan of this version of chatmill.
        """
        try:
            found = json.loads(text)
            if found["format"] != _FORMAT:
                raise DataError(f"{name} was made by another version of chatmill; make the plan again")
            check_plan(found)
            return cls(
                found["arguments"],
                datetime.fromisoformat(found["now"]),
                found["blocks"],
                found["keeps_blocks"],
                [MillKey.from_fields(it) for it in found["keys"]],
                [PlannedFile(**it) for it in found["files"]],
                [PlannedUnit(file, None if span is None else Span(*span)) for file, span in found["units"]],
                found["chatmill"],
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{name} is not a plan of `chatmill plan`, or damaged ({error}); make the plan again"
            ) from None

    @property
    def digest(self) -> str:
        """The SHA-256 of the plan, in hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def store(self) -> BlockStore:
        """The blocks.

        Raises:
            DataError: Their folder cannot be used.
        """
        return open_cache(self.blocks)

    def largest_first(self) -> list[int]:
        """Return the numbers of the units, those with the most bytes first, so that none is alone at the end."""

        def size(number: int) -> int:
            unit = self.units[number]
            # Row groups of a Parquet file are of about equal size.
            is_bytes = unit.span is not None and not self.files[unit.file].path.endswith((".parquet", ".pq"))
            return unit.span.stop - unit.span.start if unit.span is not None and is_bytes else UNIT_BYTES

        return sorted(range(len(self.units)), key=size, reverse=True)

    def run(self) -> PlannedRun:
        """Return the run.

        Raises:
            DataError: The arguments are not those of a run.
        """
        try:
            check_types(self.arguments)
        except DataError as error:
            raise DataError(f"an argument of the plan is wrong ({error}); make the plan again") from None
        try:
            return _planned(dict(self.arguments))
        except (TypeError, KeyError, ValueError) as error:
            if isinstance(error, ChatmillError):
                raise
            raise DataError(
                f"the arguments of the plan are not those of a run ({error}); make the plan again"
            ) from None

    def parts(self) -> Sequence[Part]:
        """Make the parts of the run, and check that they are those of the plan.

        Raises:
            DataError: A file has changed, this machine would make other tokens, or a unit has parts of blocks.
        """
        run = self.run()
        try:
            parts = run.parts(self.now)
        except TypeError as error:
            raise DataError(f"an argument of the plan has a wrong type ({error}); make the plan again") from None
        found = [PlannedFile.of(file, number) for number, part in enumerate(parts) for file in part.files]
        for now, before in zip(found, self.files, strict=False):
            if now.path != before.path:
                raise DataError(
                    f"the inputs have changed since the plan was made: {now.path} is in the place of {before.path}; "
                    "make the plan again"
                )
            if now != before:
                raise DataError(f"the input {before.path} has changed since the plan was made; make the plan again")
        if len(found) != len(self.files):
            files, planned = counted(len(found), "input file"), counted(len(self.files), "input file")
            raise DataError(f"there are {files} now, and the plan has {planned}; make the plan again")
        if len(parts) != len(self.keys):
            count, planned = counted(len(parts), "part"), counted(len(self.keys), "part")
            raise DataError(f"the run has {count} now, and the plan has {planned}; make the plan again")
        for part, key in zip(parts, self.keys, strict=True):
            causes = differences(key.fields, MillKey.of(part.mill).fields)
            if causes:
                raise DataError(
                    f"this machine would make other tokens than the plan: {'; '.join(it.text for it in causes)}; use "
                    "the tokenizer, the template and the version of chatmill of the plan, or make the plan again"
                )
        self._check_units([file for part in parts for file in part.files], run.options.block_bytes)
        return parts

    def _check_units(self, files: Sequence[InputFile], block_bytes: int) -> None:
        for number, unit in enumerate(self.units):
            file = files[unit.file]
            if not fits_blocks(file, unit.span, block_bytes):
                text = f"unit {number} of the plan does not begin and end with blocks of {file.path}"
                raise DataError(f"{text}; make the plan again")


def make_plan(arguments: Mapping[str, Any], *, unit_bytes: int = UNIT_BYTES) -> DistributedPlan:
    """Plan a run on several machines.

    Args:
        arguments: The arguments of `chatmill.prepare`, or of `prepare_config` if one of them is `config`. Paths must be
            the same on all machines. `cache` is the folder or the URL that all machines share; without it, it is the
            output with the suffix `.blocks`, until the merge.
        unit_bytes: Approximate size of a unit, in bytes of rows.

    Raises:
        DataError: An argument is an object in memory, or the run cannot be planned.
    """
    if unit_bytes < 1:
        raise DataError(f"`unit_bytes` is {unit_bytes}; use at least 1")
    saved = {name: _saved(name, value) for name, value in arguments.items()}
    if saved.pop("cache_size", None) is not None:
        raise DataError(
            "a plan has no `cache_size`, because its merge needs all blocks; use `chatmill cache prune` after it"
        )
    if wrong := wrong_size(saved):
        raise DataError(f"{wrong}; give such a number")
    run = _planned(dict(saved))
    now = RunRecord.clock(run.options.now, None)
    parts = run.parts(now)
    files: list[PlannedFile] = []
    units: list[PlannedUnit] = []
    for number, part in enumerate(parts):
        for file in part.files:
            if file.source is not None:
                raise DataError(f"other machines cannot read {file.path}; write the rows to a file, and plan that")
            spans = spans_of(file, run.options.block_bytes, unit_bytes)
            units += [PlannedUnit(len(files), span) for span in spans]
            files.append(PlannedFile.of(file, number))
    cache = run.options.cache
    if cache is not None:
        check_cache_apart(cache, run.options.folder)
    blocks = _blocks_beside(run.options.folder) if cache is None else os.fspath(cache)
    return DistributedPlan(saved, now, blocks, cache is not None, [MillKey.of(it.mill) for it in parts], files, units)


def _blocks_beside(output: str | os.PathLike[str]) -> str:
    # Not the name for messages, which has no passwords.
    name = os.fspath(output).rstrip("/") if is_url(output) else Path(output).expanduser().resolve()
    return f"{name}.blocks"


def _planned(arguments: dict[str, Any]) -> PlannedRun:
    if arguments.get("now") is not None:
        arguments["now"] = datetime.fromisoformat(arguments["now"])
    if "config" in arguments:
        return plan_config(arguments.pop("config"), **arguments)
    return plan_rows(arguments.pop("inputs"), **arguments)


def _saved(name: str, value: Any) -> Any:
    """Return a value that JSON can hold."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_saved(name, it) for it in value]
    if isinstance(value, Mapping):
        return {str(key): _saved(name, it) for key, it in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise DataError(
        f"`{name}` is an object of the type {type(value).__name__}, which a plan cannot hold; give a path or a name"
    )
