"""Small conversations, and files of every kind to hold them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Row = dict[str, Any]
WriteFile = Callable[[str, Sequence[Row]], Path]

# `<|im_start|>user\nHi<|im_end|>\n` is 30 characters and 10 tokens,
# `<|im_start|>assistant\nHello!<|im_end|>\n` 39 characters and 19 tokens.
TURN = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
SHORT, LONG = {"messages": TURN}, {"messages": [*TURN, *TURN]}
# A template without headers and stop tokens, for any role: `user: Hi`.
PLAIN_SOURCE = "{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}"

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


def conversation(number: int) -> Row:
    """A small row with a unique `id`."""
    return {
        "id": number,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"What is {number} + 1? 你好 👋"},
            {"role": "assistant", "content": f"It is {number + 1}."},
        ],
    }


def to_lines(rows: Sequence[Row]) -> bytes:
    """Rows as JSONL."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows in the format of the file's suffix, seven rows per group, so that small files have several groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in {".parquet", ".pq"}:
        pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=7)
    elif path.suffix in {".arrow", ".ipc", ".feather"}:
        table = pa.Table.from_pylist(list(rows))
        # The `datasets` library writes streams into .arrow files; the other files have the IPC file format.
        new_writer = pa.ipc.new_stream if path.suffix == ".arrow" else pa.ipc.new_file
        with new_writer(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    else:
        path.write_bytes(_COMPRESS.get(path.suffix, bytes)(to_lines(rows)))
