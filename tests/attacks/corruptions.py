"""Random corruptions of sound outputs of every kind: `chatmill.verify` finds each of them, and passes what is sound.

    python tests/attacks/corruptions.py [--count 1000] [--seed 1] [--list]

The outputs are those of `tests/python/sound_outputs.py`. Each corruption changes one of them: a flipped bit, a replaced
range of bytes, a cut or emptied file, a file that is gone, two files swapped, a file of another output, an added file,
or a changed manifest. Corruptions of rows and of counts also write the new sizes and checksums into the manifest, and
give it a right checksum of itself, so that only the content can tell: in Parquet files and Arrow streams single values,
in all other layouts rows that are written again. The sound outputs are checked before and after.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import pyarrow as pa
import pyarrow.parquet as pq
from chatmill import DataError, verify
from chatmill.outputs.checksums import sha256_of
from chatmill.outputs.manifest import seal_of, write_manifest
from forged_rows import drop_written, edit_written
from sound_outputs import SOUND

MANIFEST = "_manifest.json"
# The suffixes of files that hold rows, or tell where they are.
DATA = (".parquet", ".arrow", ".bin", ".idx", ".mds", ".ds", ".index", ".loss", ".npy", ".gz")


@contextlib.contextmanager
def sound_outputs(names: list[str]) -> Iterator[dict[str, Path]]:
    """Make outputs, each in a folder of its own, in which it must be checked."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for number, name in enumerate(names):
            place = Path(folder, str(number))
            place.mkdir()
            os.chdir(place)
            made[name] = place / SOUND[name]()
        try:
            yield made
        finally:
            os.chdir(before)


def findings(output: Path) -> str:
    """What `verify` says of an output: its first line, or nothing if it is sound."""
    os.chdir(output.parent)
    try:
        report = verify(output)
    except DataError as error:
        return str(error)
    return str(report.faults[0]) if report.faults else ""


def files_of(output: Path) -> list[Path]:
    return [output] if output.is_file() else sorted(path for path in output.rglob("*") if path.is_file())


def flip(output: Path, chance: random.Random, _: list[Path]) -> str:
    """Flip one bit of one file."""
    path = chance.choice([path for path in files_of(output) if path.stat().st_size])
    content = bytearray(path.read_bytes())
    at, bit = chance.randrange(len(content)), chance.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {at} of {path.name} flipped"


def flip_manifest(output: Path, chance: random.Random, _: list[Path]) -> str:
    """Flip one bit of the manifest, or of the index."""
    path = output if output.is_file() else output / MANIFEST
    content = bytearray(path.read_bytes())
    at, bit = chance.randrange(len(content)), chance.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {at} of {path.name} flipped"


def rewrite(output: Path, chance: random.Random, _: list[Path]) -> str:
    """Change, remove or add bytes in one file."""
    path = chance.choice([path for path in files_of(output) if path.stat().st_size])
    content = path.read_bytes()
    start = chance.randrange(len(content))
    stop = min(len(content), start + chance.choice([1, 4, 64, 1000]))
    new = chance.choice([b"", bytes(stop - start), chance.randbytes(stop - start), content[start:stop] * 2])
    if new == content[start:stop]:
        new += b"\n"
    path.write_bytes(content[:start] + new + content[stop:])
    return f"bytes {start} to {stop} of {path.name} replaced by {len(new)} bytes"


def cut(output: Path, chance: random.Random, _: list[Path]) -> str:
    """Cut one file."""
    path = chance.choice([path for path in files_of(output) if path.stat().st_size])
    size = chance.choice([0, path.stat().st_size - 1, chance.randrange(path.stat().st_size)])
    os.truncate(path, size)
    return f"{path.name} cut to {size} bytes"


def remove(output: Path, chance: random.Random, _: list[Path]) -> str:
    """Remove one file."""
    path = chance.choice(files_of(output))
    path.unlink()
    return f"{path.name} removed"


