"""`open`: the rows of an output, whatever its layout."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.labels import MASKED
from chatmill.layouts.source import LayoutSource
from chatmill.options.choices import LayoutName
from chatmill.trainers.splits import TRAINING

# As Python numbers, tokens take ten times the memory that they take in Arrow.
_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class TokenRow:
    """One row of an output: a sample, or a pack.

    Attributes:
        input_ids: Its token ids.
        labels: A label for each token; -100 for tokens that are not trained.
        weights: A weight for each token; None if the output has no weights.
        marks: The columns that tell where the rows of a pack are, such as `seq_lengths`; empty for a sample.
        columns: All other columns, such as kept ones.
    """

    input_ids: list[int]
    labels: list[int]
    weights: list[float] | None = None
    marks: Mapping[str, list[int]] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mask(self) -> list[bool]:
        """Whether each token is trained."""
        return [label != MASKED for label in self.labels]

    def __len__(self) -> int:
        return len(self.input_ids)


class TokenRows:
    """The rows of one split of an output. `chatmill.open` makes one. Memory does not grow with the rows.

    Args:
        source: The output.
        split: The split.

    Attributes:
        split: The split: `train` or `validation`.
    """

    def __init__(self, source: LayoutSource, split: str = TRAINING) -> None:
        self._source = source
        self.split = split

    @property
    def layout(self) -> LayoutName:
        """The name of the layout."""
        return self._source.layout.name

    @property
    def splits(self) -> dict[str, "TokenRows"]:
        """The rows of each split, by its name."""
        return {split: TokenRows(self._source, split) for split in self._source.splits}

    @property
    def schema(self) -> pa.Schema:
        """The columns of `batches`."""
        return self._source.contents.columns

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The content of `_manifest.json`: what made the rows."""
        return self._source.output.manifest

    def __len__(self) -> int:
        return sum(int(shard["rows"]) for shard in self._source.splits[self.split].shards)

    def __iter__(self) -> Iterator[TokenRow]:
        contents = self._source.contents
        for batch in self.batches():
            if not {"input_ids", "labels"} <= set(batch.schema.names):
                raise DataError(
                    f"{self._source.output.folder} has the columns {', '.join(batch.schema.names)}, but no "
                    "input_ids and labels; read its `batches()`"
                )
            weighted = contents.is_weighted
            own = {"input_ids", "labels", *(["weights"] if weighted else []), *contents.marks}
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                for row in batch.slice(start, _ROWS_AT_ONCE).to_pylist():
                    marks = {name: row[name] for name in contents.marks}
                    others = {name: value for name, value in row.items() if name not in own}
                    yield TokenRow(row["input_ids"], row["labels"], row["weights"] if weighted else None, marks, others)

    def __repr__(self) -> str:
        folder = self._source.output.folder
        return f"TokenRows({str(folder)!r}, layout={self.layout!r}, split={self.split!r}, rows={len(self)})"

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the rows as Arrow record batches.

        Yields:
            Batches with `input_ids`, `labels` and all other columns that the layout holds.

        Raises:
            DataError: A file cannot be read, or is not as the manifest describes it.
        """
        return self._source.batches(self.split)


def open(path: str | os.PathLike[str]) -> TokenRows:  # noqa: A001  # read as `chatmill.open`
    """Open the rows of an output of any layout.

    Args:
        path: The folder of an output of `prepare`, `pack` or `convert`.

    Returns:
        The rows of the split `train`; `splits` has those of the others.

    Raises:
        DataError: The folder is not an output of chatmill, or a file is missing or has another size.

    Example:
        >>> rows = chatmill.open("tokens")  # doctest: +SKIP
        >>> len(rows), rows.layout, list(rows.splits)  # doctest: +SKIP
        (10000, 'megatron', ['train', 'validation'])
        >>> for row in rows:  # doctest: +SKIP
        ...     print(row.input_ids, row.mask)
        >>> for batch in rows.splits["validation"].batches():  # doctest: +SKIP
        ...     print(batch.num_rows)
    """
    return TokenRows(LayoutSource(path))
