"""`planned_run`: what `prepare` does with its arguments, without doing it yet."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chatmill._chatmill import Mill
from chatmill.arrange import Arrangement
from chatmill.formats import Format
from chatmill.inputs import find_inputs, folders_of
from chatmill.labels import Labels
from chatmill.options.choices import (
    AllMasked,
    Compression,
    ControlTokens,
    InputFormat,
    LayoutName,
    Padding,
    PaddingSide,
    Split,
    Trainer,
    Truncation,
)
from chatmill.options.types import check_types
from chatmill.outputs.apart import check_apart
from chatmill.packing.of_run import PacksOfRun
from chatmill.pipeline.kept import check_names
from chatmill.pipeline.limit import RejectLimit
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.resume.cache_folder import check_cache_apart
from chatmill.resume.cache_size import cache_bytes_of
from chatmill.sources.resolve import ResolvedRows, resolve_rows
from chatmill.sources.with_tokens import with_special_tokens
from chatmill.text.source_name import shown_name
from chatmill.trainers.input import TrainerInput, input_of


@dataclass(frozen=True)
class PlannedRun:
    """A run that can begin.

    Attributes:
        parts: Makes the parts, for the time that templates print. This reads the beginning of the inputs.
        options: The options of the output.
        progress: Whether to show a progress bar; None shows it on a terminal.
    """

    parts: Callable[[datetime], Sequence[Part]]
    options: OutputOptions
    progress: bool | None


def planned_run(
    inputs: Any,
    *,
    tokenizer: Any,
    output: str | os.PathLike[str] | None,
    template: Any,
    template_fallback: str | None,
    rebuild: bool,
    pad_token: str | None,
    format: str | Mapping[str, Any] | Format | None,
    columns: Mapping[str, str] | None,
    input_format: InputFormat | None,
    labels: str | Mapping[str, Any] | Labels,
    split: Split | None,
    max_length: int | None,
    reserve: int,
    truncation: Truncation | None,
    segment_length: int | None,
    padding: Padding | None,
    padding_side: PaddingSide,
    pad_to_multiple_of: int | None,
    special_tokens: ControlTokens,
    allowed_special_tokens: Sequence[str],
    all_masked: AllMasked,
    threads: int | None,
    keep_columns: Sequence[str],
    attention_mask: bool,
    position_ids: bool,
    chat_template_kwargs: Mapping[str, Any] | None,
    limits: Mapping[str, int] | None,
    now: datetime | None,
    shuffle: bool,
    seed: int,
    deduplicate: bool,
    validation: float,
    overwrite: bool,
    progress: bool | None,
    block_bytes: int,
    max_line_bytes: int,
    shard_tokens: int,
    compression: Compression | None,
    max_rejected: str | float,
    strict: bool,
    trainer: Trainer | None,
    to: LayoutName | None,
    pack: int | None,
    resume: bool,
    fresh: bool,
    cache: str | os.PathLike[str] | None,
    cache_size: str | int | None,
) -> PlannedRun:
    """Plan a run. The arguments are those of `chatmill.prepare`, but `output` may be None if nothing is written.

    Raises:
        DataError: Options contradict each other, or have the wrong type.
    """
    check_types(locals())
    check_names(keep_columns)
    trainer_input = input_of(trainer) if pack is None else None

    def parts(clock: datetime) -> list[Part]:
        files = find_inputs(inputs, input_format)
        if output is not None:
            check_apart(output, files, folders_of(inputs))
        check_cache_apart(cache, None, files, folders_of(inputs))
        found = resolve_rows(
            files,
            tokenizer,
            template,
            format=format,
            columns=columns,
            template_fallback=template_fallback,
            rebuild=rebuild,
        )
        if trainer_input is not None:
            found = _rows_for(trainer_input, found, columns)
        loaded = (
            found.tokenizer if pad_token is None else with_special_tokens(found.tokenizer, {"pad_token": pad_token})
        )
        defaults: Mapping[str, Any] = {} if found.format is None else found.format.defaults
        mill = Mill(
            loaded,
            found.template,
            format=found.format,
            labels=labels,
            split=split,
            max_length=max_length,
            reserve=reserve,
            truncation=truncation or defaults.get("truncation", "keep_start"),
            segment_length=segment_length,
            padding=padding,
            padding_side=padding_side,
            pad_to_multiple_of=pad_to_multiple_of,
            special_tokens=special_tokens,
            allowed_special_tokens=allowed_special_tokens,
            all_masked=all_masked,
            threads=threads,
            on_error="null",
            keep_columns=keep_columns,
            attention_mask=attention_mask,
            position_ids=position_ids,
            chat_template_kwargs=chat_template_kwargs,
            limits=limits,
            now=clock,
        )
        warnings = [*(warning for file in files for warning in file.warnings), *found.warnings]
        if truncation is not None and max_length is None:
            warnings.append(
                "`truncation` (`--truncation`) has no effect without `max_length` (`--max-length`), so no row is cut; "
                "set the length"
            )
        return [Part(files, mill, found.reason, warnings)]

    options = OutputOptions(
        "" if output is None else output,
        arrangement=Arrangement(shuffle=shuffle, seed=seed, deduplicate=deduplicate, validation=validation),
        overwrite=overwrite,
        keep_columns=keep_columns,
        block_bytes=block_bytes,
        max_line_bytes=max_line_bytes,
        shard_tokens=shard_tokens,
        compression=compression,
        max_rejected=RejectLimit.of(max_rejected),
        strict=strict,
        trainer_input=trainer_input,
        to=to,
        packs=PacksOfRun.of(pack, trainer),
        resume=resume,
        fresh=fresh,
        cache=cache,
        cache_bytes=cache_bytes_of(cache_size, cache),
        now=now,
        options={
            "template_fallback": template_fallback,
            "columns": dict(columns or {}),
            "input_format": input_format,
            # A tokenizer has only the last part of this as its name.
            "tokenizer": shown_name(os.fspath(tokenizer)) if isinstance(tokenizer, (str, os.PathLike)) else None,
            "rebuild": rebuild,
            "pad_token": pad_token,
            "max_line_bytes": max_line_bytes,
        },
    )
    return PlannedRun(parts, options, progress)


def _rows_for(trainer_input: TrainerInput, found: ResolvedRows, columns: Mapping[str, str] | None) -> ResolvedRows:
    """Return rows in the format that a trainer needs, if chatmill detected their format."""
    is_detected = found.reason != "" and found.format is not None and found.format.name == "preference"
    if trainer_input.rows != "conversations" or not is_detected:
        return found
    reason = f"{found.reason}; as whole conversations, for {trainer_input.trainer}"
    return replace(found, format=Format.named("reward").with_columns(columns or {}), reason=reason)
