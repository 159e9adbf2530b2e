"""`sealed`: statistics with a checksum of themselves. Nothing else in an output tells whether all of them are right."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return statistics with their checksum.

    Args:
        record: The statistics in the form of a manifest.

    Example:
        >>> is_sealed(sealed({"version": 1})), is_sealed({**sealed({"version": 1}), "version": 2})
        (True, False)
    """
    return {**record, SEAL: _sum(record)}


def is_sealed(record: Mapping[str, Any]) -> bool:
    """Return whether statistics have the right checksum.

    Args:
        record: The statistics.
    """
    return record.get(SEAL) == _sum({name: value for name, value in record.items() if name != SEAL})


def _sum(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
