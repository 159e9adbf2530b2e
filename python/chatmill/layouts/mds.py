"""`MdsLayout`: the files of MosaicML streaming: shards of samples, and an `index.json`."""

import json
import struct
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import NewFile, array_of, mapped_file
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions
from chatmill.layouts.mds_columns import MdsColumn
from chatmill.layouts.parts import Part, PartsWriter, check_shard_tokens
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.complete import recorded
from chatmill.outputs.durable import write_durably
from chatmill.outputs.shards import Shard
from chatmill.text.parsing import parse_json

_INDEX = "index.json"
# What the index has of a file besides the columns.
_OF_FILE = ("samples", "raw_data", "zip_data")
# The default of streaming. A shard is in memory until it is written, because the places of samples come first.
_SIZE_LIMIT = 1 << 26
_BATCH_BYTES, _BATCH_ROWS = 1 << 22, 1 << 13
_U32 = struct.Struct("<I")


class MdsLayout(FileLayout):
    """`shard.00000.mds`, `shard.00001.mds` and so on, and `index.json`. Lists are arrays (`ndarray:int32`)."""

    name = "mds"

    def check(self, contents: Contents) -> list[str]:
        """Check the types of the columns.

        Args:
            contents: What the rows hold.
        """
        names = [field.name for field in contents.columns if MdsColumn.of(field) is None]
        return [f"left out, because the layout mds has no such types: {', '.join(names)}"] if names else []

    def writer(self, folder: Path, _split: str, contents: Contents, options: WriteOptions) -> PartsWriter:
        """Make a writer.

        Args:
            folder: The folder to write into.
            _split: The split of the rows, which names of files do not have.
            contents: What the rows hold.
            options: How files are written.
        """
        check_shard_tokens(options.shard_tokens)
        entries: list[dict[str, Any]] = []
        new_part = partial(_MdsPart, folder, _names(contents), entries, options.shard_tokens)
        return PartsWriter(new_part, lambda _: [_write_index(folder, entries)])

    def about(self, contents: Contents) -> dict[str, Any]:
        """Return the columns of the files, for the manifest.

        Args:
            contents: What the rows hold.
        """
        return {"columns": _names(contents)}

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows.
        """
        folder = (files.folder / files.shards[0]["file"]).parent
        try:
            index: Any = parse_json((folder / _INDEX).read_bytes())
            paths = [files.folder / shard["file"] for shard in files.shards]
            if [entry["raw_data"]["basename"] for entry in index["shards"]] != [path.name for path in paths]:
                raise DataError(f"{folder / _INDEX} has other files than the manifest; copy the output again")
            for path, entry in zip(paths, index["shards"], strict=True):
                yield from _read(path, entry)
        except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"cannot read the files of MDS in {folder} ({error}); copy the output again") from None


def _names(contents: Contents) -> list[str]:
    """Return the columns that MDS holds, in the order of its files. `check` names the others."""
    return sorted(field.name for field in contents.columns if MdsColumn.of(field) is not None)


class _MdsPart(Part):
    def __init__(
        self,
        folder: Path,
        names: list[str],
        entries: list[dict[str, Any]],
        shard_tokens: int,
        number: int,
        schema: pa.Schema,
    ) -> None:
        columns = [_column(schema.field(name)) for name in names]
        self._file = NewFile(folder / f"shard.{number:05d}.mds")
        self._columns, self._entries, self._shard_tokens = columns, entries, shard_tokens
        self._config = {
            "version": 2,
            "format": "mds",
            "compression": None,
            "hashes": [],
            "size_limit": _SIZE_LIMIT,
            "column_names": [column.name for column in columns],
            "column_encodings": [column.encoding for column in columns],
            "column_sizes": [column.size for column in columns],
        }
        self._samples: list[bytes] = []
        self._config_text = json.dumps(self._config, sort_keys=True).encode()
        self._bytes = 2 * _U32.size + len(self._config_text)
        self._tokens = 0

    @property
    def is_full(self) -> bool:
        return self._tokens >= self._shard_tokens or self._bytes >= _SIZE_LIMIT

    def take(self, batch: pa.RecordBatch) -> int:
        # Encoded rows that do not fit are encoded again for the next part.
        batch = batch.slice(0, _BATCH_ROWS)
        encoded = [column.encode(batch.column(column.name)) for column in self._columns]
        lengths = batch.column("length").to_pylist()
        for row, values in enumerate(zip(*encoded, strict=True)):
            sizes = [len(it) for it, column in zip(values, self._columns, strict=True) if column.size is None]
            sample = b"".join([*map(_U32.pack, sizes), *values])
            if self.is_full or (self._samples and self._bytes + len(sample) + _U32.size > _SIZE_LIMIT):
                self._bytes = max(self._bytes, _SIZE_LIMIT)
                return row
            self._samples.append(sample)
            self._bytes += len(sample) + _U32.size
            self._tokens += lengths[row]
        return int(batch.num_rows)

    def close(self) -> tuple[Shard, list[WrittenFile]]:
        first = _U32.size * (2 + len(self._samples)) + len(self._config_text)
        places = list(accumulate(map(len, self._samples), initial=first))
        self._file.write(struct.pack(f"<{len(places) + 1}I", len(self._samples), *places) + self._config_text)
        for sample in self._samples:
            self._file.write(sample)
        it = self._file.close(len(self._samples))
        self._entries.append(
            {
                "samples": it.rows,
                "raw_data": {"basename": it.file, "bytes": it.bytes, "hashes": {}},
                "zip_data": None,
                **self._config,
            }
        )
        return Shard(it.file, it.rows, it.bytes, it.sha256, self._tokens, identity=it.identity), []

    def abandon(self) -> None:
        self._file.abandon()


def _column(field: pa.Field) -> MdsColumn:
    column = MdsColumn.of(field)
    if column is None:
        raise DataError(
            f"the column {field.name} has the type {field.type}, which MDS does not hold; remove it from `keep_columns`"
        )
    return column


def _write_index(folder: Path, entries: list[dict[str, Any]]) -> WrittenFile:
    text = json.dumps({"version": 2, "shards": entries}, sort_keys=True)
    write_durably(folder / _INDEX, text.encode())
    return recorded(folder, _INDEX, lines=0)


def _read(path: Path, entry: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    names, encodings = entry["column_names"], entry["column_encodings"]
    columns = [MdsColumn.from_encoding(name, encoding) for name, encoding in zip(names, encodings, strict=True)]
    content = mapped_file(path)
    rows = int(entry["samples"])
    _check_head(path, content, entry, rows)
    if [column.size for column in columns] != entry["column_sizes"]:
        raise DataError(f"{_INDEX} has other sizes of values than {path}; copy the output again")
    view, row = memoryview(content), 0
    while True:
        places = array_of(content, pa.uint32(), _U32.size * (1 + row), min(_BATCH_ROWS, rows - row) + 1).to_pylist()
        values: list[list[memoryview]] = [[] for _ in columns]
        for start, end in pairwise(places):
            at = start + _U32.size * sum(column.size is None for column in columns)
            head = start
            for own, column in zip(values, columns, strict=True):
                size = column.size
                if size is None:
                    size, head = _U32.unpack_from(view, head)[0], head + _U32.size
                own.append(view[at : at + size])
                at += size
            if at != end:
                raise DataError(f"a sample of {path} has another size than its place; copy the output again")
            row += 1
            if end - places[0] >= _BATCH_BYTES:
                break
        yield pa.record_batch({column.name: column.decode(own) for own, column in zip(values, columns, strict=True)})
        if row >= rows:
            return


def _check_head(path: Path, content: pa.Buffer, entry: Mapping[str, Any], rows: int) -> None:
    """Check what a file has before its samples, which is in the index as well."""
    if array_of(content, pa.uint32(), 0, 1)[0].as_py() != rows:
        raise DataError(f"{path} has another number of samples than {_INDEX}; copy the output again")
    start = _U32.size * (2 + rows)
    first, last = (array_of(content, pa.uint32(), _U32.size * (1 + it), 1)[0].as_py() for it in (0, rows))
    if not start <= first <= last == content.size == entry["raw_data"]["bytes"]:
        raise DataError(f"{path} has another size than its index; copy the output again")
    config: Any = parse_json(content.slice(start, first - start).to_pybytes())
    if config != {name: value for name, value in entry.items() if name not in _OF_FILE}:
        raise DataError(f"{path} has other columns than {_INDEX}; copy the output again")
