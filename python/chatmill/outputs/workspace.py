"""`Workspace`: the folder of a run's unfinished files, with a marker, and with the journal of its commit."""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from chatmill.outputs.checksums import Identity
from chatmill.outputs.durable import is_unfinished, write_durably
from chatmill.outputs.place import Base

_MARKER = "chatmill-run.json"
_JOURNAL = "chatmill-commit.json"
_MARK = "unfinished output of chatmill"


@dataclass(frozen=True)
class Journal:
    """What a commit is about to do, so that the next run can complete or undo it.

    Attributes:
        way: How the output gets to its place: `exchange` swaps it with the earlier one in one step, `rename` moves the
            earlier one away first, `fill` moves single files.
        inode: The inode of the new folder.
        new: The files of the new output; the manifest is the last one.
        old: The files of the earlier output; the manifest is the first one.
    """

    way: Literal["exchange", "rename", "fill"]
    inode: int
    new: tuple[str, ...]
    old: dict[str, Identity]


class Workspace:
    """The unfinished files of a run.

    Args:
        folder: Its folder.

    Attributes:
        folder: Its folder.
        output: The new output. After an exchange: the earlier output.
        earlier: The earlier output, while the new one gets to its place.
        discarded: The earlier output, when its files may be deleted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.earlier = folder / "earlier"
        self.discarded = folder / "discarded"

    @classmethod
    def create(cls, base: Base) -> "Workspace":
        """Create a workspace.

        Args:
            base: The folder for it.

        Raises:
            OSError: It cannot be created.
        """
        workspace = cls(base.new_workspace())
        workspace.folder.mkdir()
        write_durably(workspace.folder / _MARKER, json.dumps({"what": _MARK, "output": base.name}).encode())
        workspace.output.mkdir()
        return workspace

    def belongs_to(self, base: Base) -> bool:
        """Return whether chatmill made this folder, for this output.

        Args:
            base: The folder that holds it.
        """
        try:
            marker = json.loads((self.folder / _MARKER).read_bytes())
        except FileNotFoundError:
            # A run that was killed while it created or removed the folder leaves at most the unfinished marker.
            return all(is_unfinished(entry.name) for entry in self.folder.iterdir())
        except (OSError, ValueError):
            return False
        return isinstance(marker, dict) and marker == {"what": _MARK, "output": base.name}

    def read_journal(self) -> Journal | None:
        """Return the journal; None if the commit has not begun, or has ended."""
        try:
            fields: dict[str, Any] = json.loads((self.folder / _JOURNAL).read_bytes())
        except FileNotFoundError:
            return None
        old = {name: (inode, size, content, entry) for name, (inode, size, content, entry) in fields["old"].items()}
        return Journal(fields["way"], fields["inode"], tuple(fields["new"]), old)

    def write_journal(self, journal: Journal) -> None:
        """Write the journal to the disk, before the first step of the commit.

        Args:
            journal: The journal.
        """
        write_durably(self.folder / _JOURNAL, json.dumps(asdict(journal)).encode())

    def end_journal(self) -> None:
        """Remove the journal, when nothing is left to complete or undo."""
        (self.folder / _JOURNAL).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the workspace with its unfinished output. What cannot be removed now is left to the next run."""
        with suppress(OSError):
            if self.output.exists():
                shutil.rmtree(self.output)
            # The marker or the journal, if the run was killed while it wrote it.
            for entry in list(self.folder.iterdir()):
                if is_unfinished(entry.name):
                    entry.unlink(missing_ok=True)
            # A folder without its marker is not recognized, so the marker goes last, and only if nothing else is left.
            if {entry.name for entry in self.folder.iterdir()} <= {_MARKER}:
                (self.folder / _MARKER).unlink(missing_ok=True)
                os.rmdir(self.folder)  # noqa: PTH106  # as all steps of a commit: by `os`
