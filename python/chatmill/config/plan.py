"""From a config to what is run: the mill of each dataset, and how their rows become one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NoReturn

from chatmill._chatmill import ChatmillError, DataError, Mill, Tokenizer
from chatmill.arrange import Arrangement
from chatmill.config.formats import ANSWERS, format_of_dataset
from chatmill.config.model import Config, DatasetConfig
from chatmill.config.rows import files_of
from chatmill.config.templates import template_of
from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.run import Part

_TRUNCATION: dict[str, Literal["drop", "keep_start", "raise"]] = {
    "drop": "drop",
    "truncate": "keep_start",
    "raise": "raise",
}
# What axolotl takes where a config has no `sequence_len`.
_SEQUENCE_LEN = 512


@dataclass(frozen=True)
class Choices:
    """What a run takes from elsewhere than the config.

    Attributes:
        tokenizer: Another tokenizer than that of the config.
        local: For paths of datasets, where their rows lie.
        labels: Other labels than axolotl's for rows of the type chat_template: what `Labels.of` reads.
        threads: Of each mill.
        now: What the clock of the templates shows.
    """

    tokenizer: Any = None
    local: Mapping[str, str] = field(default_factory=dict)
    labels: Any = None
    threads: int | None = None
    now: datetime | None = None


def arrangement_of(config: Config) -> Arrangement:
    """How the rows of the datasets of a config become one.

    Args:
        config: The config.

    Raises:
        DataError: A weight is not one.
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


def parts_of(config: Config, choices: Choices) -> list[Part]:
    """The parts of a run, one for each dataset.

    Args:
        config: The config.
        choices: What comes from elsewhere.

    Raises:
        DataError: The config asks for what chatmill cannot do; the message names file, line and key.
        ChatmillError: Tokenizer or template cannot be loaded.
    """
    _check(config)
    named = choices.tokenizer if choices.tokenizer is not None else config.tokenizer
    if named is None:
        raise DataError(f"{config.path}: there is no tokenizer: give base_model or tokenizer_config")
    # What is wrong with the file itself is said before anything is loaded.
    forms = [(dataset, format_of_dataset(config, dataset)) for dataset in _datasets(config)]
    tokenizer = _tokenizer(config, named)
    return [_part(config, dataset, form, named, tokenizer, choices) for dataset, form in forms]


def _datasets(config: Config) -> list[DatasetConfig]:
    """Those to train on, and then those to evaluate with."""
    return [*(config.datasets or config.pretraining), *config.test_datasets]


def _part(
    config: Config, dataset: DatasetConfig, form: Format, named: Any, tokenizer: Tokenizer, choices: Choices
) -> Part:
    files = files_of(config, dataset, choices.local)
    template, warnings = (None, ()) if form.has_text else template_of(config, dataset, named, tokenizer)
    length = config.sequence_len or _SEQUENCE_LEN
    # A text without a prompt becomes several samples; prompt and answer are cut each on its own, as axolotl does.
    is_split = form.defaults.get("truncation") == "split"
    is_whole = is_split or form.holds_tokens or form.has_answers or form.core.get("messages") is not None
    has_segments = form.has_text and not is_whole
    try:
        mill = Mill(
            tokenizer,
            template,
            format=form,
            labels=_labels(config, dataset, form, choices.labels),
            max_length=length,
            truncation="split" if is_split else _TRUNCATION[config.excess_length_strategy],
            segment_length=length if has_segments else None,
            all_masked="reject",
            threads=choices.threads,
            on_error="null",
            chat_template_kwargs=config.chat_template_kwargs or None,
            now=choices.now,
        )
    except ChatmillError as error:
        raise type(error)(f"{config.place(dataset.key)}: {error}") from error
    return Part(files, mill, warnings=warnings)


def _labels(config: Config, dataset: DatasetConfig, form: Format, given: Any) -> Any:
    if form.has_answers:
        return "assistant"
    if form.has_text:
        return "all" if config.train_on_inputs and not form.holds_tokens else "assistant"
    if given is not None:
        return given
    roles = dataset.roles
    options: dict[str, Any] = {
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
    return Labels.preset("axolotl", **{name: value for name, value in options.items() if value is not None})


def _tokenizer(config: Config, named: Any) -> Tokenizer:
    """The tokenizer, with the special tokens of the config."""
    try:
        loaded = named if isinstance(named, Tokenizer) else Tokenizer.from_pretrained(named)
    except ChatmillError as error:
        key = "tokenizer_config" if "tokenizer_config" in config.lines else "base_model"
        raise type(error)(f"{config.place(key)}: {error}") from error
    for name, token in config.special_tokens.items():
        if loaded.token_to_id(token) is None:
            why = (
                f"{loaded.name} has no token {token}, and chatmill adds none: add it to the tokenizer, save that, and "
                "name its folder as tokenizer_config"
            )
            _refuse(config, f"special_tokens.{name}", why)
    if not config.special_tokens:
        return loaded
    args, kwargs = loaded.__getnewargs_ex__()
    kwargs["special_tokens"] = {**kwargs.get("special_tokens", {}), **config.special_tokens}
    return Tokenizer(*args, **kwargs)


def _check(config: Config) -> None:
    """Refuse what a config asks for and chatmill cannot do."""
    add = "chatmill adds no tokens: add them to the tokenizer, save that, and name its folder as tokenizer_config"
    other = f"chatmill prepares rows for {', '.join(ANSWERS)}, and for a reward model"
    both = "there are datasets as well: prepare them in a run of their own"
    refused = {
        "pretraining_dataset": (config.pretraining and config.datasets, both),
        "rl": (config.rl is not None and config.rl not in ANSWERS, other),
        "default_system_message": (
            config.default_system_message,
            "it changes the text of a template: give that with chat_template_jinja, or system prompts in the rows",
        ),
        "tokens": (config.added_tokens, add),
        "special_tokens.additional_special_tokens": (config.additional_special_tokens, add),
        "datasets": (not config.datasets and not config.pretraining, "there is no dataset to prepare"),
    }
    for dataset in config.test_datasets:
        if dataset.weight != 1:
            _refuse(config, f"{dataset.key}.weight", "weights are for rows to train on: leave it out")
    for key, (asked, why) in refused.items():
        if asked:
            _refuse(config, key, why)


def _refuse(config: Config, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(key)}: {why}")
