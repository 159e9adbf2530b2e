"""`spans_of`: cuts a file so that the parts give the blocks of the whole file; `fits_blocks`: whether a span does."""

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
    size = _size_to_cut(file)
    if not size:
        return [None]
    if file.kind == "jsonl":
        # Blocks of lines end at multiples of their size.
        step = block_bytes * max(1, span_bytes // block_bytes)
        return [Span(start, min(start + step, size)) for start in range(0, size, step)]
    if file.kind == "parquet":
        from chatmill.inputs.parquet import group_spans

        with opened(file) as raw:
            return list(group_spans(raw, span_bytes))
    return [None]


def fits_blocks(file: InputFile, span: Span | None, block_bytes: int) -> bool:
    """Return whether a span gives whole blocks of a file, as those of `spans_of` do.

    Args:
        file: The file.
        span: The span; None for the whole file.
        block_bytes: Approximate size of a block, in bytes.
    """
    size = _size_to_cut(file)
    if span is None or not size:
        return span is None
    if file.kind == "jsonl":
        return span.start % block_bytes == 0 and (span.stop % block_bytes == 0 or span.stop == size)
    # A block of row groups belongs to the span that has the first of them.
    return file.kind == "parquet"


def _size_to_cut(file: InputFile) -> int:
    """Return the size of a file in bytes; 0 if it must be read as a whole."""
    is_whole = file.source is not None or file.rows is not None or file.compression is not None
    return 0 if is_whole else file.size or 0
