"""`check_files`: whether the files of an output are there, and have the content that was written."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chatmill.outputs.checksums import WrittenFile, sha256_of_all
from chatmill.outputs.complete import BINARY
from chatmill.verification.faults import AGAIN, Faults

_ROWS = {".parquet", ".arrow", *BINARY}
# While a run writes to an output whose parent cannot be used, its lock is in the output.
_LOCK = re.compile(r"\.chatmill-[0-9a-f]{16}\.lock")


def check_files(folder: Path, files: Sequence[WrittenFile], manifest: str, faults: Faults) -> set[str]:
    """Check the files of an output.

    Args:
        folder: The output.
        files: The files that the manifest lists.
        manifest: The name of the manifest.
        faults: Takes the faults.

    Returns:
        The names of the files whose content is the one that was written.
    """
    names = [file.file for file in files]
    for name in sorted(name for name, times in Counter(names).items() if times > 1):
        faults.add("listed_twice", manifest, f"it lists {name} more than once")
    for name in _others(folder, {manifest, *names}):
        faults.add("foreign", name, f"{manifest} does not list this file", "remove it, or move it elsewhere")
    there = [file for file in files if _has_size(folder, file, faults)]
    readable = [file for file in there if _is_readable(folder, file, faults)]
    sums = sha256_of_all([folder / file.file for file in readable])
    for file, sha256 in zip(readable, sums, strict=True):
        if sha256 != file.sha256:
            faults.add("checksum", file.file, "its content has changed since chatmill wrote it")
    intact = {file.file for file, sha256 in zip(readable, sums, strict=True) if sha256 == file.sha256}
    for file in files:
        # The rows of other files are counted where they are read.
        is_lines = (folder / file.file).suffix not in _ROWS
        if file.file in intact and is_lines and _lines(folder / file.file) != file.rows:
            faults.add("lines", file.file, f"it has not the {file.rows:,} lines that {manifest} lists")
    return intact


def _has_size(folder: Path, file: WrittenFile, faults: Faults) -> bool:
    path = folder / file.file
    try:
        size = path.stat().st_size
    except OSError as error:
        faults.add("missing", file.file, f"it is not there ({error.strerror})")
        return False
    if not path.is_file():
        faults.add("missing", file.file, "it is not a file")
        return False
    if size != file.bytes:
        faults.add("size", file.file, f"it had {file.bytes:,} bytes and has {size:,}", AGAIN)
        return False
    return True


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _is_readable(folder: Path, file: WrittenFile, faults: Faults) -> bool:
    try:
        (folder / file.file).open("rb").close()
    except OSError as error:
        faults.add("unreadable", file.file, f"it cannot be opened ({error.strerror})", "make it readable")
        return False
    return True


def _others(folder: Path, known: set[str]) -> list[str]:
    """Return the paths of the files in a folder that are not known."""
    found = {
        Path(parent, name).relative_to(folder).as_posix()
        for parent, folders, names in os.walk(folder)
        for name in (*names, *(it for it in folders if Path(parent, it).is_symlink()))
    }
    return sorted(name for name in found - known if not _LOCK.fullmatch(name))
