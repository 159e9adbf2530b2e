"""`find_earlier_in`: the earlier output in a store, if chatmill wrote all of it and nothing has changed since."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.earlier import KEPT, REMEDY
from chatmill.outputs.manifest import manifest_name, recorded_files
from chatmill.outputs.object_store import ObjectStore
from chatmill.outputs.place import names_of

_THREADS = 8


def find_earlier_in(store: ObjectStore, sizes: Mapping[str, int], *, overwrite: bool) -> dict[str, int]:
    """Check that an output may be written to a folder of a store. Files are read to compare their checksums.

    Args:
        store: The folder.
        sizes: The files in it.
        overwrite: Whether an earlier output may be replaced.

    Returns:
        The sizes of the files of the earlier output, the manifest first; empty if the folder is.

    Raises:
        DataError: The folder has files that must not be replaced; the message names them.
    """
    if not sizes:
        return {}
    if not overwrite:
        raise DataError(
            f"{store.name} is not empty; choose another output, or replace it with `overwrite` (`--overwrite`)"
        )
    manifest = manifest_name(sizes)
    if manifest not in sizes:
        raise DataError(
            f"{store.name} has files that no manifest of chatmill lists ({names_of(sorted(sizes))}), but {KEPT}; "
            f"{REMEDY}"
        )
    recorded = {file.file: file for file in _recorded(store, manifest)}
    foreign = sorted(name for name in sizes if name not in recorded and name != manifest)
    if foreign:
        raise DataError(
            f"{store.name} has files that its {manifest} does not list ({names_of(foreign)}), but {KEPT}; {REMEDY}"
        )
    names = sorted(recorded.keys() & sizes.keys())
    changed = [name for name in names if sizes[name] != recorded[name].bytes]
    same_size = [name for name in names if sizes[name] == recorded[name].bytes]
    with ThreadPoolExecutor(_THREADS, "chatmill-checksum") as pool:
        sums = list(pool.map(store.sha256, same_size))
    changed += [name for name, sha256 in zip(same_size, sums, strict=True) if sha256 != recorded[name].sha256]
    if changed:
        raise DataError(
            f"files in {store.name} have changed since chatmill wrote them ({names_of(sorted(changed))}), but {KEPT}; "
            f"{REMEDY}"
        )
    return {manifest: sizes[manifest], **{name: sizes[name] for name in names}}


def _recorded(store: ObjectStore, manifest: str) -> list[WrittenFile]:
    try:
        files = recorded_files(store.read(manifest) or b"")
    except ValueError as error:
        raise DataError(
            f"{store.name}/{manifest} is not a manifest of chatmill ({error}), but {KEPT}; {REMEDY}"
        ) from None
    if files is None:
        raise DataError(
            f"{store.name}/{manifest} is not a manifest of chatmill with a checksum of each file, but {KEPT}; choose "
            "another output, or remove the folder yourself"
        )
    return files
