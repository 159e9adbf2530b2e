"""`format_of_dataset`: the format of a dataset, from its `type` and its fields."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from chatmill._chatmill import DataError
from chatmill.config.model import Config, DatasetConfig
from chatmill.formats import Format, library
from chatmill.text.nearest import suggestion

# axolotl's default names for the speakers of a conversation.
_ROLES = {"user": ["user", "human"], "assistant": ["assistant", "gpt"]}
_TURNS = {"user": ["human", "user"], "assistant": ["gpt", "assistant"]}
#: The values of `rl` that train on rows of a prompt with answers, each with the format of these rows.
ANSWERS = {"dpo": "preference", "ipo": "preference", "simpo": "preference", "orpo": "preference", "kto": "kto"}
#: The type of rows for a reward model: an input, an optional system prompt, and two answers.
BRADLEY_TERRY = "bradley_terry.chat_template"
# Types whose rows are two whole conversations: the format, and the values of `rl` for which axolotl has the type.
_CONVERSATIONS = {
    "chat_template.argilla": ("preference.argilla", ("orpo",)),
    "chat_template.argilla_chat": ("preference.conversations", ("dpo", "ipo", "simpo")),
}
# Other names for the columns of a preference dataset.
_COLUMNS = {"default": "argilla"}
# The keys of a user-defined type: of pairs and judged answers, of pairs only, of judged answers only.
_OF_BOTH = {"field_prompt", "field_system", "prompt_format"}
_OF_PAIRS = {"field_chosen", "field_rejected", "chosen_format", "rejected_format"}
_OF_JUDGED = {"field_completion", "field_label", "completion_format"}
_OTHER_TURNS = {"system": ["system"], "tool": ["tool", "observation", "function_response"]}
_OWN_ROLES = {name for names in _OTHER_TURNS.values() for name in names}
# Types whose rows become one of the old conversation texts, such as vicuna_v1.1.
_OLD = ("sharegpt", "sharegpt_jokes", "instruct")
_VICUNA = "vicuna_v1.1"


def format_of_dataset(config: Config, dataset: DatasetConfig) -> Format:
    """Return the format of the rows of a dataset.

    Args:
        config: The config.
        dataset: The dataset.

    Raises:
        DataError: chatmill has no such format; the message names file, line and key.
    """
    kind = dataset.type
    if config.rl in ANSWERS or config.reward_model:
        return _answers(config, dataset)
    if isinstance(kind, str) and kind.startswith("bradley_terry"):
        _reject(config, dataset, f"the type {kind!r} is for a reward model; add `reward_model: true`")
    if isinstance(kind, Mapping):
        return _built(config, dataset, lambda: Format.user_defined(**kind))
    if kind is None:
        return Format.named("tokenized")
    if kind == "chat_template":
        return _built(config, dataset, lambda: Format.named(kind, **_mapping(dataset)))
    if kind.partition(".")[0] in _OLD:
        name = f"{kind}:{_conversation(config, dataset)}"
        return _built(config, dataset, lambda: Format.named(name, **_turns(dataset)))
    return _built(config, dataset, lambda: Format.named(kind, **_options(config, dataset)))


def is_old_chatml(config: Config, dataset: DatasetConfig) -> bool:
    """Return whether the rows of a dataset become the old conversation text chatml, which has a default system prompt.

    Args:
        config: The config.
        dataset: The dataset.
    """
    kind = dataset.type
    return isinstance(kind, str) and kind.partition(".")[0] in _OLD and _conversation(config, dataset) == "chatml"


def _answers(config: Config, dataset: DatasetConfig) -> Format:
    """Return the format of rows of a prompt with answers: for a chat template, a fixed text, or a user-defined text."""
    kind, name = dataset.type, ANSWERS.get(config.rl or "", "reward")
    if isinstance(kind, Mapping):
        return _user_defined_answers(config, dataset, kind)
    if kind in ("passthrough", "passthrough.default") or (kind == BRADLEY_TERRY and config.reward_model):
        _check_fixed(config, dataset)
        return Format.named("reward.icr" if kind == BRADLEY_TERRY else name)
    if kind in _CONVERSATIONS and not config.reward_model:
        return _conversations(config, dataset, kind)
    if kind is not None and kind.rpartition(".")[0] in library.answer_texts():
        return _fixed_answers(config, dataset, kind)
    if kind == "zephyr.nectar":
        _reject(
            config,
            dataset,
            "the type 'zephyr.nectar' is not supported, because axolotl uses the lowest-ranked answers as the better "
            "ones; use a dataset with the columns chosen and rejected",
        )
    if kind not in ("chat_template", "chat_template.default"):
        _reject(config, dataset, _unsupported_type(config, kind))
    mapping = {key: value for key, value in _mapping(dataset).items() if not key.startswith("field_")}
    if name == "kto":
        return _built(config, dataset, lambda: Format.named(name, **mapping))
    # axolotl reads the prompt from `messages`; a reward model has only conversations.
    prompt = dataset.field_messages or ("messages" if name == "preference" else None)
    given = {"prompt": prompt, "chosen": dataset.field_chosen, "rejected": dataset.field_rejected}
    fields = {name: field for name, field in given.items() if field is not None}
    return _built(config, dataset, lambda: Format.named(name, fields=fields, **mapping))


def _conversations(config: Config, dataset: DatasetConfig, kind: str) -> Format:
    """Return the format of two whole conversations that begin with the same prompt."""
    form, known = _CONVERSATIONS[kind]
    if config.rl not in known:
        other = next((name for name, (_, rls) in _CONVERSATIONS.items() if config.rl in rls), "chat_template.default")
        _reject(config, dataset, f"the type {kind!r} is not supported with {_training(config)}; use {other}")
    if kind == "chat_template.argilla":
        _check_fixed(config, dataset)
        return _built(config, dataset, lambda: Format.named(form, roles=_ROLES))
    given = {"chosen": dataset.field_chosen, "rejected": dataset.field_rejected}
    fields = {name: field for name, field in given.items() if field is not None}
    mapping = {key: value for key, value in _mapping(dataset).items() if not key.startswith("field_")}
    return _built(config, dataset, lambda: Format.named(form, fields=fields, **mapping))


def _user_defined_answers(config: Config, dataset: DatasetConfig, kind: Mapping[str, str]) -> Format:
    known = _OF_BOTH | (_OF_JUDGED if config.rl == "kto" else _OF_PAIRS)
    for name in sorted(set(kind) - known):
        hint = suggestion(name, known, otherwise=f"use one of {', '.join(sorted(known))}")
        _reject(config, dataset, f"a user-defined type has no key {name!r} with {_training(config)}; {hint}")
    # `rl` decides whether the rows are pairs or judged answers, even if no key shows it.
    its = {"field_completion": "completion", **kind} if config.rl == "kto" else dict(kind)
    return _built(config, dataset, lambda: Format.user_defined_answers(**its))


def _fixed_answers(config: Config, dataset: DatasetConfig, kind: str) -> Format:
    """Return the format of the columns of a dataset in a fixed text, such as `chatml.intel`."""
    _check_fixed(config, dataset)
    style, _, columns = kind.rpartition(".")
    library_of = "kto" if config.rl == "kto" else "dpo"
    base = f"{library_of}.{_COLUMNS.get(columns, columns)}"
    if config.reward_model or base not in Format.names():
        known = [name.partition(".")[2] for name in Format.names() if name.startswith(f"{library_of}.")]
        if config.reward_model:
            _reject(config, dataset, _unsupported_type(config, kind))
        names = ", ".join(f"{style}.{name}" for name in known)
        _reject(config, dataset, f"the type {kind!r} is not supported with {_training(config)}; use one of {names}")
    return _built(config, dataset, lambda: Format.named(f"{base}:{style}"))


def _unsupported_type(config: Config, kind: object) -> str:
    if config.reward_model:
        supported = f"chat_template.default, passthrough, {BRADLEY_TERRY} and a user-defined type"
    else:
        pairs = "".join(f"{name}, " for name, (_, rls) in _CONVERSATIONS.items() if config.rl in rls)
        supported = (
            f"chat_template.default, passthrough, {pairs}a user-defined type, and chatml and llama3 types such as "
            "chatml.intel"
        )
    found = "is missing" if kind is None else f"{kind!r} is not supported"
    return f"the type {found} with {_training(config)}; use one of {supported}"


def _training(config: Config) -> str:
    return f"rl: {config.rl}" if config.rl else "reward_model: true"


def _check_fixed(config: Config, dataset: DatasetConfig) -> None:
    """Check that a dataset sets no columns, because its type has fixed columns."""
    given = {
        "field_messages": dataset.field_messages, "field_system": dataset.field_system,
        "field_tools": dataset.field_tools, "field_chosen": dataset.field_chosen,
        "field_rejected": dataset.field_rejected, "roles": dataset.roles,
        "message_property_mappings": dataset.message_property_mappings,
        "drop_system_message": dataset.drop_system_message,
    }  # fmt: skip
    for key, value in given.items():
        if value:
            _reject(config, dataset, f"the type {dataset.type!r} has fixed columns; remove this key", key)


def _options(config: Config, dataset: DatasetConfig) -> dict[str, Any]:
    column = dataset.text_column if dataset.type == "pretrain" else dataset.field
    if dataset.type in ("completion", "pretrain") and column is not None:
        return {"fields": {"text": column}}
    if dataset.type != "stepwise_supervised":
        return {}
    if dataset.max_completion_length is not None:
        _reject(config, dataset, "chatmill does not cut single steps; remove this key", "max_completion_length")
    separator = dataset.step_separator
    return {
        "variables": {} if separator is None else {"step_separator": separator},
        "steps": {"last_only": bool(dataset.train_on_last_step_only)},
    }


def _mapping(dataset: DatasetConfig) -> dict[str, Any]:
    """Return the columns and the message keys of a dataset of the type chat_template."""
    properties = {"role": dataset.message_field_role or "role", "content": dataset.message_field_content or "content"}
    if dataset.template_thinking_key is not None or dataset.field_thinking is not None:
        properties[dataset.template_thinking_key or "reasoning_content"] = dataset.field_thinking or "reasoning_content"
    roles = _ROLES if dataset.roles is None else {role: list(names) for role, names in dataset.roles.items()}
    given = {
        "field_messages": dataset.field_messages,
        "field_system": dataset.field_system,
        "field_tools": dataset.field_tools,
    }
    return {
        "properties": {**properties, **(dataset.message_property_mappings or {})},
        "roles": roles,
        "drop_system": bool(dataset.drop_system_message),
        **{name: value for name, value in given.items() if value is not None},
    }


def _turns(dataset: DatasetConfig) -> dict[str, Any]:
    """Return the columns and the speaker names of a dataset of the old type sharegpt."""
    options: dict[str, Any] = {}
    if dataset.field_messages is not None:
        options["field_messages"] = dataset.field_messages
    roles = dataset.roles or {}
    # Some names under `input` are roles of their own.
    inputs = [name for name in roles.get("input", ()) if name not in _OWN_ROLES]
    named = {
        "user": [dataset.field_human] if dataset.field_human else inputs,
        "assistant": [dataset.field_model] if dataset.field_model else list(roles.get("output", ())),
    }
    if any(named.values()):
        options["roles"] = {**{role: names or _TURNS[role] for role, names in named.items()}, **_OTHER_TURNS}
    return options


def _conversation(config: Config, dataset: DatasetConfig) -> str:
    if dataset.conversation is not None:
        return dataset.conversation
    return "chatml" if config.chat_template == "chatml" else _VICUNA


def _built(config: Config, dataset: DatasetConfig, make: Callable[[], Format]) -> Format:
    try:
        return make()
    except DataError as error:
        if str(error).startswith(config.path):
            raise
        _reject(config, dataset, str(error))


def _reject(config: Config, dataset: DatasetConfig, why: str, key: str = "type") -> NoReturn:
    raise DataError(f"{config.place(f'{dataset.key}.{key}')}: {why}")
