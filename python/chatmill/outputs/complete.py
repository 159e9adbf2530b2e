"""`check_complete`: checks that a new output holds what its writers recorded, and nothing else."""

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile, identity_of, sha256_of, sha256_of_all
from chatmill.outputs.manifest import MANIFEST
from chatmill.outputs.place import names_of
from chatmill.outputs.shard_files import arrow_batches

#: Files whose rows cannot be counted without their index.
BINARY = frozenset({".bin", ".idx", ".mds", ".ds", ".index", ".loss", ".npy", ".gz"})
_AGAIN = "so nothing was written; run it again, and let nothing else write to the folder of the output"


def recorded(folder: Path, file: str, *, lines: int) -> WrittenFile:
    """Record a file of lines that its writer has closed.

    Args:
        folder: The output folder.
        file: The name of the file.
        lines: The number of lines that were written.

    Raises:
        DataError: It is gone.
    """
    path = folder / file
    try:
        return WrittenFile(file, lines, path.stat().st_size, sha256_of(path))
    except OSError as error:
        raise _changed(file, error.strerror or str(error)) from None


def check_complete(folder: Path, files: Sequence[WrittenFile]) -> None:
    """Check the files of a new output right before it gets to its place.

    Args:
        folder: The folder of the new output.
        files: What the writers recorded, for all files besides the manifest.

    Raises:
        DataError: A file is gone, was replaced or changed, or does not belong there.
    """
    expected = {MANIFEST, *(file.file for file in files)}
    foreign = sorted(_names(folder) - expected)
    if foreign:
        raise DataError(f"files appeared in the new output that chatmill did not write ({names_of(foreign)}), {_AGAIN}")
    for file in files:
        path = folder / file.file
        try:
            size = path.stat(follow_symlinks=False).st_size
        except OSError as error:
            raise _changed(file.file, error.strerror or str(error)) from None
        if size != file.bytes:
            raise _changed(file.file, f"it had {file.bytes:,} bytes and has {size:,}")
    # A shard whose identity is that of the moment when it was hashed is the same one, so it is not hashed again.
    unsure = [file for file in files if file.identity is None or file.identity != identity_of(folder / file.file)]
    for file, sha256 in zip(unsure, _sums(folder, unsure), strict=True):
        if sha256 != file.sha256:
            raise _changed(file.file, "its content changed")
    for file in files:
        rows = _rows(folder, file.file)
        if rows is not None and rows != file.rows:
            raise _changed(file.file, f"{file.rows:,} rows were written, but it has {rows:,}")


def _sums(folder: Path, files: Sequence[WrittenFile]) -> list[str]:
    try:
        return sha256_of_all([folder / file.file for file in files])
    except OSError as error:
        raise DataError(f"the new output cannot be read ({error}), {_AGAIN}") from None


def _rows(folder: Path, file: str) -> int | None:
    """Return the number of rows of a file, or of its lines; None if the file alone does not tell it."""
    path = folder / file
    if path.suffix in BINARY:
        return None
    if path.suffix == ".arrow":
        try:
            with pa.memory_map(str(path)) as source:
                return sum(int(batch.num_rows) for batch in arrow_batches(source))
        except (OSError, pa.ArrowException) as error:
            raise _changed(file, str(error)) from None
    if path.suffix != ".parquet":
        with path.open("rb") as lines:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b""))
    try:
        return int(pq.read_metadata(path).num_rows)
    # Names that are no texts are a `ValueError`.
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _changed(file, str(error)) from None


def _names(folder: Path) -> set[str]:
    """Return the paths of everything in a folder that is not a folder."""
    return {
        Path(parent, name).relative_to(folder).as_posix()
        for parent, folders, names in os.walk(folder)
        for name in (*names, *(it for it in folders if Path(parent, it).is_symlink()))
    }


def _changed(file: str, how: str) -> DataError:
    return DataError(f"{file} was changed after chatmill wrote it ({how}), {_AGAIN}")
