"""Outputs of random rows in the layout parquet, made without a tokenizer, and readers of the published formats.

The readers use struct, gzip, json and numpy alone, so that they share nothing with the code that they check.
"""

from __future__ import annotations

import gzip
import json
import random
import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import chatmill
import datasets
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from chatmill.outputs.manifest import write_manifest
from chatmill.outputs.shards import ShardWriter, in_subfolder

#: A row: its ids, and whether each token is trained.
Tokens = tuple[list[int], list[bool]]


def random_rows(count: int, seed: int = 1, *, largest: int = 200_000, shortest: int = 1) -> list[Tokens]:
    """Rows of 0 to 40 tokens; the first token of a row is not trained."""
    numbers = random.Random(seed)
    rows: list[Tokens] = []
    for _ in range(count):
        length = numbers.choice([shortest, 1, 2, 7, numbers.randint(shortest, 40)])
        ids = [numbers.randint(0, largest) for _ in range(length)]
        rows.append((ids, [at > 0 and numbers.random() < 0.5 for at in range(length)]))
    return rows


def table(rows: Sequence[Tokens], **more: Any) -> pa.RecordBatch:
    """The columns of an output, and more columns."""
    lists = pa.list_(pa.int32())
    labels = [[token if trained else -100 for token, trained in zip(*row, strict=True)] for row in rows]
    columns = {
        "input_ids": pa.array([ids for ids, _ in rows], lists),
        "labels": pa.array(labels, lists),
        "length": pa.array([len(ids) for ids, _ in rows], pa.int32()),
    }
    return pa.record_batch({**columns, **more})


def write_output(
    folder: Path,
    batch: pa.RecordBatch,
    validation: pa.RecordBatch | None = None,
    *,
    shard_tokens: int = 150,
    **options: Any,
) -> None:
    """Write an output as `prepare` writes it, with a manifest that says no more than is needed."""
    splits = {"train": batch} | ({} if validation is None else {"validation": validation})
    manifest: dict[str, Any] = {
        "chatmill": chatmill.__version__,
        "format": 1,
        "inputs": [],
        "template": {},
        "tokenizer": {"name": "test"},
        "options": {"padding": None, "trainer": None, "format": None, **options},
        "rejects": None,
    }
    for split, rows in splits.items():
        within = split if len(splits) > 1 else ""
        (folder / within).mkdir(parents=True)
        with ShardWriter(folder / within, split, shard_tokens=shard_tokens) as writer:
            writer.write(rows)
            shards = in_subfolder(writer.finish(), within)
        manifest["shards" if split == "train" else "validation_shards"] = [shard.record() for shard in shards]
    write_manifest(folder, manifest)


def opened(folder: str | Path, split: str = "train") -> list[Tokens]:
    """The rows of an output, by chatmill's own reader."""
    return [(row.input_ids, row.mask) for row in chatmill.open(folder).splits[split]]


def rows_of_table(rows: Sequence[dict[str, Any]]) -> list[Tokens]:
    found = []
    for row in rows:
        ids, labels = list(row["input_ids"]), list(row["labels"])
        assert all(label in (token, -100) for token, label in zip(ids, labels, strict=True))
        found.append((ids, [label != -100 for label in labels]))
    return found


def read_parquet(folder: Path, split: str) -> list[Tokens]:
    return rows_of_table([row for path in sorted(folder.glob(f"{split}-*")) for row in pq.read_table(path).to_pylist()])


def read_arrow(folder: Path, split: str) -> list[Tokens]:
    files = [pa.ipc.open_file(path).read_all() for path in sorted(folder.glob(f"{split}-*.arrow"))]
    return rows_of_table([row for file in files for row in file.to_pylist()])


def read_hf(folder: Path, split: str) -> list[Tokens]:
    is_part = (folder.parent / "dataset_dict.json").exists()
    dataset = datasets.load_from_disk(str(folder.parent))[split] if is_part else datasets.load_from_disk(str(folder))
    return rows_of_table(list(dataset))


