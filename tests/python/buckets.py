"""Remote files: folders of fsspec's file system in memory, which is one for the whole process."""

from __future__ import annotations

from dataclasses import dataclass

import fsspec


@dataclass(frozen=True)
class Bucket:
    """A folder with a name of its own, so that no test sees files of another one."""

    name: str

    @property
    def url(self) -> str:
        return f"memory://{self.name}"

    def write(self, name: str, data: bytes) -> None:
        fsspec.filesystem("memory").pipe(f"/{self.name}/{name}", data)

    def remove(self) -> None:
        memory = fsspec.filesystem("memory")
        if memory.exists(f"/{self.name}"):
            memory.rm(f"/{self.name}", recursive=True)
