"""`DatatroveLayout`: the `.ds` files of datatrove: raw ids, ends of documents, and a byte for each token's loss."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import NewFile, array_of, bytes_of, mapped_file
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions, left_out_note
from chatmill.layouts.parts import PartsWriter, check_shard_tokens
from chatmill.layouts.raw_parts import RawPart, raw_kind
from chatmill.layouts.tokens import runs, token_batch
from chatmill.outputs.checksums import WrittenFile

_CHUNK_ROWS = 1 << 16


class DatatroveLayout(FileLayout):
    """`train-00000.ds` with `.ds.index`, `.ds.loss` and `.ds.metadata`, and so on. A row is a document."""

    name = "datatrove"
    sizes_ids = True

    def check(self, contents: Contents) -> list[str]:
        """Check that rows are samples without weights.

        Args:
            contents: What the rows hold.
        """
        contents.check_tokens(self.name)
        contents.check_unweighted(self.name)
        contents.check_unpacked(self.name)
        return left_out_note(contents.left_out, self.name) + contents.size_note()

    def writer(self, folder: Path, split: str, contents: Contents, options: WriteOptions) -> PartsWriter:
        """Make a writer.

        Args:
            folder: The folder to write into.
            split: The split of the rows.
            contents: What the rows hold.
            options: How files are written.
        """
        check_shard_tokens(options.shard_tokens)
        return PartsWriter(partial(_DatatrovePart, folder, split, contents, options.shard_tokens))

    def about(self, contents: Contents) -> dict[str, Any]:
        """Return the type of ids, for the manifest.

        Args:
            contents: What the rows hold.
        """
        return {"dtype": str(raw_kind(contents))}

    def batches(self, files: SplitFiles) -> Iterator[pa.RecordBatch]:
        """Read the rows of a split.

        Args:
            files: The files.

        Yields:
            The rows.
        """
        kind = pa.uint16() if files.about["dtype"] == "uint16" else pa.uint32()
        for shard in files.shards:
            yield from _read(files.folder / shard["file"], kind)


class _DatatrovePart(RawPart):
    def __init__(
        self, folder: Path, split: str, contents: Contents, shard_tokens: int, number: int, _columns: pa.Schema
    ) -> None:
        path = folder / f"{split}-{number:05d}.ds"
        super().__init__(path, path.with_name(f"{path.name}.loss"), contents, shard_tokens)
        self._index = NewFile(path.with_name(f"{path.name}.index"))
        self._metadata = NewFile(path.with_name(f"{path.name}.metadata"))
        self._tokenizer = f"{_one_word(contents.tokenizer)}|{raw_kind(contents).bit_width // 8}"

    def add_bounds(self, lengths: pa.Array) -> None:
        """Write the ends of documents.

        Args:
            lengths: The number of tokens of each row.
        """
        ends = pc.add(pc.cumulative_sum(pc.cast(lengths, pa.uint64())), pa.scalar(self.tokens, pa.uint64()))
        self._index.write(bytes_of(ends))

    def close_bounds(self) -> list[WrittenFile]:
        """Complete the index, and write the metadata."""
        lines = [self._tokenizer, str(self.tokens), f"{_rounded(self.tokens)}T"]
        self._metadata.write("\n".join(lines).encode())
        return [self._index.close(self.rows), self._metadata.close(len(lines) - 1)]

    def abandon(self) -> None:
        """Remove the unfinished files."""
        super().abandon()
        self._index.abandon()
        self._metadata.abandon()


def _one_word(name: str) -> str:
    """Return the name of a tokenizer without what ends it in the file."""
    return "".join("_" if it == "|" or not it.isprintable() else it for it in name)


def _rounded(count: int) -> str:
    """Return a number as people read it, before the unit.

    Example:
        >>> _rounded(5_820_144), _rounded(42)
        ('5.82 M', '42 ')
    """
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return f"{count} "


def _read(path: Path, kind: pa.DataType) -> Iterator[pa.RecordBatch]:
    ids, mask, index = (mapped_file(path.with_name(f"{path.name}{suffix}")) for suffix in ("", ".loss", ".index"))
    width, token = kind.bit_width // 8, 0
    _check_metadata(path.with_name(f"{path.name}.metadata"), width, ids.size // width)
    rows = index.size // 8
    for at in range(0, max(1, rows), _CHUNK_ROWS):
        count = min(_CHUNK_ROWS, rows - at)
        ends = pc.cast(array_of(index, pa.uint64(), 8 * at, count), pa.int64())
        bounds = pa.concat_arrays([pa.array([token], pa.int64()), ends])
        lengths = pc.cast(pc.subtract(bounds[1:], bounds[:-1]), pa.int32())
        for start, stop, begin, end in runs(lengths):
            own = array_of(ids, kind, width * (token + begin), end - begin)
            trained = array_of(mask, pa.uint8(), token + begin, end - begin)
            yield token_batch(lengths.slice(start, stop - start), own, trained)
        token = bounds[-1].as_py()
    if token * width != ids.size or token != mask.size or index.size % 8:
        raise DataError(f"the files {path}* have other sizes than their index; copy the output again")


def _check_metadata(path: Path, width: int, tokens: int) -> None:
    """Check the bytes of an id and the number of tokens, which datatrove reads from this file."""
    tokenizer, count, _ = mapped_file(path).to_pybytes().decode().split("\n")
    if tokenizer.rpartition("|")[2] != str(width) or count != str(tokens):
        raise DataError(f"{path} does not describe the ids beside it; copy the output again")
