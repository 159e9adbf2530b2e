"""`batch_to_html`: the first rows and the counts of a `TokenBatch` as HTML, for notebooks."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

import pyarrow as pa

from chatmill._chatmill import TokenBatch, Tokenizer
from chatmill.drawing.html import INLINE, draw_html, mark
from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.inspect.html_parts import boxes
from chatmill.labels import MASKED
from chatmill.text.visible import visible

_ROWS, _TOKENS = 3, 400


def batch_to_html(batch: TokenBatch) -> str:
    """Return the first rows of a batch, the trained part tinted, with its counts, as an HTML fragment without scripts.

    Args:
        batch: The result of a mill. Rows with answers, and batches that were pickled, show their counts only.

    Example:
        >>> import chatmill
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
        >>> "1 &lt; 2" in batch_to_html(mill([{"messages": [{"role": "user", "content": "1 < 2"}]}]))
        True
    """
    return boxes(_rows(batch), (escape(visible(line)) for line in _counts(batch)))


def _rows(batch: TokenBatch) -> Iterator[str]:
    tokenizer = batch.tokenizer
    if tokenizer is None or not {"input_ids", "labels"} <= set(batch.column_names):
        return
    table: Any = pa.table(batch).slice(0, _ROWS)
    for ids, labels in zip(table["input_ids"].to_pylist(), table["labels"].to_pylist(), strict=True):
        if ids is not None:
            yield _row(tokenizer, list(zip(ids, labels, strict=True)))


def _row(tokenizer: Tokenizer, tokens: list[tuple[int, int]]) -> str:
    # A batch has no text and no ends of tokens: a token alone may be only a part of a character.
    spans = tuple(
        DrawnSpan(tokenizer.decode([token_id for token_id, _ in group]), float(is_trained))
        for is_trained, group in groupby(tokens[:_TOKENS], lambda token: token[1] != MASKED)
    )
    trained = sum(label != MASKED for _, label in tokens)
    shown = draw_html(DrawnRow((DrawnRegion(None, None, "", spans),), len(tokens), trained), INLINE)
    if len(tokens) > _TOKENS:
        shown += mark(f" … {len(tokens) - _TOKENS} more tokens", INLINE, INLINE.masked)
    return shown


def _counts(batch: TokenBatch) -> Iterator[str]:
    yield f"{len(batch)} rows, {batch.num_tokens} tokens, {batch.num_trained_tokens} trained"
    if batch.failures:
        yield f"{len(batch.failures)} rows failed; the first: {batch.failures[0].text}"
    yield f"columns: {', '.join(batch.column_names)}"
