"""Damaged files and malformed Arrow data, many at random: nothing crashes, and every error is chatmill's.

    python tests/attacks/files.py [--cases 2000] [--seed 1]

Small valid files of every kind are damaged (bytes, truncation, splices of other files) and prepared. Malformed Arrow
columns go to a mill through the C data interface. All of this happens in a process of its own, which may crash. The
faults of Arrow data are those that its consumer can see; docs/architecture.md tells which ones it cannot.
"""

from __future__ import annotations

import argparse
import bz2
import ctypes
import gzip
import json
import lzma
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROOT = Path(__file__).parents[2]
BYTE_TOKENIZER = ROOT / "tests" / "data" / "byte_tokenizer.json"
# The results that are right: all rows are accounted for, or there is an error, with or without a place in the file.
FINE = {"read", "error", "placed"}
PLACE = re.compile(r"FILE, (line|row group|record batch) \d+")
SECONDS, MEMORY = 30, 6 << 30
CASES_OF_A_WORKER = 250


def rows(count: int) -> list[dict[str, Any]]:
    """Conversations."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"What is {number} + 1? 你好"},
                {"role": "assistant", "content": f"It is {number + 1}. " * (number % 5)},
            ],
            "id": number,
            "kept": ["a", "b", "c"][number % 3],
        }
        for number in range(count)
    ]


def valid_files() -> dict[str, bytes]:
    """Small valid files of every kind, by name."""
    table = pa.Table.from_pylist(rows(30))
    coded = table.set_column(2, "kept", table.column("kept").dictionary_encode())
    viewed = table.set_column(2, "kept", table.column("kept").cast(pa.string_view()))
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows(30))
    files = {
        "a.jsonl": lines,
        "a.jsonl.gz": gzip.compress(lines),
        "a.jsonl.xz": lzma.compress(lines),
        "a.jsonl.bz2": bz2.compress(lines),
        "a.jsonl.zst": zstandard.compress(lines),
    }
    for name, codec in (("p", "none"), ("z", "zstd"), ("s", "snappy")):
        sink = pa.BufferOutputStream()
        pq.write_table(coded, sink, compression=codec, row_group_size=10, use_dictionary=codec == "zstd")
        files[f"{name}.parquet"] = sink.getvalue().to_pybytes()
    for name, kind, packing, given in (
        ("f.feather", pa.ipc.new_file, None, coded),
        ("v.feather", pa.ipc.new_file, None, viewed),
        ("z.feather", pa.ipc.new_file, "zstd", table),
        ("s.arrow", pa.ipc.new_stream, None, coded),
        ("l.arrow", pa.ipc.new_stream, "lz4", table),
    ):
        sink = pa.BufferOutputStream()
        with kind(sink, given.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
            writer.write_table(given, max_chunksize=10)
        files[name] = sink.getvalue().to_pybytes()
    return files


def damaged(content: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """The content with some faults."""
    data = bytearray(content)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        at, length = dice.randrange(len(data) or 1), dice.choice([1, 4, 8, 64, 512])
        kind = dice.randrange(8)
        if kind <= 2 and data:
            for _ in range(dice.choice([1, 1, 3, 20])):
                data[dice.randrange(len(data))] = dice.randrange(256)
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            other = dice.choice(others)
            start = dice.randrange(len(other))
            data[at : at + length] = other[start : start + length]
        elif kind == 5:
            data[at : at + length] = dice.choice([b"\0", b"\xff", b"\x7f"]) * length
        elif kind == 6:
            data[at:at] = data[at : at + length]
        else:
            # Numbers of metadata: a large, a negative or a small one.
            data[at : at + 4] = dice.choice([2**31 - 1, -1, 0, 1, 2**20]).to_bytes(4, "little", signed=True)
    return bytes(data)


def attack_files(cases: range, report: Callable[[int, str, str], None]) -> None:
    """Prepare damaged files."""
    tokenizer = chatmill.Tokenizer(BYTE_TOKENIZER.read_text("utf-8"))
    template = chatmill.ChatTemplate.named("chatml")
    files = valid_files()
    names, contents = list(files), list(files.values())
    for case in cases:
        dice = random.Random(case)
        name = names[case % len(names)]
        content = damaged(files[name], contents, dice)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            started = time.monotonic()
            report(case, "started", name)
            try:
                done = chatmill.prepare(
                    path,
                    tokenizer=tokenizer,
                    template=template,
                    format=None,
                    output=Path(folder, "out"),
                    keep_columns=["kept"] if dice.randrange(2) else [],
                    progress=False,
                )
                accounted = done.rows_in == done.rows_out + done.rejected
                result = "read" if accounted else "LOST"
            except chatmill.ChatmillError as error:
                has_place = PLACE.search(str(error).replace(str(path), "FILE"))
                result = "placed" if has_place else "error"
                if str(path) not in str(error):
                    result = f"NO FILE in {error!r}"
            except BaseException as error:  # noqa: BLE001
                result = f"OTHER {error!r}"
            seconds = time.monotonic() - started
            report(case, "SLOW" if seconds > SECONDS else result, f"{name} {seconds:.1f} s")


# The places of the fields of a C array, in words of eight bytes.
LENGTH, NULLS, OFFSET, BUFFERS, CHILDREN, BUFFER_POINTERS, CHILD_POINTERS = range(7)
WORDS_OF_ARRAY = ctypes.c_int64 * 10


def change(address: int, dice: random.Random) -> None:
    """Change a field of a C array, in half of all cases."""
    fields = WORDS_OF_ARRAY.from_address(address)
    kind = dice.randrange(12)
    if kind == 0:
        fields[LENGTH] = dice.choice([-1, 10**6, 2**62])
    elif kind == 1:
        fields[OFFSET] = dice.choice([-1, -(2**63), 2**40])
    elif kind == 2:
        fields[BUFFERS] = 0
    elif kind == 3:
        fields[CHILDREN] = dice.choice([0, 1])
    elif kind in (4, 5):
        child = WORDS_OF_ARRAY.from_address(ctypes.c_int64.from_address(fields[CHILD_POINTERS]).value)
        child[BUFFERS if kind == 4 else LENGTH] = 0


class Pair:
    """An object of the Arrow PyCapsule interface, made of two C structures."""

    def __init__(self, array: pa.Array, dice: random.Random) -> None:
        self._schema, self._array = (ctypes.c_ubyte * 72)(), (ctypes.c_ubyte * 80)()
        array._export_to_c(ctypes.addressof(self._array), ctypes.addressof(self._schema))
        change(ctypes.addressof(self._array), dice)

    def __arrow_c_array__(self, _schema: Any = None) -> tuple[Any, Any]:
        """Return the capsules."""
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return (
            new(ctypes.addressof(self._schema), b"arrow_schema", None),
            new(ctypes.addressof(self._array), b"arrow_array", None),
        )


TEXT = pa.py_buffer(b'[{"role": "user", "content": "Hi"}]' * 200)
WORDS = pa.array(["a", "b", "[]"])


class Columns:
    """Makes columns of random types. They are valid until `spoil` changes their buffers, all of which are long enough.

    Args:
        dice: Chooses.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._changes: list[tuple[bytearray, bytes]] = []

    def spoil(self) -> None:
        """Change the buffers of all columns."""
        for buffer, content in self._changes:
            if self._dice.randrange(4):
                buffer[:] = content

    def _buffer(self, good: bytes, wrong: bytes) -> pa.Buffer:
        buffer = bytearray(good)
        self._changes.append((buffer, wrong))
        return pa.py_buffer(buffer)

    def _numbers(self, size: int, good: list[int], wrong: list[int]) -> pa.Buffer:
        most = 2 ** (8 * size - 1)
        both = [b"".join(max(-most, min(most - 1, it)).to_bytes(size, "little", signed=True) for it in its)
                for its in (good, wrong)]  # fmt: skip
        return self._buffer(*both)

    def column(self, depth: int = 0) -> pa.Array:
        """Make a column."""
        dice = self._dice
        count = dice.randrange(1, 6)
        wild = [0, 1, 2, 3, 7, 50, -1, -5, 2**20, 2**31 - 1, -(2**31), 2**40, -(2**63)]
        wrong = [dice.choice([dice.randrange(0, 9), dice.choice(wild)]) for _ in range(count)]
        zeros = [0] * count
        kind = dice.randrange(9 if depth < 3 else 4)
        if kind in (0, 1):
            # The last offset is the size of the text, which only the producer knows.
            types = [[pa.string(), pa.binary()], [pa.large_string(), pa.large_binary()]][kind]
            offsets = self._numbers(4 << kind, [*zeros, 50], [*wrong, 50])
            return pa.Array.from_buffers(dice.choice(types), count, [None, offsets, TEXT])
        if kind == 2:
            views = [
                dice.choice([5, 13, 100, 2**31 - 1]).to_bytes(4, "little") + b"[{\"r"
                + (abs(it) % 3).to_bytes(4, "little") + dice.choice([0, 5, 2**31 - 1]).to_bytes(4, "little")
                for it in wrong
            ]  # fmt: skip
            buffer = self._buffer(bytes(16 * count), b"".join(views))
            return pa.Array.from_buffers(dice.choice([pa.string_view(), pa.binary_view()]), count, [None, buffer, TEXT])
        if kind == 3:
            keys = pa.Array.from_buffers(pa.int8(), count, [None, self._numbers(1, zeros, wrong)])
            return pa.DictionaryArray.from_arrays(keys, WORDS)
        child = self.column(depth + 1)
        if kind in (4, 5):
            made = [pa.list_, pa.large_list][kind - 4](child.type)
            return pa.Array.from_buffers(
                made, count, [None, self._numbers(4 << (kind - 4), [0, *zeros], [0, *wrong])], children=[child]
            )
        if kind == 6:
            sizes = [dice.choice([0, 1, 2, *wild]) for _ in range(count)]
            buffers = [None, self._numbers(4, zeros, wrong), self._numbers(4, zeros, sizes)]
            return pa.Array.from_buffers(pa.list_view(child.type), count, buffers, children=[child])
        if kind == 7:
            return pa.Array.from_buffers(pa.list_(child.type, 1), len(child), [None], children=[child])
        fields = [pa.field(dice.choice(["role", "content", "a"]), child.type)]
        return pa.Array.from_buffers(pa.struct(fields), len(child), [None], children=[child])


