"""`template_of`: the chat template of a dataset, named in the config or the tokenizer's own."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, TemplateError, Tokenizer
from chatmill.config.model import Config, DatasetConfig
from chatmill.sources.load import load_template
from chatmill.sources.resolve import resolve
from chatmill.text.nearest import nearest, suggestion

_FOLDER = "chat_templates"
_FALLBACK = "tokenizer_default_fallback_"
# Names of axolotl for which chatmill has no template.
_LACKING = {"granitemoe", "nemotron"}
# Names whose template in axolotl is a copy of another one.
_COPIES = {"gemma4_unified": "gemma4"}


@cache
def template_names() -> tuple[str, ...]:
    """Return axolotl's template names; for each of them chatmill has a template that prints the same text.

    Example:
        >>> "phi_3" in template_names()
        True
    """
    found = (file.name for file in (files(__package__) / _FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".jinja") for name in found if name.endswith(".jinja")))


def named_template(name: str, **special_tokens: str) -> ChatTemplate | None:
    """Return the template of a name: axolotl's template for axolotl's names, otherwise chatmill's own template.

    Args:
        name: One of `template_names()`, the name of a copy of one (`gemma4_unified`), or one of `ChatTemplate.names()`,
            with hyphens or underscores.
        special_tokens: Variables such as `bos_token="<s>"`.

    Returns:
        The template, or None if there is none of that name.

    Example:
        >>> named_template("phi_3").name, named_template("phi-3").name, named_template("phi_9")
        ('phi_3', 'phi-3', None)
    """
    name = _COPIES.get(name, name)
    if name in template_names():
        source = (files(__package__) / _FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
        return ChatTemplate(source, name=name, **special_tokens)
    ours = name.replace("_", "-")
    return ChatTemplate.named(ours, **special_tokens) if ours in ChatTemplate.names() else None


def template_of(
    config: Config, dataset: DatasetConfig, named: Any, tokenizer: Tokenizer
) -> tuple[ChatTemplate, tuple[str, ...]]:
    """Return the chat template for the rows of a dataset.

    The order is: the dataset's template, the config's, the tokenizer's. `named_template` looks up names. An unknown
    name may be the name of the model, so it selects the tokenizer's own template, if there is one.

    Args:
        config: The config.
        dataset: The dataset.
        named: The value that names the tokenizer.
        tokenizer: The tokenizer.

    Returns:
        The template, and the warnings: one if the tokenizer's template replaces an unknown name.

    Raises:
        DataError: There is no such template, or chatmill lacks it; the message names the file, the line and the key.
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
    if name in _LACKING:
        raise DataError(
            f"{place}: chatmill has no template {name!r}; copy axolotl's file templates/{name}.jinja and give it with "
            f"`chat_template: jinja` and `chat_template_jinja: {name}.jinja`, or use the tokenizer's own template with "
            "`chat_template: tokenizer_default`"
        )
    names = sorted({*template_names(), *_COPIES, *ChatTemplate.names()})
    try:
        template = _of_tokenizer(named, tokenizer)
    except TemplateError as error:
        otherwise = f"use chat_template_jinja, or one of {', '.join(names)}"
        raise DataError(
            f"{place}: there is no template {name!r}, and the tokenizer has no template either ({error}); "
            f"{suggestion(name, names, otherwise=otherwise)}"
        ) from error
    near = nearest(name, names)
    hint = "" if near is None else f"; did you mean {near!r}?"
    used = f"the template of the tokenizer {tokenizer.name} was used instead"
    return template, (f"{place}: there is no template {name!r}, so {used}{hint}",)


def _lacks_template(named: Any) -> bool:
    """Return whether a tokenizer has no template, so that the fallback is used."""
    return load_template(named, fallback="chatml").library is not None


def _of_tokenizer(named: Any, tokenizer: Tokenizer) -> ChatTemplate:
    _, template = resolve(named)
    return template.with_special_tokens(**tokenizer.special_tokens)