def swap(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Swap two shards, or bring in one of another output."""
    shards = [path for path in files_of(output) if path.suffix in DATA]
    one = chance.choice(shards)
    same = [path for path in shards if path != one and path.read_bytes() != one.read_bytes()]
    if same and chance.random() < 0.7:
        other = chance.choice(same)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
        return f"{one.name} and {other.name} swapped"
    foreign = [
        path
        for it in others
        for path in files_of(it)
        if path.suffix == one.suffix and path.read_bytes() != one.read_bytes() and not path.name.startswith("_")
    ]
    if not foreign:
        return flip(output, chance, others)
    path = chance.choice(foreign)
    one.write_bytes(path.read_bytes())
    return f"{one.name} replaced by that of another output"


def add(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Add a file."""
    if output.is_file():
        return cut(output, chance, others)
    name = chance.choice(["train-00099.parquet", "notes.txt", "validation/x.parquet", ".hidden", "_tokenizer/x.json"])
    (output / name).parent.mkdir(exist_ok=True)
    (output / name).write_bytes(chance.randbytes(10))
    return f"{name} added"


def edit_manifest(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Change one value of the manifest, written as chatmill writes it, but with the old checksum of itself."""
    if output.is_file():
        return flip(output, chance, others)
    manifest = json.loads((output / MANIFEST).read_text("utf-8"))
    path = chance.choice([path for path in _places(manifest) if path != ("sha256",)])
    holder, key, old = _at(manifest, path)
    holder[key] = _other(old, chance)
    seal = manifest["sha256"]
    write_manifest(output, manifest)
    # The new checksum of the manifest is replaced by the old one.
    text = (output / MANIFEST).read_bytes()
    (output / MANIFEST).write_bytes(text.replace(seal_of(manifest).encode(), seal.encode()))
    return f"{'.'.join(map(str, path))} of the manifest changed from {old!r} to {holder[key]!r}"


def edit_counts(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Change a number that the manifest counts, with a right checksum of the manifest."""
    if output.is_file():
        return flip(output, chance, others)
    manifest = json.loads((output / MANIFEST).read_text("utf-8"))
    wanted = ("rows", "tokens", "bytes", "rows_in", "rows_out", "rejected", "samples", "packs", "pieces", "most_rows")
    paths = [path for path in _places(manifest) if path[-1] in wanted and isinstance(_at(manifest, path)[2], int)]
    arranged = manifest["counts"].get("arranged", {})
    if arranged.get("duplicates") or manifest.get("arrangement", {}).get("weights"):
        # Nothing tells how many tokens duplicates had, or samples that a weight left out.
        paths.remove(("counts", "tokens"))
    path = chance.choice(paths)
    holder, key, old = _at(manifest, path)
    holder[key] = old + chance.choice([1, 7, 1000])
    write_manifest(output, manifest)
    return f"{'.'.join(map(str, path))} of the manifest changed from {old} to {holder[key]}, and sealed again"


def edit_rows(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Change one value of one row, and write the new size and checksum into the manifest."""
    if output.is_file():
        return flip(output, chance, others)
    manifest = json.loads((output / MANIFEST).read_text("utf-8"))
    records = [it for key in ("shards", "validation_shards") for it in manifest.get(key, ()) if it["rows"]]
    if not records:
        return flip(output, chance, others)
    record = chance.choice(records)
    path = output / record["file"]
    if "layout" in manifest:
        return edit_written(output, chance)
    table = read(path)
    kept = set(manifest["options"]["keep_columns"])
    # Nothing but the checksum tells whether these values are those that were written.
    free = kept | {"label"} | ({"loss_mask"} if manifest["options"]["trainer"] else set())
    has_labels = "labels" in table.column_names
    free |= set() if has_labels else {"input_ids", "prompt_ids", "chosen_ids", "rejected_ids", "completion_ids"}
    names = [name for name in table.column_names if name not in free]
    rows = table.to_pylist()
    places = [(row, name) for row in rows for name in names if row[name] not in ([], None)]
    if not places:
        return flip(output, chance, others)
    row, name = chance.choice(places)
    old = row[name]
    if isinstance(old, list):
        at = chance.randrange(len(old))
        # A sequence that is longer, or a value that cannot be there: another id could be right in a masked place.
        how = chance.choice(["shorter", "value"])
        row[name] = old[:-1] if how == "shorter" else [*old[:at], -7, *old[at + 1 :]]
        what = f"{name}[{at}]" if how == "value" else f"the last value of {name}"
    else:
        row[name] = old + 1_000_000
        what = name
    write(pa.Table.from_pylist(rows, table.schema), path)
    record.update(bytes=path.stat().st_size, sha256=sha256_of(path))
    write_manifest(output, manifest)
    return f"{what} of a row of {path.name} changed, and all checksums made right"


def drop_row(output: Path, chance: random.Random, others: list[Path]) -> str:
    """Remove or repeat a row, and write the new size, rows, tokens and checksum into the manifest."""
    if output.is_file():
        return flip(output, chance, others)
    manifest = json.loads((output / MANIFEST).read_text("utf-8"))
    records = [it for key in ("shards", "validation_shards") for it in manifest.get(key, ()) if it["rows"]]
    if not records:
        return flip(output, chance, others)
    record = chance.choice(records)
    path = output / record["file"]
    if "layout" in manifest:
        return drop_written(output, chance) or flip(output, chance, others)
    table = read(path)
    at = chance.randrange(table.num_rows)
    is_gone = chance.random() < 0.5
    table = pa.concat_tables([table.slice(0, at if is_gone else at + 1), table.slice(at + 1 if is_gone else at)])
    write(table, path)
    record.update(rows=table.num_rows, bytes=path.stat().st_size, sha256=sha256_of(path))
    if "length" in table.column_names:
        record["tokens"] = sum(table["length"].to_pylist())
    write_manifest(output, manifest)
    return f"row {at} of {path.name} {'removed' if is_gone else 'repeated'}, and all checksums made right"


WAYS: dict[str, Callable[[Path, random.Random, list[Path]], str]] = {
    it.__name__: it
    for it in (
        *(flip, flip, flip, flip_manifest, flip_manifest, rewrite, cut, remove, swap, add),
        *(edit_manifest, edit_counts, edit_rows, drop_row),
    )
}
# How often each way is taken.
SHARES = {"flip": 4, "flip_manifest": 2, "edit_rows": 2}


def read(path: Path) -> pa.Table:
    if path.suffix == ".arrow":
        with pa.ipc.open_stream(path.read_bytes()) as stream:
            return stream.read_all()
    return pq.read_table(path, partitioning=None)


def write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, path)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all plain values."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*path, key))
    else:
        yield path


def _at(value: Any, path: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    for key in path[:-1]:
        value = value[key]
    return value, path[-1], value[path[-1]]


def _other(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + chance.choice([1, -1, 1000])
    return value + "x" if not value or chance.random() < 0.5 else value[:-1]


def corrupt(
    outputs: dict[str, Path], count: int, seed: int, say: Callable[[str], object] = lambda _: None
) -> tuple[Counter[str], list[str]]:
    """Corrupt copies of outputs; return how often each way was taken, and what `verify` did not find."""
    chance = random.Random(seed)
    taken: Counter[str] = Counter()
    missed = []
    names = list(outputs)
    ways = [name for name in WAYS for _ in range(SHARES.get(name, 1))]
    for number in range(count):
        name, way = chance.choice(names), chance.choice(ways)
        source = outputs[name]
        # The folder that was packed stays beside it.
        kept = source.with_name(f"{source.name}.kept")
        (shutil.copytree if source.is_dir() else shutil.copy)(source, kept)
        try:
            what = WAYS[way](source, chance, [path for path in outputs.values() if path != source])
            found = findings(source)
        finally:
            shutil.rmtree(source) if source.is_dir() else source.unlink(missing_ok=True)
            kept.rename(source)
        taken[way] += 1
        say(f"{number} {name}: {what}: {found or 'NOT FOUND'}")
        if not found:
            missed.append(f"{name}: {what}")
    return taken, missed


def main() -> None:
    """Run the attack, and exit with status 1 if a corruption was not found, or a sound output did not pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print each corruption with its finding")
    options = parser.parse_args()
    started = time.monotonic()
    with sound_outputs(list(SOUND)) as outputs:
        refused = [f"{name}: {found}" for name, path in outputs.items() if (found := findings(path))]
        checked = len(outputs)
        taken, missed = corrupt(outputs, options.count, options.seed, print if options.list else lambda _: None)
        while checked < 100:
            for name, path in list(outputs.items())[: 100 - checked]:
                checked += 1
                if found := findings(path):
                    refused.append(f"{name}: {found}")
    print(", ".join(f"{way} {count}" for way, count in sorted(taken.items())))
    for text in (*missed, *refused):
        print(f"WRONG: {text}")
    found, passed, seconds = options.count - len(missed), checked - len(refused), time.monotonic() - started
    print(f"{found:,} of {options.count:,} corruptions found, {passed} of {checked} sound outputs passed", end=" ")
    print(f"({seconds:.0f} s)")
    sys.exit(1 if missed or refused else 0)


if __name__ == "__main__":
    main()
