"""A finished output of `prepare`, read back: its manifest, and what became of each row of the inputs."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chatmill._chatmill import DataError
from chatmill.formats import Format
from chatmill.inputs import Block, InputFile
from chatmill.manifest import FORMAT, MANIFEST
from chatmill.rejects import REJECTS

_MASKED = -100
# Of ids and labels as many are 2 MiB.
_BATCH_TOKENS = 1 << 18


@dataclass(frozen=True)
class Sample:
    """The tokens of a row, or of a part of it, as columns hold them; padding is left out.

    Attributes:
        ids: Ids.
        labels: A label for each.
        weights: A weight for each, or None where labels are not weighted.
    """

    ids: pa.Array
    labels: pa.Array
    weights: pa.Array | None

    def __len__(self) -> int:
        return len(self.ids)

    def count_trained(self) -> int:
        """Tokens with a label and a weight."""
        trained = pc.not_equal(self.labels, _MASKED)
        if self.weights is not None:
            trained = pc.and_(trained, pc.greater(self.weights, 0))
        return int(pc.sum(trained).as_py() or 0)

    def token_weights(self) -> list[float]:
        """What each token counts: its weight; without weights 1 where it is trained, else 0."""
        labels = self.labels.to_pylist()
        weights = [1.0] * len(labels) if self.weights is None else self.weights.to_pylist()
        return [0.0 if label == _MASKED else weight for label, weight in zip(labels, weights, strict=True)]


@dataclass(frozen=True)
class Refused:
    """Why a row has no tokens, as `rejects.jsonl` has it.

    Attributes:
        code: The stable word for the kind of failure.
        text: What went wrong.
        message: Index of the message the failure belongs to, or None.
        template_line: Line of the chat template, or None.
    """

    code: str
    text: str
    message: int | None
    template_line: int | None


def read_samples(batch: pa.RecordBatch) -> Iterator[Sample]:
    """The samples of a batch with the columns of a `TokenBatch`.

    Args:
        batch: What a mill gives, or some rows of a shard. Of rows that failed the samples are empty.
    """
    columns = [batch.column(name) for name in ("input_ids", "labels", "weights") if name in batch.schema.names]
    values = [pc.cast(it.values, pa.float32() if at == 2 else pa.int32()) for at, it in enumerate(columns)]
    offsets = [it.offsets.to_pylist() for it in columns]
    for index, length in enumerate(batch.column("length").to_pylist()):
        cut = [it.slice(starts[index], length or 0) for it, starts in zip(values, offsets, strict=True)]
        yield Sample(cut[0], cut[1], cut[2] if len(cut) > 2 else None)


class Output:
    """An output folder of `prepare`: its manifest is read, its shards are there.

    Args:
        folder: The folder.

    Attributes:
        folder: The same.
        manifest: What `manifest.json` holds.
        options: The options of its run.

    Raises:
        DataError: It is no output of chatmill, or not a whole one.

    Example:
        >>> Output("tokens").manifest["chatmill"]  # doctest: +SKIP
        '0.1.0'
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self.manifest: dict[str, Any] = self._read_manifest()
        self.options: dict[str, Any] = self.manifest["options"]
        self._check_shards()

    @property
    def format(self) -> Format | None:
        """What its rows were taken for; None for messages."""
        core = self.options.get("format")
        return None if core is None else Format.from_json(core)

    def check_order(self) -> None:
        """Check that its rows are those of its inputs, one after the other.

        Raises:
            DataError: They were merged from several datasets, or arranged in another order, or have several answers.
        """
        if self.format is not None and self.format.has_answers:
            raise DataError(f"{self.folder} holds rows of a prompt with answers, and these are not compared")
        if "parts" in self.manifest or "arrangement" in self.manifest:
            raise DataError(
                f"{self.folder} holds rows in another order than its inputs, or those of several datasets: which is "
                "which cannot be told; compare outputs of `prepare` without shuffle, validation, weights and duplicates"
            )

    def check_inputs(self, files: Sequence[InputFile]) -> list[str]:
        """Check that these are the files that the output was made from, by their names: folders may have moved.

        Args:
            files: What `find_inputs` gives.

        Returns:
            What is odd: a sentence for each file that has another size than it had.

        Raises:
            DataError: They are others, or have another order.
        """
        inputs = self.manifest["inputs"]
        names, recorded = [_name(file.path) for file in files], [_name(it["path"]) for it in inputs]
        if names != recorded:
            raise DataError(
                f"{self.folder} was made from {_list(recorded)}, and the inputs are {_list(names)}: its rows are those "
                f"of its inputs, one after the other; give the files that {MANIFEST} lists, in that order"
            )
        return [
            f"{file.path} had {it['size']:,} bytes and has {file.size:,}: its rows may have changed"
            for file, it in zip(files, inputs, strict=True)
            if None not in (it.get("size"), file.size) and it["size"] != file.size
        ]

    def _read_manifest(self) -> dict[str, Any]:
        path = self.folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"there is no {path}: give a folder that `chatmill prepare` has made") from None
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}; make the output again") from None
        needed = {"chatmill", "inputs", "options", "shards", "template", "tokenizer"}
        if not isinstance(manifest, dict) or not needed <= manifest.keys():
            raise DataError(f"{path} is no manifest of chatmill: give a folder that `chatmill prepare` has made")
        if manifest.get("format") != FORMAT:
            raise DataError(
                f"{path} has format {manifest.get('format')}, and chatmill reads {FORMAT}: take the chatmill that made "
                f"it ({manifest['chatmill']}), or make the output again"
            )
        return manifest

    def _check_shards(self) -> None:
        listed = {shard["file"] for shard in self.manifest["shards"]}
        there = {path.name for path in self.folder.glob("part-*.parquet")}
        if listed != there:
            wrong = [f"{name} is missing" for name in sorted(listed - there)]
            wrong += [f"{name} is not in {MANIFEST}" for name in sorted(there - listed)]
            raise DataError(f"{self.folder} is not as it was written: {_list(wrong)}; copy or make it again")