def attack_arrow(cases: range, report: Callable[[int, str, str], None]) -> None:
    """Give malformed columns to a mill."""
    mill = chatmill.Mill(
        chatmill.Tokenizer(BYTE_TOKENIZER.read_text("utf-8")),
        chatmill.ChatTemplate.named("chatml"),
        on_error="null",
        keep_columns=["kept"],
        threads=1,
    )
    for case in cases:
        dice = random.Random(case)
        columns = Columns(dice)
        one = columns.column()
        struct = pa.Array.from_buffers(
            pa.struct({"messages": one.type, "kept": one.type}), len(one), [None], children=[one, one]
        )

        columns.spoil()
        report(case, "started", str(one.type)[:60])
        try:
            mill(Pair(struct, dice))
            result = "read"
        except chatmill.ChatmillError as error:
            result = f"OTHER {error}" if "a defect of chatmill" in str(error) else "error"
        except BaseException as error:  # noqa: BLE001
            result = f"OTHER {error!r}"
        report(case, result, str(one.type)[:60])


ATTACKS = {"files": attack_files, "arrow": attack_arrow}


def worker(attack: str, first: int, last: int) -> None:
    """Run some cases, and write a line for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def report(case: int, result: str, about: str) -> None:
        print(json.dumps([case, result, about]), flush=True)

    ATTACKS[attack](range(first, last), report)


def run(attack: str, first: int, count: int) -> Counter[str]:
    """Run all cases of an attack in workers. A crash costs one case."""
    results: Counter[str] = Counter()
    at = first
    while at < first + count:
        last = min(at + CASES_OF_A_WORKER, first + count)
        command = [sys.executable, __file__, "--worker", attack, str(at), str(last)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        finished = [line for line in lines if line[1] != "started"]
        for case, result, about in finished:
            results[result.split(" ")[0]] += 1
            if result not in FINE:
                print(f"{attack} {case}: {result} ({about})")
        at = last
        if done.returncode:
            case, _, about = lines[-1] if lines else (at, "", "")
            results["CRASH"] += 1
            print(f"{attack} {case}: CRASH {done.returncode} ({about}) {done.stderr[-300:]}")
            at = case + 1
    return results


def main() -> None:
    """Run the attacks, and exit with status 1 if one of them succeeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=3, metavar=("ATTACK", "FIRST", "LAST"))
    options = parser.parse_args()
    if options.worker:
        attack, first, last = options.worker
        worker(attack, int(first), int(last))
        return
    failed = False
    for attack in ATTACKS:
        started = time.monotonic()
        results = run(attack, options.seed * 1_000_000, options.cases)
        failed |= bool(set(results) - FINE)
        print(f"{attack}: {dict(results)} in {time.monotonic() - started:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
