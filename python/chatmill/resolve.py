"""The tokenizer and the template of a run, from whatever the user gave."""

import os
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, TemplateError, Tokenizer


def resolve(tokenizer: Any, template: Any = None) -> tuple[Tokenizer, ChatTemplate]:
    """Load a tokenizer and its template.

    Args:
        tokenizer: A `Tokenizer`, or anything `Tokenizer.from_pretrained` takes.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or anything `ChatTemplate.from_pretrained` takes;
            None for the tokenizer's own. It gets the special tokens of the tokenizer that it has not itself.

    Returns:
        Both, loaded.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded, or the tokenizer has none.

    Example:
        >>> tokenizer, template = resolve("models/base", "chatml")  # doctest: +SKIP
    """
    loaded = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer)
    chosen = _template(tokenizer, template, loaded.special_tokens)
    missing = {name: token for name, token in loaded.special_tokens.items() if name not in chosen.special_tokens}
    return loaded, chosen.with_special_tokens(**missing) if missing else chosen


def _template(tokenizer: Any, template: Any, special_tokens: dict[str, str]) -> ChatTemplate:
    if isinstance(template, ChatTemplate):
        return template
    if template is None:
        if isinstance(tokenizer, Tokenizer):
            raise TemplateError("a chatmill.Tokenizer carries no chat template: give `template` as well")
        return ChatTemplate.from_pretrained(tokenizer)
    if isinstance(template, str) and template in ChatTemplate.names():
        # The tokens of a named template are only its defaults: the tokenizer's own come first.
        return ChatTemplate.named(template, **special_tokens)
    try:
        return ChatTemplate.from_pretrained(template)
    except TemplateError as error:
        if not _may_be_name(template):
            raise
        names = ", ".join(ChatTemplate.names())
        raise TemplateError(
            f"no template is called {template!r}; the names are {names}. Nor is it a source: {error}"
        ) from error


def _may_be_name(template: Any) -> bool:
    return isinstance(template, str) and os.sep not in template and not Path(template).exists()
