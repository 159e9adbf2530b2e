"""Rows token by token, each with its label and its id: what axolotl prints for `--debug`."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.text import Text

from chatmill._chatmill import DataError, Encoding, Tokenizer
from chatmill.outputs import read_samples
from chatmill.shards import ANSWER_COLUMNS
from chatmill.show import visible

_MASKED = -100
# A row stays one line. A backslash stays as it is: where it matters, the id tells what the token is.
_ESCAPES = str.maketrans({"\n": r"\n", "\r": r"\r", "\t": r"\t", "\u2028": r"\u2028", "\u2029": r"\u2029"})


def debug_tokens(tokens: Iterable[tuple[str, int, int]], *, color: bool = True) -> Text:
    r"""Tokens as `text(label, id)` on one line, with a space between them.

    Line breaks and tabs are written as `\n`, `\r` and `\t`, other control characters as signs. A token that begins with
    a space keeps it, and so stands behind two.

    Args:
        tokens: Text, label and id of each.
        color: Trained ones green, masked ones red.

    Returns:
        Text for `rich.print`, or for `str`.

    Example:
        >>> print(debug_tokens([("Hello", 15339, 15339), ("\n", -100, 198)]))
        Hello(15339, 15339) \n(-100, 198)
    """
    shown = Text()
    for text, label, token in tokens:
        shown.append(" " if shown else "")
        style = "red" if label == _MASKED else "green"
        shown.append(visible(text.translate(_ESCAPES)), style if color else "")
        shown.append(f"({label}, {token})")
    return shown


def debug_encoding(encoding: Encoding, *, color: bool = True) -> Text:
    """The tokens of one conversation, as `debug_tokens` writes them.

    A token shows the characters that it has a part in: two tokens that share a character both show it.

    Args:
        encoding: What `Mill.encode` gives.
        color: Trained ones green, masked ones red.

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
    """The first rows of an output of `prepare`, as `debug_tokens` writes them.

    They are read back from the shards, so they are what will be trained: cut, split and arranged. Padding is left out.
    Each token is decoded alone; one that is a part of a character shows as `�`.

    Args:
        folder: The output.
        tokenizer: The one that made it.
        rows: How many; fewer if the output has fewer.
        color: Trained ones green, masked ones red.

    Raises:
        DataError: The output cannot be read.

    Example:
        >>> for line in debug_output("tokens", tokenizer, 5):  # doctest: +SKIP
        ...     rich.print(line)
    """
    for path in sorted(Path(folder).glob("part-*.parquet")):
        for batch in _first_batch(path, rows):
            for ids, labels in _labelled(batch):
                texts = (tokenizer.decode([token]) for token in ids)
                yield debug_tokens(zip(texts, labels, ids, strict=True), color=color)
            rows -= batch.num_rows
        if rows <= 0:
            return


def print_debug(folder: str | os.PathLike[str], tokenizer: Any, rows: int) -> None:
    r"""Print the first rows of an output of `prepare`, in colour on a terminal that has colours.

    Args:
        folder: The output.
        tokenizer: A `Tokenizer`, or anything `Tokenizer.from_pretrained` takes.
        rows: How many.

    Raises:
        ChatmillError: The tokenizer or the output cannot be read.

    Example:
        >>> print_debug("tokens", "Qwen/Qwen3-8B", 5)  # doctest: +SKIP
        <|im_start|>(-100, 151644) user(-100, 872) \n(-100, 198) Hi(-100, 13048) …
    """
    loaded = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer)
    console = Console()
    color = console.color_system is not None and not console.no_color
    for line in debug_output(folder, loaded, rows, color=color):
        # A soft wrap leaves a row one line where it is copied or piped.
        console.print(line, soft_wrap=True, end="\n\n")


def _labelled(batch: pa.RecordBatch) -> Iterator[tuple[list[int], list[int]]]:
    """Ids and labels of each sample; of a prompt with answers those of the prompt and each answer."""
    names = batch.schema.names
    if "input_ids" in names:
        for sample in read_samples(batch):
            yield sample.ids.to_pylist(), sample.labels.to_pylist()
        return
    for row in batch.to_pylist():
        prompt = row.get("prompt_ids", [])
        for name in ANSWER_COLUMNS[1:]:
            if name in names:
                yield prompt + row[name], [_MASKED] * len(prompt) + row[name]


def _first_batch(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """The first rows of a shard; nothing if it has none."""
    try:
        with pq.ParquetFile(path) as parquet:
            known = {"input_ids", "labels", "length", *ANSWER_COLUMNS}
            columns = [name for name in parquet.schema_arrow.names if name in known]
            batches = parquet.iter_batches(batch_size=rows, columns=columns)
            batch = next(batches, None)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}; make the output again") from None
    if batch is not None:
        yield batch
