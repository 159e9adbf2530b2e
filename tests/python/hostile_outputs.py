"""Hostile changes of outputs: values of manifests and bytes of files, with all checksums made right."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chatmill.outputs.manifest import manifest_bytes, seal_of
from tampered_outputs import MANIFEST, seal_again

_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 2**70, -(2**70), 1.5, 1e308, float("inf"), float("nan")),
    *("", "x", "..", "../x", "/dev/zero", "a/b", "train/../../x", "train-00000.parquet", "\0", "é" * 9, "9"),
    *([], {}, [None], [[]], [{}], {"x": None}, {"file": "../x"}, [1, "x"], [-1]),
]


def change_manifest(output: Path, chance: random.Random) -> str:
    """Replace, remove or repeat a value of the manifest, or add one."""
    return change_value(output, chance, list(json.loads((output / MANIFEST).read_text("utf-8"))))


def change_value(output: Path, chance: random.Random, groups: list[str]) -> str:
    """Replace or remove a value of the manifest in one of these groups."""
    path = output / MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    # Places deep in long lists would be most of all places.
    group = chance.choice(groups)
    place = chance.choice([place for place in _places(manifest) if place[0] == group])
    holder = manifest
    for key in place[:-1]:
        holder = holder[key]
    how = chance.choice(["put", "put", "put", "remove", "huge"])
    old, value = holder[place[-1]], chance.choice(_VALUES)
    if how == "remove":
        del holder[place[-1]]
    elif how == "huge" and isinstance(old, int):
        value = holder[place[-1]] = old + chance.choice([1, -1, 10**6, 10**12, 10**18, -old - 1])
    else:
        holder[place[-1]] = value
    manifest["sha256"] = seal_of(manifest)
    path.write_bytes(manifest_bytes(manifest))
    return f"{how} {'.'.join(map(str, place))}: {str(old)[:40]!r} -> {value!r}"


def change_file(output: Path, chance: random.Random) -> str:
    """Cut a file, or change its bytes."""
    files = sorted(path for path in output.rglob("*") if path.is_file() and path.name != MANIFEST)
    path = chance.choice(files)
    content = bytearray(path.read_bytes())
    size = len(content)
    at = chance.choice(
        [chance.randrange(size + 1), min(size, chance.randrange(64)), max(0, size - chance.randrange(99))]
    )
    count = min(size - at, chance.choice([1, 1, 4, 8, 64]))
    how = chance.choice(["cut", "bits", "ones", "zeros", "random", "longer", "empty", "garbage", "number"])
    if how == "cut":
        content = content[:at]
    elif how == "bits" and count:
        content[at] ^= 1 << chance.randrange(8)
    elif how in ("ones", "zeros"):
        content[at : at + count] = (b"\xff" if how == "ones" else b"\0") * count
    elif how == "random":
        content[at : at + count] = chance.randbytes(count)
    elif how == "longer":
        content[at:at] = chance.randbytes(chance.choice([1, 4, 100]))
    elif how == "empty":
        content = bytearray()
    elif how == "garbage":
        content = bytearray(chance.randbytes(chance.choice([1, 8, 40, 500])))
    else:
        number = chance.choice([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1])
        content[at : at + 8] = number.to_bytes(8, "little")
    path.write_bytes(content)
    seal_again(output)
    return f"{how} {path.name} at {at} of {size}, {count} bytes"


#: The ways to change an output.
HOSTILE: list[Callable[[Path, random.Random], str]] = [change_manifest, change_file]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*path, key))
