"""`OutputPlace`: where an output goes, and where its run keeps the lock and the unfinished files."""

import errno
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.url import check_no_url, is_url
from chatmill.text.source_name import shown_name

_LISTED_NAMES = 20
#: Errors that tell that a folder must not be written to.
DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True)
class Base:
    """A folder that holds the lock and the workspaces of one output.

    Attributes:
        folder: The folder: the parent of the output, or the output itself.
        name: The name of the output in this folder; `.` for the output itself.
    """

    folder: Path
    name: str

    @property
    def _stem(self) -> str:
        # A hash, because a name may have as many bytes as the filesystem allows.
        return f".chatmill-{hashlib.sha256(os.fsencode(self.name)).hexdigest()[:16]}"

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder / f"{self._stem}.lock"

    @property
    def blocks(self) -> Path:
        """The folder of the blocks that a run keeps until it has ended."""
        return self.folder / f"{self._stem}.blocks"

    def new_workspace(self) -> Path:
        """Return a path for a workspace that no other run has."""
        return self.folder / f"{self._stem}-{os.urandom(8).hex()}"

    def workspaces(self) -> list[Path]:
        """Return the folders whose names are those of workspaces of this output."""
        pattern = re.compile(re.escape(self._stem) + r"-[0-9a-f]{16}")
        try:
            with os.scandir(self.folder) as entries:
                names = sorted(
                    it.name for it in entries if pattern.fullmatch(it.name) and it.is_dir(follow_symlinks=False)
                )
        except OSError:
            return []
        return [self.folder / name for name in names]


@dataclass(frozen=True)
class OutputPlace:
    """The place of an output.

    Attributes:
        folder: The output folder, without symbolic links.
        url: The output, if it is in a store: then `folder` is only the place of its lock and its unfinished files.
    """

    folder: Path
    url: str = ""

    @classmethod
    def of(cls, destination: str | os.PathLike[str]) -> "OutputPlace":
        """Resolve an output folder. A symbolic link is followed, so that all renames stay within one filesystem.

        Args:
            destination: The output folder.

        Raises:
            DataError: It is a URL or a file, or its symbolic links have no end.
        """
        if is_url(destination):
            name = shown_name(os.fspath(destination))
            raise DataError(f"cannot use {name}: only a folder on this machine is possible here; give a path")
        check_no_url(destination)
        try:
            folder = Path(destination).expanduser().resolve()
            is_file = folder.exists() and not folder.is_dir()
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot write to {destination} ({error}); choose another output") from None
        if is_file:
            raise DataError(
                f"cannot write to {folder}, because it is a file and the output is a folder; choose another output"
            )
        return cls(folder)

    @property
    def shown(self) -> str:
        """The output, for messages."""
        return self.url or str(self.folder)

    @property
    def beside(self) -> Base:
        """The parent folder."""
        return Base(self.folder.parent, self.folder.name)

    @property
    def inside(self) -> Base:
        """The output folder itself, for outputs whose parent cannot be used. Each mount may give it another name."""
        return Base(self.folder, ".")

    @property
    def is_fixed(self) -> bool:
        """Whether the output folder must stay: a mount point, or the working directory."""
        # `ismount` does not know a folder that is mounted again on the same filesystem.
        return (
            os.path.ismount(self.folder)
            or os.fspath(self.folder) in _mount_points()
            or (self.folder.is_dir() and self.folder.samefile(os.curdir))
        )


def names_of(names: Sequence[str]) -> str:
    """Join at most twenty names for a message, and count the others.

    Args:
        names: The names.

    Example:
        >>> names_of(["a", "b"])
        'a, b'
    """
    more = len(names) - _LISTED_NAMES
    return ", ".join(names[:_LISTED_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _mount_points() -> set[str]:
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return set()
    points = (line.split(b" ")[4] for line in lines if line.count(b" ") > 4)
    # Blanks and backslashes are written as octal numbers.
    return {os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda it: bytes([int(it[1], 8)]), point)) for point in points}
