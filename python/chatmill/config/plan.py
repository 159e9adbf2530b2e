"""The plan of a run, made from a config: a mill for each dataset, and the arrangement of their rows."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, Mill, Tokenizer
from chatmill.arrange import Arrangement
from chatmill.config.formats import ANSWERS, BRADLEY_TERRY, format_of_dataset, is_old_chatml
from chatmill.config.model import Config, DatasetConfig
from chatmill.config.rows import files_of
from chatmill.config.shards import check_shards, rows_of_shard
from chatmill.config.templates import template_of
from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.options.choices import ExcessLength, Truncation
from chatmill.outputs.manifest import TOKENIZER_FOLDER
from chatmill.pipeline.parts import Part
from chatmill.sources.resolve import resolve
from chatmill.sources.with_tokens import saved_tokenizer, with_tokens
from chatmill.text.nearest import nearest

_TRUNCATION: dict[ExcessLength, Truncation] = {
    "drop": "drop",
    "truncate": "keep_start",
    "raise": "raise",
}
# axolotl's default for `sequence_len`.
_SEQUENCE_LEN = 512


@dataclass(frozen=True)
class RunOptions:
    """The options of a run that are not in the config.

    Attributes:
        tokenizer: The tokenizer, in place of the tokenizer of the config.
        local: Where to read the rows of a dataset instead: a file, folder or glob for each `path` of a dataset.
        labels: Labels for rows of the type chat_template, in place of axolotl's: any value that `Labels.of` accepts.
        threads: The number of threads of each mill.
        now: The time that templates print.
        output: The output folder, which must be apart from the inputs; None if there is none.
        template: The chat template, in place of those of the config.
        rebuild: As for `Tokenizer.from_pretrained`.
        padding: How each mill pads rows; the arguments of `Mill`, by their names.
    """

    tokenizer: Any = None
    local: Mapping[str, str] = field(default_factory=dict)
    labels: Any = None
    threads: int | None = None
    now: datetime | None = None
    output: str | os.PathLike[str] | None = None
    template: Any = None
    rebuild: bool = True
    padding: Mapping[str, Any] = field(default_factory=dict)


def arrangement_of(config: Config) -> Arrangement:
    """Return the arrangement of the rows of all datasets.

    Args:
        config: The config.

    Raises:
        DataError: A weight is out of range.
    """
    weights = tuple(dataset.weight for dataset in _datasets(config))
    return Arrangement(
        shuffle=config.shuffle_merged_datasets,
        seed=config.seed,
        deduplicate=config.deduplicate,
        validation=config.val_set_size,
        validation_from=len(weights) - len(config.test_datasets) if config.test_datasets else None,
        weights=() if all(weight == 1 for weight in weights) else weights,
    )


def parts_of(config: Config, options: RunOptions) -> list[Part]:
    """Make the parts of a run, one for each dataset.

    Args:
        config: The config.
        options: The options that are not in the config.

    Raises:
        DataError: chatmill does not support a value of the config; the message names the file, the line and the key.
        ChatmillError: The tokenizer or a template cannot be loaded.
    """
    _check(config)
    named = options.tokenizer if options.tokenizer is not None else config.tokenizer
    if named is None:
        raise DataError(f"{config.path}: there is no tokenizer; add `base_model` or `tokenizer_config`")
    # Errors in the file are reported before anything is loaded.
    forms = [(dataset, format_of_dataset(config, dataset)) for dataset in _datasets(config)]
    loaded = _loaded(config, named, rebuild=options.rebuild)
    tokenizer = with_tokens(loaded, config.special_tokens, config.added_tokens, config.additional_special_tokens)
    parts = [_part(config, dataset, form, named, tokenizer, options) for dataset, form in forms]
    warnings = (
        *config.warnings,
        *_without_length(config),
        *_without_effect(config),
        *_likely_mistakes(config, loaded),
        *parts[0].warnings,
    )
    files: dict[str, bytes] = {}
    if tokenizer.fingerprint != loaded.fingerprint:
        templates = {part.mill.template.fingerprint: part.mill.template for part in parts if _is_rendered(part)}
        template = next(iter(templates.values())) if len(templates) == 1 else None
        saved = saved_tokenizer(tokenizer, template, config.additional_special_tokens)
        files = {f"{TOKENIZER_FOLDER}/{name}": content for name, content in saved.items()}
    return [replace(parts[0], warnings=warnings, tokenizer_files=files), *parts[1:]]


def _datasets(config: Config) -> list[DatasetConfig]:
    """Return the datasets for training, and then those for evaluation."""
    return [*(config.datasets or config.pretraining), *config.test_datasets]


def _part(
    config: Config, dataset: DatasetConfig, form: Format, named: Any, tokenizer: Tokenizer, options: RunOptions
) -> Part:
    files, order = rows_of_shard(config, dataset, files_of(config, dataset, options.local, output=options.output))
    template, warnings = _template(config, dataset, form, (named, tokenizer), options)
    length = config.sequence_len or _SEQUENCE_LEN
    # A text without a prompt becomes several samples. Otherwise prompt and answer are cut separately, as in axolotl.
    is_split = form.defaults.get("truncation") == "split"
    has_segments = form.kind == "segments" and not is_split and not form.has_messages
    try:
        mill = Mill(
            tokenizer,
            template,
            format=form,
            labels=_labels(config, dataset, form, options.labels),
            max_length=length,
            truncation="split" if is_split else _TRUNCATION[config.excess_length_strategy or _usual_strategy(dataset)],
            segment_length=length if has_segments else None,
            all_masked="reject",
            threads=options.threads,
            on_error="null",
            chat_template_kwargs=config.chat_template_kwargs or None,
            now=options.now,
            **options.padding,
        )
    except ChatmillError as error:
        raise type(error)(f"{config.place(dataset.key)}: {error}") from error
    return Part(files, mill, warnings=warnings, order=order)


def _template(
    config: Config, dataset: DatasetConfig, form: Format, tokenizer: tuple[Any, Tokenizer], options: RunOptions
) -> tuple[ChatTemplate | None, tuple[str, ...]]:
    if not form.needs_template:
        return None, ()
    if options.template is None:
        return template_of(config, dataset, *tokenizer)
    return resolve(tokenizer[1], options.template)[1], ()


def _labels(config: Config, dataset: DatasetConfig, form: Format, given: Any) -> Any:
    if form.kind == "segments":
        return "all" if config.train_on_inputs else "assistant"
    if form.kind != "chat":
        return "assistant"
    if given is not None:
        return given
    roles = dataset.roles
    of_axolotl: dict[str, Any] = {
        "roles_to_train": None if dataset.roles_to_train is None else list(dataset.roles_to_train),
        "train_on_eos": dataset.train_on_eos,
        "train_on_eot": dataset.train_on_eot,
        "train_on_inputs": config.train_on_inputs or None,
        "eot_tokens": list(config.eot_tokens) or None,
        "message_field_training": dataset.message_field_training,
        "message_field_training_detail": dataset.message_field_training_detail,
        "split_thinking": dataset.split_thinking,
        "roles": None if roles is None else {role: list(names) for role, names in roles.items()},
    }
    return Labels.preset("axolotl", **{name: value for name, value in of_axolotl.items() if value is not None})


def _usual_strategy(dataset: DatasetConfig) -> ExcessLength:
    """Return what axolotl does with long rows: it cuts pairs of a reward model, and drops all other rows."""
    return "truncate" if dataset.type == BRADLEY_TERRY else "drop"


def _is_rendered(part: Part) -> bool:
    return part.mill.format is None or part.mill.format.needs_template


def _loaded(config: Config, named: Any, *, rebuild: bool) -> Tokenizer:
    """Load the tokenizer, without the tokens of the config."""
    try:
        return named if isinstance(named, Tokenizer) else Tokenizer.from_pretrained(named, rebuild=rebuild)
    except ChatmillError as error:
        key = "tokenizer_config" if "tokenizer_config" in config.lines else "base_model"
        raise type(error)(f"{config.place(key)}: {error}") from error


def _without_length(config: Config) -> Iterator[str]:
    """Yield a warning if the config leaves the length of samples to the default of axolotl, which is small."""
    if config.sequence_len is None:
        yield (
            f"{config.place('sequence_len')} is not set, so axolotl's default of {_SEQUENCE_LEN} tokens applies, and "
            "longer rows are dropped or cut; set it to the length of a sample in your training"
        )


def _without_effect(config: Config) -> Iterator[str]:
    """Yield a warning for a key that changes nothing, in axolotl either."""
    # axolotl puts the text in place of a sentence of its template chatml, but that template no longer has the sentence.
    if config.default_system_message:
        yield (
            f"{config.place('default_system_message')}: this key has no effect, as in axolotl 0.19, whose templates "
            "have no place for it; add system prompts to the rows, or change the template (`chat_template_jinja`)"
        )


def _likely_mistakes(config: Config, tokenizer: Tokenizer) -> Iterator[str]:
    """Yield a warning for each new special token that looks like one of the tokenizer's own."""
    known = [*tokenizer.special_tokens.values(), *tokenizer.stop_tokens]
    for name, token in config.special_tokens.items():
        near = nearest(token, known)
        if tokenizer.token_to_id(token) is None and near is not None:
            yield (
                f"{config.place(f'special_tokens.{name}')}: {tokenizer.name} has no token {token!r}, so it was added; "
                f"did you mean {near!r}?"
            )


