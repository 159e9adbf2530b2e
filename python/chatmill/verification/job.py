"""`verify`: checks a finished output: its manifest, its files, and the content of its rows or packs."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.manifest import recorded_files
from chatmill.outputs.rejects import EARLIER_REJECTS, REJECTS
from chatmill.outputs.url import check_here
from chatmill.packing.index import is_index
from chatmill.verification.content import check_content
from chatmill.verification.counts import check_counts
from chatmill.verification.dataset_files import check_dataset_files
from chatmill.verification.faults import Faults
from chatmill.verification.fields import check_fields
from chatmill.verification.files import check_files
from chatmill.verification.index import verify_index
from chatmill.verification.layout_files import check_layout_files
from chatmill.verification.manifest import manifest_of, read_manifest
from chatmill.verification.rejects import check_rejects
from chatmill.verification.report import VerifyReport


def verify(folder: str | os.PathLike[str], tokens: str | os.PathLike[str] | None = None) -> VerifyReport:
    """Check a finished output of any layout: that nothing in it has changed, and that it adds up.

    It checks the manifest, each file by its checksum, and the rows themselves: columns of equal length, labels, masks,
    positions, ids, the marks of packs, and the counts of the manifest. In layouts whose rows need several files, such
    as `megatron`, faults of rows name the split. Files are read a few rows at a time. For packs, the plan is in memory,
    with about 200 bytes for each row.

    Args:
        folder: The output folder of `prepare`, `pack` or `convert`, or an index of `pack(…, index_only=True)`.
        tokens: For packs, the output that was packed, to compare all tokens. None for the folder that the manifest
            names, if it is there and unchanged.

    Returns:
        The faults, each with its first place, and what could not be checked.

    Raises:
        DataError: There is no output of chatmill, or `tokens` are given, but there are no packs.

    Example:
        >>> chatmill.verify("tokens").is_sound  # doctest: +SKIP
        True
        >>> print(chatmill.verify("tokens-megatron"))  # doctest: +SKIP
        tokens-megatron: sound (5 files, 10,000 rows, 5,820,144 tokens, 0.4 s)
    """
    started = time.monotonic()
    check_here(folder)
    place = Path(folder).expanduser()
    given = None if tokens is None else Path(tokens).expanduser()
    faults = Faults()
    if place.is_file() and (place.suffix == ".parquet" or is_index(place)):
        rows, token_count = verify_index(place, given, faults)
        return _report(place, faults, (1, rows, token_count), started)
    path = manifest_of(place)
    manifest = read_manifest(path, faults)
    if manifest is None or not check_fields(manifest, path.name, faults):
        faults.note(f"files and rows, because {path.name} cannot be read as a manifest")
        return _report(place, faults, (1, 0, 0), started)
    found = recorded_files(path.read_bytes()) or []
    intact = check_files(place, found, path.name, faults)
    check_counts(manifest, path.name, faults)
    check_layout_files(manifest, path.name, faults)
    _check_rejects(place, manifest, intact, faults)
    check_dataset_files(place, manifest, intact, faults)
    if given is not None and manifest["options"].get("packing") is None:
        raise DataError(f"`tokens` (`--tokens`) is for packs, but {place} has rows; leave it out")
    rows, token_count = check_content(place, path.name, manifest, intact, given, faults)
    return _report(place, faults, (1 + len(found), rows, token_count), started)


def _check_rejects(folder: Path, manifest: Mapping[str, Any], intact: set[str], faults: Faults) -> None:
    rejects = manifest["rejects"]
    if rejects is None:
        return
    if rejects["file"] not in (REJECTS, EARLIER_REJECTS):
        faults.add("rejects", rejects["file"], "the manifest lists it as the file of the rejected rows")
    elif rejects["file"] in intact:
        check_rejects(folder / rejects["file"], manifest, faults)


def _report(place: Path, faults: Faults, counts: tuple[int, int, int], started: float) -> VerifyReport:
    return VerifyReport(place, faults.found(), faults.notes(), *counts, time.monotonic() - started)
