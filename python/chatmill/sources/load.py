"""`load_tokenizer` and `load_template`: find the definition of a tokenizer or the source of a chat template.

`Tokenizer.from_pretrained` and `ChatTemplate.from_pretrained` call them. The source may be a folder, a file, a Hub id
or an object of another library.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, TemplateError, Tokenizer, TokenizerError
from chatmill.sources.auto_tokenizer.rebuild import auto_definition, class_tokens
from chatmill.sources.checked import readable
from chatmill.sources.folder import named_templates, read_config, read_model_config, read_templates, read_text
from chatmill.sources.folder import stop_tokens as stop_tokens_of
from chatmill.sources.hub import snapshot
from chatmill.text.nearest import suggestion
from chatmill.text.source_name import shown_name

_DEFAULT, _TOOL_USE = "default", "tool_use"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")
_JINJA = re.compile(r"\{[{%#]")
_CHOOSE_TEMPLATE = (
    'choose one with `--template`, or in Python with `ChatTemplate.named("chatml")` '
    "(`chatmill templates` lists the names) or `ChatTemplate.from_pretrained(path)`"
)


class NoTemplateError(TemplateError):
    """A tokenizer, folder or Hub id has no chat template."""


@dataclass(frozen=True)
class TokenizerSource:
    """The definition of a `Tokenizer`.

    Attributes:
        tokenizer_json: Text of a `tokenizer.json`.
        special_tokens: Special tokens by name, as in transformers' `special_tokens_map`.
        name: The name of the tokenizer in reports.
        stop_tokens: Tokens, besides `eos_token`, that end a turn.
        rules: The class of transformers that made the text from the vocabulary, or `tokenizer.json`.
        warnings: Why ids may differ from those of `transformers.AutoTokenizer`, as sentences.
    """

    tokenizer_json: str
    special_tokens: dict[str, str]
    name: str
    stop_tokens: list[str] = field(default_factory=list)
    rules: str = "tokenizer.json"
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TemplateSource:
    """The definition of a `ChatTemplate`.

    Attributes:
        source: The Jinja source; empty if `library` is given.
        special_tokens: Special tokens by name; they are variables of the template.
        name: The name of the template in errors and reports.
        tool_use: The Jinja source for rows that have tools, if it is a different one.
        library: The name of the fallback, one of `ChatTemplate.names()`; given only if the place has no template.
    """

    source: str
    special_tokens: dict[str, str]
    name: str
    tool_use: str | None = None
    library: str | None = None


@dataclass(frozen=True)
class _Templates:
    """The templates of one place.

    Attributes:
        by_name: Jinja sources; a single one has the name `default`.
        special_tokens: The special tokens of the same place.
        label: The name of the place in reports.
        where: The name of the place in errors.
        by_tools: Whether rows with tools use the template `tool_use`. In transformers this is so for tokenizers, but
            not for processors.
    """

    by_name: Mapping[str, str]
    special_tokens: dict[str, str]
    label: str
    where: str
    by_tools: bool = True


@readable(TokenizerError)
def load_tokenizer(source: Any, rebuild: bool = True) -> TokenizerSource:
    """Find the definition of a tokenizer.

    Args:
        source: A folder, the path of a `tokenizer.json`, a Hub id, a fast transformers tokenizer or a processor that
            has one, or a `tokenizers.Tokenizer`.
        rebuild: Whether to follow the class of transformers if it does not use all of a folder's `tokenizer.json`.

    Returns:
        The definition, with its special tokens and a name.

    Raises:
        TokenizerError: There is nothing to load; the message lists the places that were tried, and a remedy.

    Example:
        >>> load_tokenizer("models/qwen3").special_tokens["eos_token"]  # doctest: +SKIP
        '<|im_end|>'
    """
    if not isinstance(source, (str, os.PathLike)):
        return _tokenizer_of_object(source)
    path = _path(source, TokenizerError)
    if path.is_file():
        if path.suffix != ".json":
            raise TokenizerError(f"{path} is not a tokenizer; give a tokenizer.json, or a folder that holds one")
        return _tokenizer_of_folder(path.parent, path.name, _last_part(path.parent), rebuild=rebuild)
    if path.is_dir():
        return _tokenizer_of_folder(path, "tokenizer.json", _last_part(path), rebuild=rebuild)
    hub_id = _hub_id(path, source, "a folder, the path of a tokenizer.json, or a Hub id", TokenizerError)
    complete = ("tokenizer.json", "tokenizer_config.json")
    folder = snapshot(hub_id, lambda found: all((found / file).is_file() for file in complete), TokenizerError)
    return _tokenizer_of_folder(folder, "tokenizer.json", hub_id, rebuild=rebuild)


@readable(TemplateError)
def load_template(source: Any, name: str | None = None, fallback: str | None = None) -> TemplateSource:
    """Find the source of a chat template.

    Args:
        source: A folder, the path of a `.jinja` file, Jinja source, a Hub id, or a tokenizer or processor of
            transformers.
        name: The name of the template to use if there are several. By default rows with tools use `tool_use` and all
            other rows `default`, as in transformers.
        fallback: The template to use if `source` has none: a name of `ChatTemplate.names()`.

    Returns:
        The Jinja source or the name of the fallback, with the special tokens of the same place and a name.

    Raises:
        TemplateError: There is no template, or none of that name, or no such fallback.

    Example:
        >>> load_template("models/qwen3").name  # doctest: +SKIP
        'qwen3'
        >>> load_template("models/base", fallback="chatml").library  # doctest: +SKIP
        'chatml'
    """
    check_fallback(fallback)
    found = _find_templates(source, name)
    if found.by_name:
        return _choose(found, name)
    if fallback is None:
        raise NoTemplateError(f"{found.where} has no chat template; {_CHOOSE_TEMPLATE}")
    return TemplateSource("", found.special_tokens, fallback, library=fallback)


def check_fallback(fallback: str | None) -> None:
    """Check the name of a fallback early, before it is known whether the fallback is needed.

    Args:
        fallback: A name of `ChatTemplate.names()`, or None.

    Raises:
        TemplateError: There is no template of that name.

    Example:
        >>> check_fallback("chatml")
    """
    names = ChatTemplate.names()
    if fallback is not None and fallback not in names:
        hint = suggestion(fallback, names, otherwise=f"use one of {', '.join(names)}")
        raise TemplateError(f"there is no template {fallback!r} to use as the fallback; {hint}")


def is_jinja(source: Any) -> bool:
    """Return whether a value is the Jinja source of a template, and not a path or a name.

    Args:
        source: The value that a user gave.

    Example:
        >>> is_jinja("{{ messages }}"), is_jinja("models/qwen3")
        (True, False)
    """
    if not isinstance(source, str) or _JINJA.search(source) is None:
        return False
    return not os.path.exists(source)  # noqa: PTH110  # `Path.exists` raises if a text is too long for a name


def _tokenizer_of_object(source: Any) -> TokenizerSource:
    tokenizer = _tokenizer_in(source)
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not callable(getattr(backend, "to_str", None)):
        raise TokenizerError(
            f"cannot load a tokenizer from {_kind(source)}; give a folder, the path of a tokenizer.json, a Hub id, a "
            "tokenizers.Tokenizer, or a fast tokenizer of transformers (with `backend_tokenizer`) or its processor"
        )
    return TokenizerSource(backend.to_str(), _special_tokens_of_object(tokenizer), _name_of_object(tokenizer))


def _tokenizer_of_folder(folder: Path, file: str, name: str, *, rebuild: bool) -> TokenizerSource:
    path = folder / file
    if not path.is_file():
        others = ", ".join(other.name for other in sorted(folder.glob("*.model")))
        raise TokenizerError(
            f"there is no {file} in {folder}{f' (only {others})' if others else ''}; write one with transformers, "
            '`AutoTokenizer.from_pretrained("…").save_pretrained("folder")`, and give that folder'
        )
    config = read_config(folder, TokenizerError)
    model = read_model_config(folder, TokenizerError)
    made = auto_definition(read_text(path, TokenizerError), path, config, model, name, rebuild=rebuild)
    return TokenizerSource(
        made.tokenizer_json,
        made.special_tokens,
        name,
        stop_tokens_of(folder, made.tokenizer_json, TokenizerError),
        made.rules,
        list(made.warnings),
    )


def _find_templates(source: Any, name: str | None) -> _Templates:
    if not isinstance(source, (str, os.PathLike)):
        return _templates_of_object(source)
    if is_jinja(source):
        return _only_template(str(source), "chat_template", "Jinja source", name)
    path = _path(source, TemplateError)
    if path.is_file() and path.suffix != ".json":
        return _only_template(read_text(path, TemplateError), shown_name(path.stem), str(path), name)
    if path.is_file():
        # The path of a tokenizer.json means its folder, so one value can be used for both tokenizer and template.
        path = path.parent
    if path.is_dir():
        return _templates_of_folder(path, _last_part(path), str(path))
    if source in ChatTemplate.names():
        raise TemplateError(
            f"{source!r} is the name of a template that comes with chatmill, not a folder, file or Hub id; use "
            f'`ChatTemplate.named("{source}")`'
        )
    expected = "a name from `chatmill templates`, a folder, the path of a .jinja file, Jinja source, or a Hub id"
    hub_id = _hub_id(path, source, expected)

    def is_complete(folder: Path) -> bool:
        templates = read_templates(folder, TemplateError)
        return bool(templates) and (name is None or name in templates)

    return _templates_of_folder(snapshot(hub_id, is_complete, TemplateError), hub_id, f"the Hub's {hub_id}")


def _templates_of_object(source: Any) -> _Templates:
    tokenizer = _tokenizer_in(source)
    is_processor = tokenizer is not source
    if is_processor and getattr(source, "chat_template", None) is None:
        return _templates_of_object(tokenizer)
    backend = getattr(source, "backend_tokenizer", source)
    if not hasattr(source, "chat_template") and not isinstance(source, Tokenizer) and not hasattr(backend, "to_str"):
        raise TemplateError(
            f"cannot load a chat template from {_kind(source)}; give a folder, a .jinja file, a Hub id, or a "
            f"tokenizer or processor of transformers, or {_CHOOSE_TEMPLATE}"
        )
    label = _name_of_object(tokenizer)
    where = f"the {'processor' if is_processor else 'tokenizer'} {label}"
    templates = named_templates(getattr(source, "chat_template", None), where, TemplateError)
    return _Templates(templates, _special_tokens_of_object(tokenizer), label, where, by_tools=not is_processor)


def _templates_of_folder(folder: Path, label: str, where: str) -> _Templates:
    config, model = read_config(folder, TemplateError), read_model_config(folder, TemplateError)
    special_tokens = class_tokens(config, model, label, folder / "tokenizer.json")
    return _Templates(read_templates(folder, TemplateError), special_tokens, label, where)


def _only_template(text: str, label: str, where: str, name: str | None) -> _Templates:
    if name is not None:
        raise TemplateError(f"{where} holds only one template; remove `name={name!r}`, which selects one of several")
    return _Templates({_DEFAULT: text}, {}, label, where)


def _choose(found: _Templates, name: str | None) -> TemplateSource:
    templates, special_tokens = found.by_name, found.special_tokens
    if name is not None and name in templates:
        label = found.label if name == _DEFAULT else f"{found.label}:{name}"
        return TemplateSource(templates[name], special_tokens, label)
    tool_use = templates.get(_TOOL_USE) if found.by_tools else None
    absent = "no template called `default`" if name is None else f"no template called {name!r}"
    names = ", ".join(sorted(templates))
    remedy = f"it has {names}: choose one with `ChatTemplate.from_pretrained(…, name=…)`, or give its .jinja file"
    if name is not None or (_DEFAULT not in templates and tool_use is None):
        raise TemplateError(f"{found.where} has {absent}; {remedy}")
    source = templates.get(_DEFAULT)
    if source is None:
        # Only rows with tools have a template. All other rows fail one by one, as in transformers. The text of this
        # error is a part of the template's fingerprint, so a new wording changes the fingerprints in manifests.
        refusal = f"{found.label} has {absent} for a conversation without tools; {remedy}"
        source = f"{{{{ raise_exception({json.dumps(refusal, ensure_ascii=False)}) }}}}"
    return TemplateSource(source, special_tokens, found.label, tool_use)


def _tokenizer_in(source: Any) -> Any:
    """Return the tokenizer of a transformers processor; return any other object unchanged."""
    inner = getattr(source, "tokenizer", None)
    # Some tokenizers also have an attribute `tokenizer`, which is an object of another library.
    return inner if hasattr(inner, "special_tokens_map") else source


def _special_tokens_of_object(source: Any) -> dict[str, str]:
    if isinstance(source, Tokenizer):
        return source.special_tokens
    tokens = getattr(source, "special_tokens_map", None) or {}
    return {key: value for key, value in tokens.items() if isinstance(value, str)}


def _name_of_object(source: Any) -> str:
    name = getattr(source, "name_or_path", None)
    if not isinstance(name, str) or not name:
        return type(source).__name__
    return _last_part(Path(name)) if Path(name).exists() else name


def _kind(source: Any) -> str:
    return f"a {type(source).__module__}.{type(source).__qualname__}"


def _path(source: str | os.PathLike[str], error: type[ChatmillError]) -> Path:
    if not os.fspath(source):
        raise error("the path is an empty string; give `.` for the working directory")
    try:
        return Path(source).expanduser()
    except RuntimeError as cause:  # there is no such user
        raise error(f"cannot read {os.fspath(source)!r} ({cause}); give a path without `~`") from None


def _last_part(path: Path) -> str:
    return shown_name(path.resolve().name)


def _hub_id(
    path: Path, source: str | os.PathLike[str], expected: str, error: type[ChatmillError] = TemplateError
) -> str:
    """Return `source` if it can be a Hub id. Otherwise it is a path that does not exist, which is an error."""
    text = os.fspath(source)
    is_path = isinstance(source, os.PathLike) or path.suffix in {".json", ".jinja", ".model"}
    if is_path or not _HUB_ID.fullmatch(text):
        raise error(f"there is no {text}; give {expected}")
    return text
