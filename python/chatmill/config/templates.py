"""The chat template that a config names, or that of its tokenizer."""

from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, TemplateError, Tokenizer
from chatmill.config.model import Config, DatasetConfig
from chatmill.resolve import resolve

# axolotl's names of templates, and chatmill's for the same models where they are not spelt alike.
_NAMES = {
    "cohere": "command-r",
    "deepseek_v2": "deepseek",
    "deepseek_v3": "deepseek-v3",
    "mistral_v1": "mistral",
    "mistral_v2v3": "mistral",
    "phi_3": "phi-3",
    "phi_35": "phi-3",
    "phi_4": "phi-4",
    "qwen_25": "qwen2.5",
}
_FALLBACK = "tokenizer_default_fallback_"


def template_of(config: Config, dataset: DatasetConfig, named: Any, tokenizer: Tokenizer) -> ChatTemplate:
    """The chat template for the rows of a dataset.

    The dataset's own comes first, then the config's, then the tokenizer's. A name is looked for among chatmill's
    templates. Where it is not there, it can only mean the model whose tokenizer this is, and that has a template.

    Args:
        config: The config.
        dataset: The dataset.
        named: What names the tokenizer.
        tokenizer: The tokenizer.

    Raises:
        DataError: There is no such template; the message names file, line and key.
    """
    own = dataset.chat_template is not None
    name = dataset.chat_template if own else config.chat_template
    source = dataset.chat_template_jinja if own else config.chat_template_jinja
    place = config.place(f"{dataset.key}.chat_template" if own else "chat_template")
    try:
        if name == "jinja" and source is not None:
            given = Path(source)
            is_file = "\n" not in source and "{" not in source and given.is_file()
            return ChatTemplate(given.read_text("utf-8") if is_file else source, **tokenizer.special_tokens)
        if name is None or name == "tokenizer_default":
            return _of_tokenizer(named, tokenizer, None)
        if name.startswith(_FALLBACK):
            return _of_tokenizer(named, tokenizer, _ours(name.removeprefix(_FALLBACK)))
        ours = _ours(name)
        if ours is not None:
            return ChatTemplate.named(ours, **tokenizer.special_tokens)
    except (TemplateError, OSError) as error:
        raise DataError(f"{place}: {error}") from error
    try:
        return _of_tokenizer(named, tokenizer, None)
    except TemplateError as error:
        names = ", ".join(ChatTemplate.names())
        raise DataError(
            f"{place}: chatmill has no template {name}, and the tokenizer has none that can be taken ({error}); give "
            f"chat_template_jinja, or one of {names}"
        ) from error


def _ours(name: str) -> str | None:
    candidate = _NAMES.get(name, name.replace("_", "-"))
    return candidate if candidate in ChatTemplate.names() else None


def _of_tokenizer(named: Any, tokenizer: Tokenizer, fallback: str | None) -> ChatTemplate:
    _, template = resolve(named, None, template_fallback=fallback)
    return template.with_special_tokens(**tokenizer.special_tokens)
