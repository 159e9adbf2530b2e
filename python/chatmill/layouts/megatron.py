"""`MegatronLayout`: a pair of `.bin` and `.idx` for the ids, and one of the same shape for the masks or the weights."""

import struct
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import NewFile, array_of, bytes_of, mapped_file
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions, left_out_note
from chatmill.layouts.megatron_index import HEADER, MegatronIndex, header
from chatmill.layouts.parts import Part, PartsWriter
from chatmill.layouts.tokens import Tokens, runs, token_batch
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.shards import Shard

# Megatron's own rule: vocabularies from this size on take four bytes.
_SMALL_VOCABULARY = 65500
_CHUNK_ROWS = 1 << 16


class MegatronLayout(FileLayout):
    """`train_text_document.bin` and `.idx`, and `train_loss_mask_document` or `train_weights_document` beside them.

    A row is a document of one sequence. A pack is a document whose sequences are its rows.
    """

    name = "megatron"
    sizes_ids = True

    def check(self, contents: Contents) -> list[str]:
        """Check that rows are samples or packs of them.

        Args:
            contents: What the rows hold.
        """
        contents.check_tokens(self.name)
        contents.check_bounds(self.name)
        return left_out_note(contents.left_out, self.name) + contents.size_note()

    def writer(self, folder: Path, split: str, contents: Contents, _options: WriteOptions) -> PartsWriter:
        """Make a writer of one pair of files, because Megatron opens a pair by its prefix.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
            contents: What the rows hold.
            _options: How files are written.
        """
        return PartsWriter(lambda _number, _columns: _Pair(folder, split, contents))

    def about(self, contents: Contents) -> dict[str, Any]:
        """Return the types, for the manifest.

        Args:
            contents: What the rows hold.
        """
        key, kind = _companion(contents)
        return {
            "dtype": str(_kind(contents)),
            "companion": key,
            "companion_dtype": "float32" if key == "weights" else str(kind),
        }

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows.
        """
        for shard in files.shards:
            prefix = str(files.folder / shard["file"]).removesuffix("_text_document.bin")
            yield from _read(prefix, files.about, is_packed=files.is_packed)


def _kind(contents: Contents) -> pa.DataType:
    size = contents.vocabulary_size
    return pa.uint16() if size is not None and size < _SMALL_VOCABULARY else pa.int32()


def _companion(contents: Contents) -> tuple[str, pa.DataType]:
    return ("weights", pa.float32()) if contents.is_weighted else ("loss_mask", pa.uint8())


class _Pair(Part):
    """The two pairs of files. Of each row only its number of sequences is in memory, and only if rows are packs."""

    def __init__(self, folder: Path, split: str, contents: Contents) -> None:
        self._contents = contents
        self._kinds = _kind(contents), _companion(contents)[1]
        names = [f"{split}_{key}_document" for key in ("text", _companion(contents)[0])]
        self._data = [NewFile(folder / f"{name}.bin") for name in names]
        self._indexes = [NewFile(folder / f"{name}.idx") for name in names]
        for index, kind in zip(self._indexes, self._kinds, strict=True):
            index.write(header(kind, 0, 0))
        self._sequences = array("i")
        self._rows = self._tokens = self._count = 0

    @property
    def is_full(self) -> bool:
        return False

    def take(self, batch: pa.RecordBatch) -> int:
        tokens = Tokens.of(batch, self._contents)
        trained = tokens.mask if tokens.weights is None else tokens.weights
        for file, values in zip(self._data, (tokens.ids_as(self._kinds[0]), trained), strict=True):
            file.write(bytes_of(values))
        lengths = tokens.lengths
        if self._contents.is_packed:
            lengths = tokens.segments.flatten()
            self._sequences.extend(pc.list_value_length(tokens.segments).to_pylist())
        for index in self._indexes:
            index.write(bytes_of(lengths))
        self._rows += batch.num_rows
        self._count += len(lengths)
        self._tokens += len(tokens.ids)
        return int(batch.num_rows)

    def close(self) -> tuple[Shard, list[WrittenFile]]:
        for index, kind in zip(self._indexes, self._kinds, strict=True):
            self._complete(index, kind)
        (data, *others), indexes = (
            [it.close(self._rows) for it in self._data],
            [it.close(self._rows) for it in self._indexes],
        )
        shard = Shard(data.file, data.rows, data.bytes, data.sha256, self._tokens, identity=data.identity)
        return shard, [*others, *indexes]

    def abandon(self) -> None:
        for file in (*self._data, *self._indexes):
            file.abandon()

    def _complete(self, index: NewFile, kind: pa.DataType) -> None:
        """Append the place of each sequence and the first sequence of each document, and write the true header."""
        width, start = kind.bit_width // 8, 0
        for at in range(0, self._count, _CHUNK_ROWS):
            count = min(_CHUNK_ROWS, self._count - at)
            content = pa.py_buffer(index.read_at(HEADER.size + 4 * at, 4 * count))
            lengths = pc.cast(array_of(content, pa.int32(), 0, count), pa.int64())
            ends = pc.add(pc.cumulative_sum(lengths), start)
            index.write(bytes_of(pc.multiply(pc.subtract(ends, lengths), width)))
            start = ends[-1].as_py()
        index.write(struct.pack("<q", 0))
        first = 0
        for at in range(0, self._rows, _CHUNK_ROWS):
            rows = min(_CHUNK_ROWS, self._rows - at)
            counts = self._sequences[at : at + rows] if self._contents.is_packed else [1] * rows
            ends = pc.add(pc.cumulative_sum(pa.array(counts, pa.int64())), first)
            index.write(bytes_of(ends))
            first = ends[-1].as_py()
        index.write_at(0, header(kind, self._count, self._rows + 1))


def _read(prefix: str, about: Mapping[str, Any], *, is_packed: bool) -> Iterator[pa.RecordBatch]:
    companion = about["companion"]
    names = [f"{prefix}_{key}_document" for key in ("text", companion)]
    index, other = (MegatronIndex.open(Path(f"{name}.idx")) for name in names)
    data, trained = (mapped_file(Path(f"{name}.bin")) for name in names)
    if (index.sequences, index.bounds) != (other.sequences, other.bounds):
        raise DataError(f"the files {prefix}_*_document.idx have different shapes; copy the output again")
    if [str(index.kind), str(other.kind)] != [about["dtype"], about["companion_dtype"].replace("float32", "float")]:
        raise DataError(f"the files {prefix}_*_document.idx have other types than the manifest; copy the output again")
    token = sequence = 0
    for at in range(0, max(1, index.bounds - 1), _CHUNK_ROWS):
        rows = min(_CHUNK_ROWS, index.bounds - 1 - at)
        firsts = index.documents(at, rows)
        own = index.lengths(sequence, firsts[-1].as_py() - sequence)
        ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(pc.cast(own, pa.int64()))])
        for it in (index, other):
            it.check_places(sequence, pc.add(ends[:-1], token))
        if firsts != other.documents(at, rows) or own != other.lengths(sequence, len(own)):
            raise DataError(f"the files {prefix}_*_document.idx have different bounds; copy the output again")
        if not is_packed and len(own) != rows:
            raise DataError(f"{index.path} has a row of several sequences; copy the output again")
        offsets = pc.cast(pc.subtract(firsts, sequence), pa.int32())
        row_ends = pc.take(ends, offsets)
        segments = pa.ListArray.from_arrays(offsets, own)
        lengths = pc.cast(pc.subtract(row_ends[1:], row_ends[:-1]), pa.int32())
        for start, stop, begin, end in runs(lengths):
            ids = array_of(data, index.kind, index.width * (token + begin), end - begin)
            values = array_of(trained, other.kind, other.width * (token + begin), end - begin)
            marks = segments.slice(start, stop - start) if is_packed else None
            weighted = companion == "weights"
            yield token_batch(lengths.slice(start, stop - start), ids, values, marks, weighted=weighted)
        token += row_ends[-1].as_py()
        sequence += len(own)
    if sequence != index.sequences or token * index.width != data.size or token * other.width != trained.size:
        raise DataError(f"the files {prefix}_*_document.bin have other sizes than their indexes; copy the output again")
