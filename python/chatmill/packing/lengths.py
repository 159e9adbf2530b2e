"""`lengths_of`: the lengths of rows, as the core reads them."""

from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError


def lengths_of(lengths: Any) -> pa.Table:
    """Return the lengths of rows as a table with one column of uint32.

    Args:
        lengths: A list, a numpy array or an Arrow array of whole numbers.

    Raises:
        DataError: They are not whole numbers from 0 to 2^32 - 1.

    Example:
        >>> lengths_of([3, 5])["length"].to_pylist()
        [3, 5]
    """
    try:
        column = pa.table({"length": lengths})["length"]
        if pa.types.is_null(column.type) and not len(column):
            column = column.cast(pa.uint32())
        if not pa.types.is_integer(column.type):
            raise DataError(f"`lengths` holds {column.type}; give the number of tokens of each row")
        column = column.cast(pa.uint32())
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"`lengths` cannot be read ({error}); give the number of tokens of each row") from None
    if column.null_count:
        raise DataError("`lengths` has nulls; give the number of tokens of each row, or 0")
    return pa.table({"length": column})
