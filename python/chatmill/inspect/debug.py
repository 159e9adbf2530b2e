"""Rows printed token by token, each token with its label and its id, in the form of axolotl's `--debug`."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.text import Text

from chatmill._chatmill import DataError, Encoding, Tokenizer
from chatmill.inspect.show import has_color
from chatmill.labels import MASKED
from chatmill.outputs.samples import read_samples
from chatmill.outputs.shards import ANSWER_COLUMNS
from chatmill.terminal.console import new_console
from chatmill.text.visible import visible

# Line breaks are escaped, so a row stays on one line. A backslash is not escaped: the id identifies the token.
_ESCAPES = str.maketrans({"\n": r"\n", "\r": r"\r", "\t": r"\t", "\u2028": r"\u2028", "\u2029": r"\u2029"})


def debug_tokens(tokens: Iterable[tuple[str, int, int]], *, color: bool = True) -> Text:
    r"""Write tokens as `text(label, id)` on one line, separated by spaces.

    Line breaks and tabs are written as `\n`, `\r` and `\t`, other control characters as symbols. A token that begins
    with a space keeps it, so two spaces precede such a token.

    Args:
        tokens: The text, the label and the id of each token.
        color: Whether to show trained tokens in green and masked tokens in red.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> print(debug_tokens([("Hello", 15339, 15339), ("\n", -100, 198)]))
        Hello(15339, 15339) \n(-100, 198)
    """
    shown = Text()
    for text, label, token in tokens:
        shown.append(" " if shown else "")
        style = "red" if label == MASKED else "green"
        shown.append(visible(text.translate(_ESCAPES)), style if color else "")
        shown.append(f"({label}, {token})")
    return shown


def debug_encoding(encoding: Encoding, *, color: bool = True) -> Text:
    """Write the tokens of one conversation in the form of `debug_tokens`.

    A character that two tokens share is shown in both.

    Args:
        encoding: A conversation, from `Mill.encode`.
        color: Whether to show trained tokens in green and masked tokens in red.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> import chatmill
        >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), template)
        >>> row = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        >>> print(debug_encoding(mill.encode(row)))
        a(-100, 97) b(98, 98)
    """
    return debug_tokens(((token.text, token.label, token.id) for token in encoding.tokens), color=color)


def debug_output(
    folder: str | os.PathLike[str], tokenizer: Tokenizer, rows: int, *, color: bool = True
) -> Iterator[Text]:
    """Write the first rows of an output of `prepare` in the form of `debug_tokens`.

    The rows are read from the shards, so they are the actual training data: truncated, split and arranged. Padding is
    left out. Each token is decoded alone; a token that is only a part of a character is shown as `�`.

    Args:
        folder: The output folder.
        tokenizer: The tokenizer of the output.
        rows: The maximum number of rows.
        color: Whether to show trained tokens in green and masked tokens in red.

    Yields:
        One line per row, for `rich.print` or `str`.

    Raises:
        DataError: The output cannot be read.

    Example:
        >>> for line in debug_output("tokens", tokenizer, 5):  # doctest: +SKIP
        ...     rich.print(line)
    """
    for path in sorted(Path(folder).glob("**/train-*.parquet")):
        for batch in _first_batch(path, rows):
            for ids, labels in _labeled(batch):
                texts = (tokenizer.decode([token]) for token in ids)
                yield debug_tokens(zip(texts, labels, ids, strict=True), color=color)
            rows -= batch.num_rows
        if rows <= 0:
            return


def print_debug(folder: str | os.PathLike[str], tokenizer: Any, rows: int) -> None:
    r"""Print the first rows of an output of `prepare`, in color if the terminal supports it.

    Args:
        folder: The output folder.
        tokenizer: A `Tokenizer`, or any value that `Tokenizer.from_pretrained` accepts.
        rows: The maximum number of rows.

    Raises:
        ChatmillError: The tokenizer or the output cannot be read.

    Example:
        >>> print_debug("tokens", "Qwen/Qwen3-8B", 5)  # doctest: +SKIP
        <|im_start|>(-100, 151644) user(-100, 872) \n(-100, 198) Hi(-100, 13048) …
    """
    loaded = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer)
    console = new_console()
    for line in debug_output(folder, loaded, rows, color=has_color(console)):
        # A soft wrap keeps a row on one line, so it can be copied or piped.
        console.print(line, soft_wrap=True, end="\n\n")


def _labeled(batch: pa.RecordBatch) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the ids and labels of each sample; for a prompt with answers, of the prompt with each answer."""
    names = batch.schema.names
    if "input_ids" in names:
        for sample in read_samples(batch):
            yield sample.ids.to_pylist(), sample.labels.to_pylist()
        return
    for row in batch.to_pylist():
        prompt = row.get("prompt_ids", [])
        for name in ANSWER_COLUMNS[1:]:
            if name in names:
                yield prompt + row[name], [MASKED] * len(prompt) + row[name]


def _first_batch(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the first rows of a shard; nothing if the shard is empty."""
    try:
        with pq.ParquetFile(path) as parquet:
            known = {"input_ids", "labels", "attention_mask", "length", *ANSWER_COLUMNS}
            columns = [name for name in parquet.schema_arrow.names if name in known]
            batches = parquet.iter_batches(batch_size=rows, columns=columns)
            batch = next(batches, None)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path} ({error}); make the output again") from None
    if batch is not None:
        yield batch