class WrittenRows:
    """What became of each row, asked for in the order of the inputs. A batch of a shard is held at a time.

    Args:
        output: The output.
        files: Its inputs, checked by `Output.check_inputs`.

    Example:
        >>> rows = WrittenRows(output, files)  # doctest: +SKIP
        >>> rows.take(block, 0)  # doctest: +SKIP
        [Sample(…)]
    """

    def __init__(self, output: Output, files: Sequence[InputFile]) -> None:
        self._output = output
        self._files = files
        self._rows_of = [int(it["rows"]) for it in output.manifest["inputs"]]
        self._row = self._position = 0
        self._in_file = [0] * len(files)
        self._rejects = _Peekable(_read_rejects(output.folder / REJECTS))
        self._samples = _Peekable(_read_shards(output))

    def take(self, block: Block, index: int) -> list[Sample] | Refused:
        """What became of the next row.

        Args:
            block: What the row was read with.
            index: The row in it.

        Raises:
            DataError: The output is not of these rows.
        """
        position = block.file.position
        self._check_files_before(position)
        row, self._row = self._row, self._row + 1
        self._in_file[position] += 1
        if self._in_file[position] > self._rows_of[position]:
            raise self._other_rows(position, f"more than {self._rows_of[position]:,}")
        reject = self._rejects.peek()
        if reject is not None and self._is_at(reject, position, block.where(index)):
            self._rejects.next()
            places = (reject.get("message"), reject.get("template_line"))
            return Refused(str(reject.get("code")), str(reject.get("reason")), *places)
        return self._take_samples(row)

    def finish(self) -> None:
        """Check that nothing is left when all rows have been asked for.

        Raises:
            DataError: The output has more rows.
        """
        self._check_files_before(len(self._files))
        reject = self._rejects.peek()
        if reject is not None:
            unit = "line" if "line" in reject else "row"
            raise self._misplaced(
                f"{REJECTS} names {unit} {reject.get(unit)} of {reject.get('file')}, and there is no such row"
            )
        if self._samples.peek() is not None:
            raise self._misplaced("its shards hold more rows than are left")

    def _check_files_before(self, position: int) -> None:
        for before in range(self._position, position):
            if self._in_file[before] != self._rows_of[before]:
                raise self._other_rows(before, f"{self._in_file[before]:,}")
        self._position = position

    def _take_samples(self, row: int) -> list[Sample]:
        found = []
        while (following := self._samples.peek()) is not None:
            of_row, sample = following
            if of_row is not None and of_row != row:
                break
            found.append(sample)
            self._samples.next()
            if of_row is None:
                break
        if not found:
            raise self._misplaced(f"it has neither tokens nor a reject for row {row:,}")
        return found

    def _is_at(self, reject: Mapping[str, Any], position: int, where: Mapping[str, Any]) -> bool:
        path = self._output.manifest["inputs"][position]["path"]
        return {**where, "file": path}.items() <= reject.items()

    def _other_rows(self, position: int, now: str) -> DataError:
        return DataError(
            f"{self._files[position].path} has {now} rows, and had {self._rows_of[position]:,} when "
            f"{self._output.folder} was made: give the file as it was then, or make the output again"
        )

    def _misplaced(self, what: str) -> DataError:
        return DataError(
            f"{self._output.folder} is not of these rows: {what}; give the files as they were when it was made, or "
            "make it again"
        )


class _Peekable:
    """An iterator that tells its next item; None at the end."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._next: Any = None
        self._is_read = False

    def peek(self) -> Any:
        if not self._is_read:
            self._next, self._is_read = next(self._items, None), True
        return self._next

    def next(self) -> None:
        self._is_read = False


def _read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not JSON: {error}; make the output again") from None
            yield record


def _read_shards(output: Output) -> Iterator[tuple[int | None, Sample]]:
    """The samples of all shards, each with its row where there is a column of them."""
    return chain.from_iterable(_read_shard(output, shard) for shard in output.manifest["shards"])


def _read_shard(output: Output, shard: Mapping[str, Any]) -> Iterator[tuple[int | None, Sample]]:
    path = output.folder / shard["file"]
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet:
            rows = parquet.metadata.num_rows
            if rows != shard["rows"]:
                raise DataError(f"{path} has {rows} rows, and {shard['rows']} in {MANIFEST}; make the output again")
            # A column that was kept may have one of these names.
            own = set(parquet.schema_arrow.names) - set(output.options.get("keep_columns") or ())
            wanted = ["input_ids", "labels", "length", *(own & {"weights", "row"})]
            step = max(1, _BATCH_TOKENS * rows // max(1, int(shard["tokens"])))
            for batch in parquet.iter_batches(batch_size=step, columns=wanted, use_threads=False):
                numbers = batch.column("row").to_pylist() if "row" in own else [None] * batch.num_rows
                yield from zip(numbers, read_samples(batch), strict=True)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DataError(f"{path} cannot be read: {error}; make the output again") from None


def _name(path: str) -> str:
    return PurePath(path).name


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "nothing"
