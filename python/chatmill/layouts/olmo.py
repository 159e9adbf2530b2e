"""`OlmoLayout`: raw ids and masks of OLMo-core, with the bounds of documents in a compressed CSV."""

import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.buffers import NewFile, array_of, mapped_file
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import FileLayout, SplitFiles, WriteOptions, left_out_note
from chatmill.layouts.parts import PartsWriter, check_shard_tokens
from chatmill.layouts.raw_parts import RawPart, raw_kind
from chatmill.layouts.tokens import runs, token_batch
from chatmill.outputs.checksums import WrittenFile

_CHUNK_ROWS = 1 << 16
# Two numbers of 64 bits with a comma have at most 40 digits.
_LINE_LENGTH = 64
# Parts of open-instruct have at most 1 GB.
_MOST_TOKENS = 10**9 // 4


class OlmoLayout(FileLayout):
    """`token_ids_part_0000.npy`, `labels_mask_part_0000.npy` and `token_ids_part_0000.csv.gz`, and so on.

    The `.npy` files are raw numbers without a header, as OLMo-core maps them. A row is a document.
    """

    name = "olmo"
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

    def writer(self, folder: Path, _split: str, contents: Contents, options: WriteOptions) -> PartsWriter:
        """Make a writer.

        Args:
            folder: The folder to write into.
            _split: The split of the rows, which names of files do not have.
            contents: What the rows hold.
            options: How files are written.
        """
        check_shard_tokens(options.shard_tokens)
        return PartsWriter(partial(_OlmoPart, folder, contents, min(options.shard_tokens, _MOST_TOKENS)))

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


class _OlmoPart(RawPart):
    def __init__(self, folder: Path, contents: Contents, shard_tokens: int, number: int, _columns: pa.Schema) -> None:
        ids = folder / f"token_ids_part_{number:04d}.npy"
        super().__init__(ids, folder / f"labels_mask_part_{number:04d}.npy", contents, shard_tokens)
        self._bounds = NewFile(ids.with_suffix(".csv.gz"))
        # The time is left out, so that the same rows make the same file.
        self._lines = gzip.GzipFile("", "wb", fileobj=self._bounds, mtime=0)

    def add_bounds(self, lengths: pa.Array) -> None:
        """Write the first token of each document, and the one after its last.

        Args:
            lengths: The number of tokens of each row.
        """
        start, lines = self.tokens, []
        for length in lengths.to_pylist():
            lines.append(f"{start},{start + length}\n")
            start += length
        self._lines.write("".join(lines).encode())

    def close_bounds(self) -> list[WrittenFile]:
        """Complete the bounds."""
        self._lines.close()
        return [self._bounds.close(self.rows)]

    def abandon(self) -> None:
        """Remove the unfinished files."""
        super().abandon()
        self._bounds.abandon()


def _read(path: Path, kind: pa.DataType) -> Iterator[pa.RecordBatch]:
    ids = mapped_file(path)
    mask = mapped_file(path.with_name(path.name.replace("token_ids", "labels_mask")))
    width, token, is_first = kind.bit_width // 8, 0, True
    try:
        with gzip.open(path.with_suffix(".csv.gz"), "rt", encoding="ascii") as lines:
            # A damaged file may have a line without an end.
            short_lines = iter(partial(lines.readline, _LINE_LENGTH), "")
            while (found := list(islice(short_lines, _CHUNK_ROWS))) or is_first:
                is_first = False
                bounds = [line.split(",") for line in found]
                starts, ends = [int(start) for start, _ in bounds], [int(end) for _, end in bounds]
                if starts != [token, *ends[:-1]][: len(starts)]:
                    raise ValueError("a document does not start where the one before it ends")
                if [f"{start},{end}\n" for start, end in zip(starts, ends, strict=True)] != found:
                    raise ValueError("a line has more than two numbers")
                lengths = pa.array([end - start for start, end in zip(starts, ends, strict=True)], pa.int32())
                for first, last, begin, end in runs(lengths):
                    own = array_of(ids, kind, width * (token + begin), end - begin)
                    trained = array_of(mask, pa.uint8(), token + begin, end - begin)
                    yield token_batch(lengths.slice(first, last - first), own, trained)
                token = ends[-1] if ends else token
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"cannot read the bounds beside {path} ({error}); copy the output again") from None
    if token * width != ids.size or token != mask.size:
        raise DataError(f"{path} has another size than its bounds; copy the output again")