def read_pair(prefix: str) -> tuple[np.dtype[Any], list[Any], list[int]]:
    """The type, the sequences and the bounds of documents of a pair of Megatron."""
    content = Path(f"{prefix}.idx").read_bytes()
    assert content[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack_from("<QBQQ", content, 9)
    assert version == 1
    kind = np.dtype({1: "u1", 4: "<i4", 7: "<f4", 8: "<u2"}[code])
    lengths = np.frombuffer(content, "<i4", sequences, 34)
    pointers = np.frombuffer(content, "<i8", sequences, 34 + 4 * sequences)
    documents = np.frombuffer(content, "<i8", bounds, 34 + 12 * sequences)
    assert len(content) == 34 + 12 * sequences + 8 * bounds
    data = Path(f"{prefix}.bin").read_bytes()
    assert len(data) == lengths.sum() * kind.itemsize
    parts = [np.frombuffer(data, kind, n, at) for n, at in zip(lengths, pointers, strict=True)]
    return kind, parts, documents.tolist()


def read_megatron(folder: Path, split: str) -> list[Tokens]:
    _, ids, documents = read_pair(f"{folder}/{split}_text_document")
    kind, masks, same = read_pair(f"{folder}/{split}_loss_mask_document")
    assert (documents, kind) == (same, np.dtype("u1"))
    assert documents == list(range(len(ids) + 1))
    return [(one.tolist(), [bool(it) for it in mask]) for one, mask in zip(ids, masks, strict=True)]


def read_nemo(folder: Path, split: str) -> list[Tokens]:
    """Each segment as the reader of NeMo uses it: a token predicts the next one, if the mask of the token says so."""
    rows = [row for path in sorted(folder.glob(f"{split}-*")) for row in pq.read_table(path).to_pylist()]
    found = []
    for row in rows:
        ids, mask, starts = row["input_ids"], row["loss_mask"], row["seq_start_id"]
        assert starts[0] == 0
        assert len(mask) == len(ids)
        trained = [False] * len(ids)
        for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
            for at in range(start, end - 1):
                trained[at + 1] = bool(mask[at])
        found.append((ids, trained))
    return found


def read_mds(folder: Path, _split: str) -> list[Tokens]:
    index = json.loads((folder / "index.json").read_bytes())
    assert index["version"] == 2
    rows = []
    for shard in index["shards"]:
        content = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(content) == shard["raw_data"]["bytes"]
        count = int(np.frombuffer(content, "<u4", 1)[0])
        assert count == shard["samples"]
        places = np.frombuffer(content, "<u4", count + 1, 4).tolist()
        assert json.loads(content[4 * (count + 2) : places[0]])["column_names"] == shard["column_names"]
        for start, end in pairwise(places):
            sizes, at, row = [], start, {}
            for size in shard["column_sizes"]:
                sizes.append(size or int(np.frombuffer(content, "<u4", 1, at)[0]))
                at += 0 if size else 4
            for name, encoding, size in zip(shard["column_names"], shard["column_encodings"], sizes, strict=True):
                value, at = content[at : at + size], at + size
                if encoding == "ndarray:int32":
                    assert value[0] >> 2 == 1  # one axis
                    width = 1 << (value[0] & 3)
                    length = int.from_bytes(value[1 : 1 + width], "little")
                    row[name] = np.frombuffer(value, "<i4", length, 1 + width).tolist()
            assert at == end
            rows.append(row)
    return rows_of_table(rows)


def read_datatrove(folder: Path, split: str) -> list[Tokens]:
    rows: list[Tokens] = []
    for path in sorted(folder.glob(f"{split}-*.ds")):
        name, count, _ = Path(f"{path}.metadata").read_text("utf-8").split("\n")
        ids = np.fromfile(path, {"2": "<u2", "4": "<u4"}[name.split("|")[1]]).tolist()
        loss = np.fromfile(f"{path}.loss", "?").tolist()
        assert int(count) == len(ids) == len(loss)
        start = 0
        for end in np.fromfile(f"{path}.index", "<u8").tolist():
            rows.append((ids[start:end], loss[start:end]))
            start = end
        assert start == len(ids)
    return rows


def read_olmo(folder: Path, _split: str) -> list[Tokens]:
    kind = json.loads(
        next(it for it in (folder, folder.parent) if (it / "_manifest.json").exists())
        .joinpath("_manifest.json")
        .read_bytes()
    )
    rows: list[Tokens] = []
    for path in sorted(folder.glob("token_ids_part_*.npy")):
        ids = np.fromfile(path, kind["layout"]["dtype"]).tolist()
        mask = np.fromfile(str(path).replace("token_ids", "labels_mask"), "?").tolist()
        assert len(ids) == len(mask)
        for line in gzip.decompress(path.with_suffix(".csv.gz").read_bytes()).decode().splitlines():
            start, end = map(int, line.split(","))
            rows.append((ids[start:end], mask[start:end]))
    return rows


READERS: dict[Any, Callable[[Path, str], list[Tokens]]] = {
    "parquet": read_parquet,
    "arrow": read_arrow,
    "hf": read_hf,
    "megatron": read_megatron,
    "nemo": read_nemo,
    "mds": read_mds,
    "datatrove": read_datatrove,
    "olmo": read_olmo,
}
