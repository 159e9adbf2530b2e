"""`Claim`: a marker in an output in a store. It names the run that writes there, and the files that it puts there."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.object_store import ObjectStore

#: The name of the marker. Readers of folders skip names that begin with `_`.
MARKER = "_chatmill-run.json"
_WHAT = "unfinished output of chatmill"


@dataclass(frozen=True)
class Claim:
    """A run that writes to a folder of a store.

    Attributes:
        run: A name that no other run has.
        process: Its process.
        host: Its machine.
        folder: The folder of its lock on this machine.
        started: When it began.
        files: The sizes of the files that it puts, or that an earlier output had which it replaces. One name may have
            several sizes.
    """

    run: str
    process: int
    host: str
    folder: str
    started: str
    files: Mapping[str, list[int]] = field(default_factory=dict)

    @classmethod
    def new(cls, folder: Path) -> "Claim":
        """Return the claim of this process.

        Args:
            folder: The folder of its lock.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(os.urandom(8).hex(), os.getpid(), platform.node(), os.fspath(folder), now)

    @classmethod
    def read(cls, store: ObjectStore) -> "Claim | None":
        """Read the marker in a folder.

        Args:
            store: The folder.

        Returns:
            The claim; None if there is no marker.

        Raises:
            DataError: The store cannot be read, or chatmill did not write the marker.
        """
        content = store.read(MARKER)
        if content is None:
            return None
        try:
            fields = json.loads(content)
            if fields.pop("what") != _WHAT:
                raise ValueError("chatmill did not write it")
            found = cls(**fields)
            known = {name: [int(size) for size in sizes] for name, sizes in found.files.items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{store.name}/{MARKER} is damaged ({error}); choose another output, or remove the folder yourself"
            ) from None
        return replace(found, files=known)

    def write(self, store: ObjectStore) -> None:
        """Write the marker.

        Args:
            store: The folder.

        Raises:
            DataError: The store does not take it.
        """
        store.write(MARKER, json.dumps({"what": _WHAT, **asdict(self)}).encode())

    def with_files(self, sizes: Mapping[str, int]) -> "Claim":
        """Return this claim with more files.

        Args:
            sizes: Their sizes.
        """
        files = {name: list(of_name) for name, of_name in self.files.items()}
        for name, size in sizes.items():
            files[name] = [*dict.fromkeys([*files.get(name, []), size])]
        return replace(self, files=files)

    def has_lock_of(self, other: "Claim") -> bool:
        """Return whether another claim was made with the same lock, so that its run is dead if this one has the lock.

        Args:
            other: The other claim.
        """
        return (self.host, self.folder) == (other.host, other.folder)

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, started at {self.started}"
