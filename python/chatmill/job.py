"""`prepare`: files in, token shards out. One thread reads, the mill works with all cores, one thread writes."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from chatmill._chatmill import Mill
from chatmill.arrange import Arrangement
from chatmill.formats import Format
from chatmill.formats.recognise import format_of
from chatmill.inputs import BLOCK_BYTES, InputPath, find_inputs
from chatmill.labels import Labels
from chatmill.report import PrepareReport
from chatmill.resolve import resolve_for
from chatmill.run import Output, Part, run_parts
from chatmill.shards import SHARD_TOKENS


def prepare(
    inputs: InputPath | Sequence[InputPath],
    *,
    tokenizer: Any,
    output: str | os.PathLike[str],
    template: Any = None,
    template_fallback: str | None = None,
    format: str | Mapping[str, Any] | Format | None = "auto",
    labels: str | Mapping[str, Any] | Labels = "assistant",
    split: Literal["per_turn"] | None = None,
    max_length: int | None = None,
    truncation: Literal["keep_start", "keep_end", "turns", "drop", "raise", "split"] | None = None,
    segment_length: int | None = None,
    padding: Literal["longest", "max_length"] | None = None,
    special_tokens: Literal["allow", "text", "raise"] = "allow",
    allowed_special_tokens: Sequence[str] = (),
    all_masked: Literal["keep", "reject"] = "reject",
    threads: int | None = None,
    keep_columns: Sequence[str] = (),
    attention_mask: bool = False,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    shuffle: bool = False,
    seed: int = 42,
    deduplicate: bool = False,
    validation: float = 0,
    overwrite: bool = False,
    progress: bool | None = None,
    block_bytes: int = BLOCK_BYTES,
    shard_tokens: int = SHARD_TOKENS,
) -> PrepareReport:
    """Turn files of conversations into Parquet shards of token ids and labels.

    The output folder holds `part-*.parquet`, `manifest.json` and, if rows failed, `rejects.jsonl`. It appears when all
    is written; on an error nothing is left. Memory does not grow with the inputs.

    Args:
        inputs: Paths, globs or fsspec URLs of JSONL (plain, gz, zst, xz, bz2), Parquet or Arrow IPC files.
        tokenizer: A `Tokenizer`, or anything `Tokenizer.from_pretrained` takes.
        output: The folder to make.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` takes;
            None for the tokenizer's own.
        template_fallback: A name of `ChatTemplate.names()`, for a tokenizer that has no template at all.
        format: What the rows look like: a `Format`, or what `Format.of` reads, such as `"alpaca"`; `"auto"` looks at
            the first rows and says in the report what it took them for.
        labels: Which tokens are trained: a `Labels`, or what `Labels.of` reads, such as `"assistant"` or `"axolotl"`.
        split: `"per_turn"` makes a sample of each trained turn, rendered as at inference.
        max_length: Tokens that a sample may have; labels are made first.
        truncation: What becomes of longer rows; as for `Mill`. None for what the format says, or `"keep_start"`.
        segment_length: Tokens that each prompt and each answer of a format may have; as for `Mill`.
        padding: Fill rows up with the pad token, to the longest of a block or to `max_length`.
        special_tokens: Control tokens in texts of messages: `"allow"`, `"text"` or `"raise"`; as for `Mill`.
        allowed_special_tokens: Control tokens that may be there all the same.
        all_masked: Rows without a single trained token go to the rejects with the reason, or are kept.
        threads: Of the mill; None for one a core.
        keep_columns: Columns of the inputs to carry over.
        attention_mask: Write a column of ones as well.
        chat_template_kwargs: Variables for the template, such as `{"enable_thinking": False}`.
        now: What the clock of the templates shows (`strftime_now`), for all rows of the run; None for the time at which
            `prepare` began. The manifest records it: given again, it makes the same tokens on another day.
        shuffle: Write the samples in a random order, which depends on `seed` and the samples alone.
        seed: Of the random order and of the choice for validation.
        deduplicate: Leave out samples whose ids and labels were there before.
        validation: Samples that are kept back, in the folder `validation` of the output: a share below 1, or a number.
        overwrite: Replace an output of chatmill at `output`, at the end.
        progress: Show a progress bar on stderr; None for: if it is a terminal.
        block_bytes: About how many bytes of rows are worked on at a time.
        shard_tokens: Tokens of a shard.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: Something cannot be read, loaded or written, or no row at all gave tokens.

    Example:
        >>> report = prepare("chats/*.jsonl", tokenizer="Qwen/Qwen3-8B", output="tokens")  # doctest: +SKIP
        >>> report.rows_out, report.tokens  # doctest: +SKIP
        (10000, 5820144)
    """
    # Without a time zone, as transformers has it: templates that print one must print nothing here too.
    now = datetime.now() if now is None else now  # noqa: DTZ005

    def parts() -> list[Part]:
        files = find_inputs(inputs)
        found = format_of(format, inputs)
        chosen = found.format
        loaded, rendering = resolve_for(chosen, tokenizer, template, template_fallback=template_fallback)
        defaults: Mapping[str, Any] = {} if chosen is None else chosen.defaults
        mill = Mill(
            loaded,
            rendering,
            format=chosen,
            labels=labels,
            split=split,
            max_length=max_length,
            truncation=truncation or defaults.get("truncation", "keep_start"),
            segment_length=segment_length,
            padding=padding,
            special_tokens=special_tokens,
            allowed_special_tokens=allowed_special_tokens,
            all_masked=all_masked,
            threads=threads,
            on_error="null",
            keep_columns=keep_columns,
            attention_mask=attention_mask,
            chat_template_kwargs=chat_template_kwargs,
            now=now,
        )
        return [Part(files, mill, found.reason)]

    arrangement = Arrangement(shuffle=shuffle, seed=seed, deduplicate=deduplicate, validation=validation)
    wanted = Output(
        output,
        arrangement=arrangement,
        overwrite=overwrite,
        keep_columns=keep_columns,
        progress=progress,
        block_bytes=block_bytes,
        shard_tokens=shard_tokens,
        options={"template_fallback": template_fallback},
    )
    return run_parts(parts, wanted)
