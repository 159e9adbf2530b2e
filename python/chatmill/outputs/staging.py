"""`staged_folder`: a folder that is written completely or not at all.

It is filled under another name and renamed at the end.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatmill._chatmill import DataError

# `overwrite` deletes a folder, so it accepts only a folder whose files all have names that chatmill writes.
_OWN_FILES = re.compile(r"part-\d+\.parquet|manifest\.json|rejects\.jsonl|validation")


@contextmanager
def staged_folder(destination: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Create a folder to write into, and rename it to `destination` if the block ends without an exception.

    After an exception, which includes Ctrl-C, the new folder is removed, and the old content of `destination` stays.

    Args:
        destination: The output folder; missing parent folders are created too.
        overwrite: Replace an output of chatmill at `destination` once the new one is complete.

    Yields:
        The folder to write into.

    Raises:
        DataError: `destination` is a URL or a file, cannot be created, or is a folder that must not be replaced.

    Example:
        >>> with staged_folder("build/out") as folder:  # doctest: +SKIP
        ...     (folder / "manifest.json").write_text("{}")
    """
    if "://" in os.fspath(destination):
        raise DataError(
            f"cannot write to {destination}, because the output must be a local folder; write it locally and copy it "
            "afterwards"
        )
    # A symbolic link is followed, so that both renames stay within one filesystem.
    place = Path(destination).expanduser().resolve()
    _check(place, overwrite=overwrite)
    staging = place.with_name(f".{place.name}.incomplete-{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    except OSError as error:
        raise DataError(
            f"cannot create the output folder {destination} ({error.strerror or error}); choose another output"
        ) from error
    try:
        yield staging
        _check(place, overwrite=overwrite)
        _publish(staging, place)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _check(place: Path, *, overwrite: bool) -> None:
    if place.exists() and not place.is_dir():
        raise DataError(
            f"cannot write to {place}, because it is a file and the output is a folder; choose another output"
        )
    entries = sorted(entry.name for entry in place.iterdir()) if place.exists() else []
    if not entries:
        return
    if not overwrite:
        raise DataError(f"{place} is not empty; choose another output, or replace it with `overwrite` (`--overwrite`)")
    foreign = [name for name in entries if not _OWN_FILES.fullmatch(name)]
    if foreign:
        names = ", ".join(foreign[:3]) + (", …" if foreign[3:] else "")
        raise DataError(
            f"{place} has files that chatmill did not write ({names}), but `overwrite` replaces only outputs of "
            "chatmill; choose another output, or remove the folder yourself"
        )


def _publish(staging: Path, place: Path) -> None:
    if not place.exists():
        staging.rename(place)
        return
    old = place.with_name(f".{place.name}.replaced-{os.getpid()}")
    place.rename(old)
    try:
        staging.rename(place)
    except BaseException:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
