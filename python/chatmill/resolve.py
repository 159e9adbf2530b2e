"""The tokenizer and the template of a run, from whatever the user gave."""

import os
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, TemplateError, Tokenizer
from chatmill.formats import Format
from chatmill.sources import check_fallback, is_jinja, load_template


def resolve(
    tokenizer: Any, template: Any = None, *, template_fallback: str | None = None
) -> tuple[Tokenizer, ChatTemplate]:
    """Load a tokenizer and its template.

    Args:
        tokenizer: A `Tokenizer`, or anything `Tokenizer.from_pretrained` takes.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` takes;
            None for the tokenizer's own. It gets the special tokens of the tokenizer that it has not itself.
        template_fallback: A name of `ChatTemplate.names()`, for where the tokenizer, or what `template` names, has no
            template at all.

    Returns:
        Both, loaded.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded, or there is none and no fallback, or no such fallback.

    Example:
        >>> tokenizer, template = resolve("models/base", "chatml")  # doctest: +SKIP
    """
    check_fallback(template_fallback)  # a wrong name should not wait for the first tokenizer that needs it
    loaded = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer)
    chosen = _template(tokenizer, template, loaded.special_tokens, template_fallback)
    missing = {name: token for name, token in loaded.special_tokens.items() if name not in chosen.special_tokens}
    return loaded, chosen.with_special_tokens(**missing) if missing else chosen


def resolve_for(
    format: Format | None, tokenizer: Any, template: Any = None, *, template_fallback: str | None = None
) -> tuple[Tokenizer, ChatTemplate | None]:
    """Load a tokenizer, and its template unless the format of the rows has a text of its own.

    Args:
        format: The format of the rows, or None for messages.
        tokenizer: As for `resolve`.
        template: As for `resolve`.
        template_fallback: As for `resolve`.

    Returns:
        Both, loaded, as a `Mill` takes them.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded.
        DataError: A template is given, and the format needs none.
    """
    if format is None or not format.has_text:
        return resolve(tokenizer, template, template_fallback=template_fallback)
    if template is not None:
        messages = ", or take the style messages" if format.has_messages_style else ""
        raise DataError(f"the format {format.name} has a text of its own: leave the template out{messages}")
    return tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer), None


def no_template(template: Any, error: TemplateError) -> TemplateError:
    """What to say of a template that cannot be loaded: where it may be meant as a name, the names.

    Args:
        template: What the user gave.
        error: What came of loading it.
    """
    if not _may_be_name(template):
        return error
    names = ", ".join(ChatTemplate.names())
    return TemplateError(f"no template is called {template!r}; the names are {names}. Nor is it a source: {error}")


def _template(tokenizer: Any, template: Any, special_tokens: dict[str, str], fallback: str | None) -> ChatTemplate:
    if isinstance(template, ChatTemplate):
        return template
    if template is None:
        if isinstance(tokenizer, Tokenizer) and fallback is None:
            raise TemplateError(
                "a chatmill.Tokenizer carries no chat template: give `template` as well, or `template_fallback`"
            )
        return _load(tokenizer, special_tokens, fallback)
    if isinstance(template, str) and template in ChatTemplate.names():
        # The tokens of a named template are only its defaults: the tokenizer's own come first.
        return ChatTemplate.named(template, **special_tokens)
    try:
        return _load(template, special_tokens, fallback)
    except TemplateError as error:
        raise no_template(template, error) from error


def _load(source: Any, special_tokens: dict[str, str], fallback: str | None) -> ChatTemplate:
    if fallback is not None:
        found = load_template(source, None, fallback)
        if found.library is not None:
            return ChatTemplate.named(found.library, **{**special_tokens, **found.special_tokens})
    return ChatTemplate.from_pretrained(source)


def _may_be_name(template: Any) -> bool:
    if not isinstance(template, str) or is_jinja(template):
        return False
    return os.sep not in template and not Path(template).exists()
