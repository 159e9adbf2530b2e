"""The chat template that a config names, or that of its tokenizer."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, TemplateError, Tokenizer
from chatmill.config.model import Config, DatasetConfig
from chatmill.resolve import resolve
from chatmill.sources import load_template

_FOLDER = "chat_templates"
_FALLBACK = "tokenizer_default_fallback_"


@cache
def template_names() -> tuple[str, ...]:
    """The names that axolotl brings templates along for; chatmill has a template with the same text for each.

    Example:
        >>> "phi_3" in template_names()
        True
    """
    found = (file.name for file in (files(__package__) / _FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".jinja") for name in found if name.endswith(".jinja")))


def named_template(name: str, **special_tokens: str) -> ChatTemplate | None:
    """The template of a name: with axolotl's text where the name is axolotl's, else chatmill's template of that name.

    Args:
        name: One of `template_names()`, or of `ChatTemplate.names()`; there an underscore is as good as a hyphen.
        special_tokens: Variables such as `bos_token="<s>"`.

    Returns:
        The template, or None where nothing has that name.

    Example:
        >>> named_template("phi_3").name, named_template("phi-3").name, named_template("phi_9")
        ('phi_3', 'phi-3', None)
    """
    if name in template_names():
        source = (files(__package__) / _FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
        return ChatTemplate(source, name=name, **special_tokens)
    ours = name.replace("_", "-")
    return ChatTemplate.named(ours, **special_tokens) if ours in ChatTemplate.names() else None


def template_of(
    config: Config, dataset: DatasetConfig, named: Any, tokenizer: Tokenizer
) -> tuple[ChatTemplate, tuple[str, ...]]:
    """The chat template for the rows of a dataset.

    The dataset's own comes first, then the config's, then the tokenizer's. A name is looked for by `named_template`.
    Where it is not there, it can only mean the model whose tokenizer this is, if that has a template.

    Args:
        config: The config.
        dataset: The dataset.
        named: What names the tokenizer.
        tokenizer: The tokenizer.

    Returns:
        The template, and what is worth a warning: that the tokenizer's stands in for a name that nobody knows.

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
            return ChatTemplate(given.read_text("utf-8") if is_file else source, **tokenizer.special_tokens), ()
        if name is None or name == "tokenizer_default":
            return _of_tokenizer(named, tokenizer), ()
        if name.startswith(_FALLBACK):
            fallback = named_template(name.removeprefix(_FALLBACK), **tokenizer.special_tokens)
            if fallback is not None and _lacks_template(named):
                return fallback, ()
            return _of_tokenizer(named, tokenizer), ()
        found = named_template(name, **tokenizer.special_tokens)
        if found is not None:
            return found, ()
    except (TemplateError, OSError) as error:
        raise DataError(f"{place}: {error}") from error
    try:
        template = _of_tokenizer(named, tokenizer)
    except TemplateError as error:
        names = ", ".join(sorted({*template_names(), *ChatTemplate.names()}))
        raise DataError(
            f"{place}: chatmill has no template {name}, and the tokenizer has none that can be taken ({error}); give "
            f"chat_template_jinja, or one of {names}"
        ) from error
    instead = f"the one that the tokenizer {tokenizer.name} carries is taken instead"
    return template, (f"{place}: chatmill has no template {name}: {instead}",)


def _lacks_template(named: Any) -> bool:
    """Whether a tokenizer has no template at all, so that any fallback would be taken."""
    return load_template(named, fallback="chatml").library is not None


def _of_tokenizer(named: Any, tokenizer: Tokenizer) -> ChatTemplate:
    _, template = resolve(named)
    return template.with_special_tokens(**tokenizer.special_tokens)
