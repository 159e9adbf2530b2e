"""`read_manifest`: the manifest of an output, and whether its bytes are those that chatmill wrote."""

from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.manifest import (
    EARLIER_MANIFEST,
    MANIFEST,
    SEAL,
    is_manifest,
    manifest_bytes,
    manifest_name,
    seal_of,
)
from chatmill.statistics.seal import is_sealed
from chatmill.text.parsing import parse_json
from chatmill.verification.faults import Faults
from chatmill.verification.fields import unknown_keys

_GIVE = "give an output of `chatmill prepare`, `pack` or `convert`, or a plan of `chatmill pack --index-only`"


def manifest_of(folder: Path) -> Path:
    """Return the path of the manifest of an output.

    Args:
        folder: The output.

    Raises:
        DataError: There is no such folder, or it has no manifest.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not an output of chatmill; {_GIVE}")
    names = [name for name in (MANIFEST, EARLIER_MANIFEST) if (folder / name).exists()]
    if not names:
        raise DataError(f"there is no {folder / MANIFEST}, so {folder} is not an output of chatmill; {_GIVE}")
    return folder / manifest_name(names)


def read_manifest(path: Path, faults: Faults) -> Any:
    """Read a manifest and check its bytes.

    Args:
        path: Its path.
        faults: Takes the faults.

    Returns:
        Its content; None if it is no JSON.

    Raises:
        DataError: A `manifest.json` is not a manifest of chatmill.
    """
    try:
        content = path.read_bytes()
        manifest = parse_json(content)
    except (OSError, ValueError) as error:
        if path.name == EARLIER_MANIFEST:
            raise DataError(f"{path} is not a manifest of chatmill ({error}); {_GIVE}") from None
        faults.add("manifest", path.name, f"it cannot be read ({error})")
        return None
    if path.name == EARLIER_MANIFEST and not is_manifest(manifest):
        raise DataError(f"{path} is not a manifest of chatmill; {_GIVE}")
    if isinstance(manifest, dict):
        _check_seal(manifest, content, path.name, faults)
        statistics = manifest.get("statistics")
        if isinstance(statistics, dict) and not is_sealed(statistics):
            faults.add("manifest", path.name, "its statistics have changed since chatmill wrote them")
    return manifest


def _check_seal(manifest: dict[str, Any], content: bytes, name: str, faults: Faults) -> None:
    if SEAL not in manifest:
        strange = unknown_keys(manifest)
        if strange:
            # One of them may be the damaged key of the checksum.
            faults.add("manifest", name, f"it has a key that chatmill does not write: {strange[0]!r}")
        faults.note(f"whether {name} has changed: it is of an earlier version, which gave it no checksum of itself")
    elif seal_of(manifest) != manifest[SEAL]:
        faults.add("manifest", name, "its content has changed since chatmill wrote it")
    elif manifest_bytes(manifest) != content:
        faults.add("manifest", name, "its white space, or the way in which its texts are written, has changed")
