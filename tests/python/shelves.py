"""`Shelf`: a store of fsspec that other processes see too. It is a folder that behaves as an object store does."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

#: What changes the store.
STEPS = ("put_file", "pipe_file", "rm_file")


class Shelf(LocalFileSystem):  # type: ignore[misc]
    """Files appear completely or not at all, and folders appear and go with their files."""

    protocol = ("shelf",)
    #: What is called with each step and its file, before it is made.
    before: Callable[[str, str], None] | None = None

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(os.fspath(path)).removeprefix("shelf://").rstrip("/")

    def unstrip_protocol(self, name: str) -> str:
        return f"shelf://{self._strip_protocol(name)}"

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        self._step("put_file", rpath)
        place = Path(self._strip_protocol(rpath))
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = draft_of(place)
        shutil.copyfile(lpath, draft)
        draft.rename(place)

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        self._step("pipe_file", path)
        place = Path(self._strip_protocol(path))
        draft = draft_of(place)
        draft.write_bytes(value)
        draft.rename(place)

    def rm_file(self, path: str) -> None:
        if self.exists(path):
            self._step("rm_file", path)
        super().rm_file(path)

    def _step(self, name: str, path: str) -> None:
        if Shelf.before is not None:
            Shelf.before(name, path)


def draft_of(place: Path) -> Path:
    """Where a file is until it is whole: outside of the store, because a kill may leave it."""
    return Path(tempfile.gettempdir(), f"shelf-{os.getpid()}-{place.parent.name}-{place.name}")


fsspec.register_implementation("shelf", Shelf, clobber=True)


def die_before(step: int) -> None:
    """Kill this process right before a step of the store."""
    left = step

    def count(_name: str, _path: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    Shelf.before = staticmethod(count)
