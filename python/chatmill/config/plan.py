"""The plan of a run, made from a config: a mill for each dataset, and the arrangement of their rows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, Mill, Tokenizer
from chatmill.arrange import Arrangement
from chatmill.config.formats import ANSWERS, format_of_dataset
from chatmill.config.model import Config, DatasetConfig
from chatmill.config.rows import files_of
from chatmill.config.templates import template_of
from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.options.choices import ExcessLength, Truncation
from chatmill.pipeline.parts import Part
from chatmill.sources.resolve import resolve

_TRUNCATION: dict[ExcessLength, Truncation] = {
    "drop": "drop",
    "truncate": "keep_start",
    "raise": "raise",
}
# axolotl's default for `sequence_len`.
_SEQUENCE_LEN = 512
_NO_NEW_TOKENS = (
    "chatmill adds no tokens; add them to the tokenizer, save the tokenizer, and give its folder as `tokenizer_config`"
)


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
    """

    tokenizer: Any = None
    local: Mapping[str, str] = field(default_factory=dict)
    labels: Any = None
    threads: int | None = None
    now: datetime | None = None
    output: str | os.PathLike[str] | None = None
    template: Any = None


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
    tokenizer = _tokenizer(config, named)
    parts = [_part(config, dataset, form, named, tokenizer, options) for dataset, form in forms]
    return [replace(parts[0], warnings=(*config.warnings, *parts[0].warnings)), *parts[1:]]


def _datasets(config: Config) -> list[DatasetConfig]:
    """Return the datasets for training, and then those for evaluation."""
    return [*(config.datasets or config.pretraining), *config.test_datasets]


def _part(
    config: Config, dataset: DatasetConfig, form: Format, named: Any, tokenizer: Tokenizer, options: RunOptions
) -> Part:
    files = files_of(config, dataset, options.local, output=options.output)
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
            truncation="split" if is_split else _TRUNCATION[config.excess_length_strategy],
            segment_length=length if has_segments else None,
            all_masked="reject",
            threads=options.threads,
            on_error="null",
            chat_template_kwargs=config.chat_template_kwargs or None,
            now=options.now,
        )
    except ChatmillError as error:
        raise type(error)(f"{config.place(dataset.key)}: {error}") from error
    return Part(files, mill, warnings=warnings)


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


def _tokenizer(config: Config, named: Any) -> Tokenizer:
    """Load the tokenizer, with the special tokens of the config."""
    try:
        loaded = named if isinstance(named, Tokenizer) else Tokenizer.from_pretrained(named)
    except ChatmillError as error:
        key = "tokenizer_config" if "tokenizer_config" in config.lines else "base_model"
        raise type(error)(f"{config.place(key)}: {error}") from error
    for name, token in config.special_tokens.items():
        if loaded.token_to_id(token) is None:
            _reject(config, f"special_tokens.{name}", f"{loaded.name} has no token {token!r}, and {_NO_NEW_TOKENS}")
    if not config.special_tokens:
        return loaded
    args, kwargs = loaded.__getnewargs_ex__()
    kwargs["special_tokens"] = {**kwargs.get("special_tokens", {}), **config.special_tokens}
    return Tokenizer(*args, **kwargs)


def _check(config: Config) -> None:
    """Reject values of a config that chatmill does not support."""
    other = f"{config.rl!r} is not supported; use one of {', '.join(ANSWERS)}, or `reward_model: true`"
    both = "this key cannot be combined with `datasets`; prepare them in separate runs"
    rejected = {
        "pretraining_dataset": (config.pretraining and config.datasets, both),
        "rl": (config.rl is not None and config.rl not in ANSWERS, other),
        "default_system_message": (
            config.default_system_message,
            (
                "chatmill does not change the text of a template; change the template (`chat_template_jinja`), or add "
                "system prompts to the rows"
            ),
        ),
        "tokens": (config.added_tokens, _NO_NEW_TOKENS),
        "special_tokens.additional_special_tokens": (config.additional_special_tokens, _NO_NEW_TOKENS),
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
    for dataset in config.test_datasets:
        if dataset.weight != 1:
            _reject(config, f"{dataset.key}.weight", "weights are only for training rows; remove this key")
    for key, (is_set, why) in rejected.items():
        if is_set:
            _reject(config, key, why)


def _reject(config: Config, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(key)}: {why}")
