"""`target_of_packs`: the layout in which packs are written, if it is not Parquet."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.layouts.contents import Contents
from chatmill.layouts.layout import WriteOptions
from chatmill.layouts.target import LayoutTarget
from chatmill.options.choices import LayoutName
from chatmill.packing.layouts import PackedLayout

#: The columns of rows that are packed.
PACKED_COLUMNS = ("input_ids", "labels", "weights")


def target_of_packs(
    to: LayoutName,
    layout: PackedLayout,
    columns: Sequence[str],
    options: WriteOptions,
    *,
    of_rows: Mapping[str, Any],
    tokenizer: str,
    vocabulary_size: int | None,
) -> LayoutTarget:
    """Return the layout of packs.

    Args:
        to: The name of the layout.
        layout: The columns of the packs.
        columns: The columns of the rows that are packed.
        options: How files are written.
        of_rows: The options of the run that made the rows.
        tokenizer: The name of its tokenizer.
        vocabulary_size: The largest id that can occur, plus one; None if nothing tells it.

    Raises:
        DataError: There is no such layout, it cannot hold the packs, or a trainer chose the files.
    """
    if layout.trainer is not None:
        raise DataError(
            f"`trainer` (`--for`) chooses the files that {layout.name} opens; leave out `to` (`--to`), or `trainer`"
        )
    types: dict[str, pa.DataType] = {
        name: pa.list_(pa.float32() if name == "weights" else pa.int32()) for name in PACKED_COLUMNS if name in columns
    }
    types |= {str(name): pa.list_(pa.int8() if name == "loss_mask" else pa.int32()) for name in layout.marks}
    # Kept columns are in no pack.
    known = {**of_rows, "packing": {}, "keep_columns": []}
    contents = Contents(pa.schema({**types, "length": pa.int32()}), known, tokenizer, vocabulary_size)
    return LayoutTarget(to, contents, options)
