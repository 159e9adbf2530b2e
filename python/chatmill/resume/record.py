"""`RunRecord`: what a run decided at its start, and which blocks its inputs have, for the next run on its output."""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from chatmill.inputs import InputFile
from chatmill.resume.block_folder import BlockFolder


@dataclass
class InputRecord:
    """The blocks of an input file.

    Attributes:
        path: The file.
        size: Its bytes; None if they are not known.
        details: What its store told about it, such as the time of its last change.
        key: The digest of the key of its blocks.
        blocks: The digests of its blocks, in the order of the file.
        is_whole: Whether these are all blocks of the file.
    """

    path: str
    size: int | None
    details: dict[str, str]
    key: str
    blocks: list[str] = field(default_factory=list)
    is_whole: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether all values have their types. A record that was read may be damaged."""
        return (
            isinstance(self.blocks, list)
            and all(isinstance(it, str) for it in (self.path, self.key, *self.blocks))
            and isinstance(self.size, int | None)
            and isinstance(self.details, dict)
        )

    def is_unchanged(self, file: InputFile) -> bool:
        """Return whether a file is the one of this record, by its size and the time of its last change.

        Args:
            file: The file.
        """
        return self.size == file.size and self.details == details_of(file)


@dataclass
class RunRecord:
    """A run.

    Attributes:
        output: Its output folder.
        now: The time that templates print.
        inputs: Its input files, as far as they were read.
        has_ended: Whether its output is complete.
    """

    output: str
    now: datetime
    inputs: list[InputRecord] = field(default_factory=list)
    has_ended: bool = False

    @classmethod
    def read(cls, folder: BlockFolder, output: PurePath) -> "RunRecord | None":
        """Read the record of an output.

        Args:
            folder: The folder of the blocks.
            output: The output.

        Returns:
            The record; None if there is none, or it is damaged.

        Raises:
            DataError: The folder is in a store that cannot be read.
        """
        content = folder.read(_name(str(output)))
        if content is None:
            return None
        try:
            found: dict[str, Any] = json.loads(content.to_pybytes())
            inputs = [InputRecord(**it) for it in found["inputs"]]
            now = datetime.fromisoformat(found["now"])
            # Templates have no time zone.
            if now.tzinfo is not None or not all(it.is_sound for it in inputs):
                return None
            return cls(str(output), now, inputs, found["has_ended"] is True)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    @staticmethod
    def clock(given: datetime | None, earlier: "RunRecord | None") -> datetime:
        """Return the time that templates print: that of the earlier run on an output, if it did not end.

        Args:
            given: The time that the user gave, if any.
            earlier: The record of the earlier run on the output; None if there is none.
        """
        kept = None if earlier is None or earlier.has_ended else earlier.now
        # The time has no time zone, as in transformers, so a template that prints the zone prints nothing.
        return given or kept or datetime.now()  # noqa: DTZ005

    def write(self, folder: BlockFolder) -> None:
        """Write the record, completely or not at all. A record that cannot be written is no fault of the run.

        Args:
            folder: The folder of the blocks.
        """
        fields = {**asdict(self), "now": self.now.isoformat()}
        with suppress(OSError):
            folder.write(_name(self.output), json.dumps(fields).encode("utf-8", "backslashreplace"), durably=True)


def _name(output: str) -> str:
    return f"runs/{hashlib.sha256(os.fsencode(output)).hexdigest()[:16]}.json"


def details_of(file: InputFile) -> dict[str, str]:
    """Return what the store of a file told about it.

    Args:
        file: The file.
    """
    return {} if file.state is None else dict(file.state.details)