def _check(config: Config) -> None:
    """Reject values of a config that chatmill does not support."""
    other = f"{config.rl!r} is not supported; use one of {', '.join(ANSWERS)}, or `reward_model: true`"
    both = "this key cannot be combined with `datasets`; prepare them in separate runs"
    rejected = {
        "pretraining_dataset": (config.pretraining and config.datasets, both),
        "rl": (config.rl is not None and config.rl not in ANSWERS, other),
        "default_system_message": (
            config.default_system_message and any(is_old_chatml(config, dataset) for dataset in _datasets(config)),
            "chatmill does not support this key for old types such as sharegpt; add system prompts to the rows",
        ),
        "min_sample_len": (
            (config.min_sample_len or 0) > 2,
            "chatmill keeps short samples; remove the short rows from the dataset, then remove this key",
        ),
        "shuffle_before_merging_datasets": (
            config.shuffle_before_merging and not config.shuffle_merged_datasets,
            "chatmill shuffles only the merged datasets; set `shuffle_merged_datasets: true`, or remove this key",
        ),
        "datasets": (not config.datasets and not config.pretraining, "there is no dataset to prepare; add one"),
    }
    for dataset in _datasets(config):
        if dataset.train_on_split is not None:
            _reject(config, f"{dataset.key}.train_on_split", "this key is not supported; use `split`")
        check_shards(config, dataset)
    for dataset in config.test_datasets:
        if dataset.weight != 1:
            _reject(config, f"{dataset.key}.weight", "weights are only for training rows; remove this key")
    for key, (is_set, why) in rejected.items():
        if is_set:
            _reject(config, key, why)


def _reject(config: Config, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(key)}: {why}")
