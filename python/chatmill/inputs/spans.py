"""`spans_of`: the parts into which a file can be cut so that each gives the same blocks as the whole file."""

from chatmill.inputs.file import InputFile, Span
from chatmill.inputs.read import opened


def spans_of(file: InputFile, block_bytes: int, span_bytes: int) -> list[Span | None]:
    """Cut a file. Rows that are appended to it later change only its last span.

    Args:
        file: The file.
        block_bytes: Approximate size of a block, in bytes.
        span_bytes: Approximate size of a span, in bytes of rows; at least a block.

    Returns:
        The spans, in order; a single None for a file that must be read as a whole: a compressed one, and kinds other
        than JSONL and Parquet.

    Raises:
        DataError: The file cannot be read.
    """
    if file.source is not None or file.rows is not None or file.compression is not None or not file.size:
        return [None]
    if file.kind == "jsonl":
        # Blocks of lines end at multiples of their size.
        step = block_bytes * max(1, span_bytes // block_bytes)
        return [Span(start, min(start + step, file.size)) for start in range(0, file.size, step)]
    if file.kind == "parquet":
        from chatmill.inputs.parquet import group_spans

        with opened(file) as raw:
            return list(group_spans(raw, span_bytes))
    return [None]
