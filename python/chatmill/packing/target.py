"""`target_of_packs`: the layout in which packs are written, if it is not Parquet."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.target import LayoutTarget
from chatmill.options.choices import LayoutName
from chatmill.packing.columns import PackColumns

#: The columns of rows that are packed.
PACKED_COLUMNS = ("input_ids", "labels", "weights")


def target_of_packs(
    to: LayoutName,
    columns: PackColumns,
    of_rows: Sequence[str],
    options: WriteOptions,
    *,
    run_options: Mapping[str, Any],
    tokenizer: str,
    vocabulary_size: int | None,
) -> LayoutTarget:
    """Return the layout of packs.

    Args:
        to: The name of the layout.
        columns: The columns of the packs.
        of_rows: The columns of their rows.
        options: How files are written.
        run_options: The options of the run that made the rows.
        tokenizer: The name of its tokenizer.
        vocabulary_size: The largest id that can occur, plus one; None if nothing tells it.

    Raises:
        DataError: There is no such layout, it cannot hold the packs, or a trainer chose the files.
    """
    if columns.trainer is not None:
        raise DataError(
            f"`trainer` (`--for`) chooses the files that {columns.name} opens; leave out `to` (`--to`), or `trainer`"
        )
    types: dict[str, pa.DataType] = {
        name: pa.list_(pa.float32() if name == "weights" else pa.int32()) for name in PACKED_COLUMNS if name in of_rows
    }
    types |= {str(name): pa.list_(pa.int8() if name == "loss_mask" else pa.int32()) for name in columns.marks}
    # Kept columns are in no pack.
    known = {**run_options, "packing": {}, "keep_columns": []}
    contents = Contents(pa.schema({**types, "length": pa.int32()}), known, tokenizer, vocabulary_size)
    return LayoutTarget(to, contents, options)
