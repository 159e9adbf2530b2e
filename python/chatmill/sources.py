"""Where tokenizers and chat templates come from: folders, files, the Hub, and objects of other libraries.

`Tokenizer.from_pretrained` and `ChatTemplate.from_pretrained` call `load_tokenizer` and `load_template`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, TemplateError, TokenizerError
from chatmill.hub import snapshot
from chatmill.pretrained import complete_added_tokens, named_templates, read_config, read_templates, read_text
from chatmill.pretrained import special_tokens as special_tokens_of

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")
_CHOOSE_TEMPLATE = (
    'choose one with `--template`, or in Python with `ChatTemplate.named("chatml")` '
    "(`chatmill templates` lists the names) or `ChatTemplate.from_pretrained(path)`"
)


@dataclass(frozen=True)
class TokenizerSource:
    """What a `Tokenizer` is built from.

    Attributes:
        tokenizer_json: Text of a `tokenizer.json`.
        special_tokens: Names to tokens, as transformers' `special_tokens_map` has them.
        name: What to call the tokenizer in reports.
    """

    tokenizer_json: str
    special_tokens: dict[str, str]
    name: str


@dataclass(frozen=True)
class TemplateSource:
    """What a `ChatTemplate` is built from.

    Attributes:
        source: The Jinja source.
        special_tokens: Names to tokens; the template sees them as variables.
        name: What to call the template in errors and reports.
    """

    source: str
    special_tokens: dict[str, str]
    name: str


def load_tokenizer(source: Any) -> TokenizerSource:
    """Find the definition of a tokenizer.

    Args:
        source: A folder, the path of a `tokenizer.json`, a Hub id, a fast transformers tokenizer, or a
            `tokenizers.Tokenizer`.

    Returns:
        The definition, its special tokens and a name.

    Raises:
        TokenizerError: There is nothing to load at `source`; the message says what was tried and what helps.

    Example:
        >>> load_tokenizer("models/qwen3").special_tokens["eos_token"]  # doctest: +SKIP
        '<|im_end|>'
    """
    if not isinstance(source, (str, os.PathLike)):
        return _tokenizer_of_object(source)
    path = _path(source, TokenizerError)
    if path.is_file():
        if path.suffix != ".json":
            raise TokenizerError(f"{path} is not a tokenizer: give a tokenizer.json, or a folder that holds one")
        return _tokenizer_of_folder(path.parent, path.name, _last_part(path.parent))
    if path.is_dir():
        return _tokenizer_of_folder(path, "tokenizer.json", _last_part(path))
    hub_id = _hub_id(path, source, "a folder, the path of a tokenizer.json, or a Hub id", TokenizerError)
    complete = ("tokenizer.json", "tokenizer_config.json")
    folder = snapshot(hub_id, lambda found: all((found / file).is_file() for file in complete), TokenizerError)
    return _tokenizer_of_folder(folder, "tokenizer.json", hub_id)


def load_template(source: Any, name: str | None = None) -> TemplateSource:
    """Find the source of a chat template.

    Args:
        source: A folder, the path of a `.jinja` file, a Hub id, or a transformers tokenizer.
        name: Which template, where there are several; without it the one called `default`.

    Returns:
        The Jinja source, the special tokens that stand beside it and a name.

    Raises:
        TemplateError: There is no template, or none of that name; the message lists the names.

    Example:
        >>> load_template("models/qwen3").name  # doctest: +SKIP
        'qwen3'
    """
    if not isinstance(source, (str, os.PathLike)):
        return _template_of_object(source, name)
    path = _path(source, TemplateError)
    if path.is_file():
        return _template_of_file(path, name)
    if path.is_dir():
        return _template_of_folder(path, name, _last_part(path), str(path))
    hub_id = _hub_id(
        path, source, "one of the names of `chatmill templates`, a folder, the path of a .jinja file, or a Hub id"
    )
    folder = snapshot(hub_id, lambda found: bool(read_templates(found, TemplateError)), TemplateError)
    return _template_of_folder(folder, name, hub_id, f"the Hub's {hub_id}")


def _tokenizer_of_object(source: Any) -> TokenizerSource:
    backend = getattr(source, "backend_tokenizer", source)
    if not callable(getattr(backend, "to_str", None)):
        raise TokenizerError(
            f"cannot load a tokenizer from {_kind(source)}: give a folder, the path of a tokenizer.json, a Hub id, a "
            "tokenizers.Tokenizer, or a transformers tokenizer that has a `backend_tokenizer` (a fast one)"
        )
    return TokenizerSource(backend.to_str(), _special_tokens_of_object(source), _name_of_object(source))


def _tokenizer_of_folder(folder: Path, file: str, name: str) -> TokenizerSource:
    path = folder / file
    if not path.is_file():
        others = ", ".join(other.name for other in sorted(folder.glob("*.model")))
        raise TokenizerError(
            f"no {file} in {folder}{f' (only {others})' if others else ''}: transformers writes one with "
            '`AutoTokenizer.from_pretrained("…").save_pretrained("folder")`; give that folder'
        )
    config = read_config(folder, TokenizerError)
    text = complete_added_tokens(read_text(path, TokenizerError), config, path)
    return TokenizerSource(text, special_tokens_of(config), name)


def _template_of_object(source: Any, name: str | None) -> TemplateSource:
    if not hasattr(source, "chat_template"):
        raise TemplateError(
            f"cannot load a chat template from {_kind(source)}: give a folder, a .jinja file, a Hub id, or a "
            f"transformers tokenizer; or {_CHOOSE_TEMPLATE}"
        )
    label = _name_of_object(source)
    where = f"the tokenizer {label}"
    return _choose(
        named_templates(source.chat_template, where, TemplateError),
        name,
        _special_tokens_of_object(source),
        label,
        where,
    )


def _template_of_file(path: Path, name: str | None) -> TemplateSource:
    if path.suffix == ".json":
        # The path of a tokenizer.json stands for its folder, so that one value serves as tokenizer and as template.
        return _template_of_folder(path.parent, name, _last_part(path.parent), str(path.parent))
    if name is not None:
        raise TemplateError(f"{path} holds one template: `name={name!r}` is for folders with several; leave it out")
    return TemplateSource(read_text(path, TemplateError), {}, path.stem)


def _template_of_folder(folder: Path, name: str | None, label: str, where: str) -> TemplateSource:
    special_tokens = special_tokens_of(read_config(folder, TemplateError))
    return _choose(read_templates(folder, TemplateError), name, special_tokens, label, where)


def _choose(
    templates: Mapping[str, str], name: str | None, special_tokens: dict[str, str], label: str, where: str
) -> TemplateSource:
    if not templates:
        raise TemplateError(f"{where} has no chat template: {_CHOOSE_TEMPLATE}")
    wanted = "default" if name is None else name
    if wanted not in templates:
        absent = "no template called `default`" if name is None else f"no template called {name!r}"
        raise TemplateError(
            f"{where} has {absent}; it has {', '.join(sorted(templates))}: "
            "choose one with `ChatTemplate.from_pretrained(…, name=…)`, or give its .jinja file"
        )
    return TemplateSource(templates[wanted], special_tokens, label if wanted == "default" else f"{label}:{wanted}")


def _special_tokens_of_object(source: Any) -> dict[str, str]:
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
        raise error("the source is an empty string, which would stand for the working directory: give `.` for that")
    return Path(source).expanduser()


def _last_part(path: Path) -> str:
    return path.resolve().name


def _hub_id(
    path: Path, source: str | os.PathLike[str], expected: str, error: type[ChatmillError] = TemplateError
) -> str:
    """`source` if it can be the id of a repository; else it was meant as a path, and there is nothing there."""
    text = os.fspath(source)
    is_path = isinstance(source, os.PathLike) or path.suffix in {".json", ".jinja", ".model"}
    if is_path or not _HUB_ID.fullmatch(text):
        raise error(f"there is no {text}: expected {expected}")
    return text
