"""`resolve`: loads the tokenizer and the chat template of a run, from names, paths, Hub ids or objects."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatTemplate, DataError, TemplateError, Tokenizer
from chatmill.formats import Format
from chatmill.formats.detect import format_of
from chatmill.sources.ahead import TokenizerAhead
from chatmill.sources.llama_factory import library_name, remedy_for
from chatmill.sources.load import NoTemplateError, check_fallback, is_jinja, load_template
from chatmill.text.nearest import nearest


def resolve(
    tokenizer: Any, template: Any = None, *, template_fallback: str | None = None, rebuild: bool = True
) -> tuple[Tokenizer, ChatTemplate]:
    """Load a tokenizer and its template.

    Args:
        tokenizer: A `Tokenizer` or a `TokenizerAhead`, or any value that `Tokenizer.from_pretrained` accepts.
        template: A `ChatTemplate`, a name of `ChatTemplate.names()`, or any value that `ChatTemplate.from_pretrained`
            accepts; None for the tokenizer's own template. Special tokens that the template lacks come from the
            tokenizer.
        template_fallback: The template to use if the tokenizer, or the folder or Hub id in `template`, has none: a name
            of `ChatTemplate.names()`.
        rebuild: As for `Tokenizer.from_pretrained`.

    Returns:
        The loaded tokenizer and template.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded, or there is neither a template nor a fallback.

    Example:
        >>> tokenizer, template = resolve("models/base", "chatml")  # doctest: +SKIP
    """
    check_fallback(template_fallback)  # a wrong name must always fail, even if the fallback is not needed
    return _resolve(_tokenizer(tokenizer, rebuild=rebuild), tokenizer, template, template_fallback)


def _resolve(
    loaded: Tokenizer, tokenizer: Any, template: Any, template_fallback: str | None
) -> tuple[Tokenizer, ChatTemplate]:
    chosen = _template(tokenizer, template, loaded.special_tokens, template_fallback)
    missing = {name: token for name, token in loaded.special_tokens.items() if name not in chosen.special_tokens}
    return loaded, chosen.with_special_tokens(**missing) if missing else chosen


def resolve_for(
    format: Format | None,
    tokenizer: Any,
    template: Any = None,
    *,
    template_fallback: str | None = None,
    rebuild: bool = True,
) -> tuple[Tokenizer, ChatTemplate | None]:
    """Load a tokenizer, and its template unless the format of the rows has a text of its own.

    Args:
        format: The format of the rows, or None for messages.
        tokenizer: As for `resolve`.
        template: As for `resolve`.
        template_fallback: As for `resolve`.
        rebuild: As for `Tokenizer.from_pretrained`.

    Returns:
        The tokenizer and the template, which is None if the format needs none: the first arguments of `Mill`.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded.
        DataError: A template is given, but the format needs none.
    """
    if format is None or format.needs_template:
        return resolve(tokenizer, template, template_fallback=template_fallback, rebuild=rebuild)
    if template is not None:
        style = f", or use the format {format.base}:messages" if format.has_messages_style else ""
        raise DataError(f"the format {format.name} uses no chat template; remove the template{style}")
    return _tokenizer(tokenizer, rebuild=rebuild), None


@dataclass(frozen=True)
class ResolvedRows:
    """What a mill needs to read and encode the rows of files.

    Attributes:
        tokenizer: The tokenizer.
        template: The chat template; None if the format of the rows needs none.
        format: The format of the rows; None for messages.
        reason: The reason for the format; empty if the user named it.
        warnings: Warnings about the format.
    """

    tokenizer: Tokenizer
    template: ChatTemplate | None
    format: Format | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


def resolve_rows(
    inputs: Any,
    tokenizer: Any,
    template: Any = None,
    *,
    format: Any = "auto",
    columns: Mapping[str, str] | None = None,
    template_fallback: str | None = None,
    rebuild: bool = True,
) -> ResolvedRows:
    """Load tokenizer and template, and find the format of the rows.

    A prompt with an answer becomes messages for the chat template. The text of a format is used only if the user names
    the format, or if there is no chat template at all.

    Args:
        inputs: As for `prepare`, or files from `find_inputs`.
        tokenizer: As for `resolve`.
        template: As for `resolve`.
        format: Any value that `Format.of` accepts, or `"auto"`, or None for messages.
        columns: The column in the rows for each column that the format reads, where the names differ.
        template_fallback: As for `resolve`.
        rebuild: As for `Tokenizer.from_pretrained`.

    Raises:
        TokenizerError: The tokenizer cannot be loaded.
        TemplateError: The template cannot be loaded, or the rows need one and there is none.
        DataError: No format fits the rows, or several fit, or a column is missing.
    """
    found = format_of(format, inputs, columns=columns)
    is_detected = isinstance(format, str) and format == "auto"
    if not is_detected or not (found.format is None or found.format.needs_template):
        loaded, rendering = resolve_for(
            found.format, tokenizer, template, template_fallback=template_fallback, rebuild=rebuild
        )
        return ResolvedRows(loaded, rendering, found.format, found.reason, found.warnings)
    check_fallback(template_fallback)
    loaded = _tokenizer(tokenizer, rebuild=rebuild)
    try:
        loaded, rendering = _resolve(loaded, tokenizer, template, template_fallback)
    except NoTemplateError:
        found = format_of(format, inputs, columns=columns, has_template=False)
        if template is not None or found.format is None or found.format.needs_template:
            raise
        return ResolvedRows(loaded, None, found.format, found.reason, found.warnings)
    return ResolvedRows(loaded, rendering, found.format, found.reason, found.warnings)


def missing_template(template: Any, error: TemplateError) -> TemplateError:
    """Make the error for a template that cannot be loaded, with a suggestion if it may be a misspelled name.

    Args:
        template: The value that the user gave.
        error: The error from loading it.

    Returns:
        The error to raise; `error` itself if the value cannot be a name.
    """
    if not _may_be_name(template):
        return error
    remedy = remedy_for(template)
    if remedy is not None:
        return TemplateError(f"there is no template {template!r}; {remedy}")
    near = nearest(template, ChatTemplate.names())
    if near is not None:
        return TemplateError(f"there is no template {template!r}; did you mean {near!r}?")
    return TemplateError(
        f"there is no template {template!r}: `chatmill templates` does not list this name, and {error}"
    )


def _tokenizer(tokenizer: Any, *, rebuild: bool) -> Tokenizer:
    if isinstance(tokenizer, TokenizerAhead):
        return tokenizer.tokenizer()
    return tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_pretrained(tokenizer, rebuild=rebuild)


def _template(tokenizer: Any, template: Any, special_tokens: dict[str, str], fallback: str | None) -> ChatTemplate:
    if isinstance(template, ChatTemplate):
        return template
    if template is None:
        if isinstance(tokenizer, Tokenizer) and fallback is None:
            raise NoTemplateError(
                "a chatmill.Tokenizer has no chat template; also give `template` or `template_fallback`"
            )
        source = tokenizer.source if isinstance(tokenizer, TokenizerAhead) else tokenizer
        return _load(source, special_tokens, fallback)
    library = library_name(template) if isinstance(template, str) else None
    if library is not None:
        # The special tokens of a named template are only defaults, so the tokenizer's tokens replace them.
        return ChatTemplate.named(library, **special_tokens)
    try:
        return _load(template, special_tokens, fallback)
    except TemplateError as error:
        raise missing_template(template, error) from error


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
