"""`choose_class`: the class of transformers that `AutoTokenizer` picks for a folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from chatmill.sources.auto_tokenizer.model_types import (
    ALIASES,
    CLASS_OF_MODEL_TYPE,
    IDS_TAKEN_AS_THEY_ARE,
    OTHER_CLASSES,
    WRONG_CLASS_IN_FOLDER,
)
from chatmill.sources.auto_tokenizer.recipes import RECIPES

#: The class that takes a `tokenizer.json` as it is.
BACKEND = "TokenizersBackend"
_GENERIC = (BACKEND, "PythonBackend")


@dataclass(frozen=True)
class ClassChoice:
    """The class that `AutoTokenizer` picks.

    Attributes:
        name: The name of the class.
        warning: Why the ids may differ from those of `AutoTokenizer`, as one sentence, or None.
    """

    name: str
    warning: str | None = None


def choose_class(
    config: Mapping[str, Any], model: Mapping[str, Any], name: str, is_byte_level: Callable[[], bool]
) -> ClassChoice:
    """Choose the class for a folder, by the rules of transformers 5.

    Args:
        config: The content of `tokenizer_config.json`.
        model: The content of `config.json`.
        name: The Hub id or the name of the folder, for the list of ids with rules of their own.
        is_byte_level: Tells whether `tokenizer.json` names `ByteLevel`. It is called only if this matters.

    Example:
        >>> choose_class({"tokenizer_class": "LlamaTokenizerFast"}, {}, "a", lambda: False).name
        'LlamaTokenizer'
    """
    declared = _text(config, "tokenizer_class") or _text(model, "tokenizer_class")
    kind = _text(model, "model_type") or ""
    if _has_remote_code(config) and kind not in WRONG_CLASS_IN_FOLDER:
        found = known_class(declared) if _text(config, "tokenizer_class") or kind in CLASS_OF_MODEL_TYPE else None
        if found is None:
            return ClassChoice(
                BACKEND,
                f"the tokenizer has code of its own ({declared or 'auto_map'}), which chatmill does not run: "
                "`tokenizer.json` is used as it is; compare the ids with transformers, with `trust_remote_code=True`",
            )
        return _checked(found, declared)
    found = _without_remote_code(declared, kind, model, name, is_byte_level)
    return _checked(found, declared)


def known_class(name: str | None) -> str | None:
    """Return the class of transformers with this name, or None. Old names that end in `Fast` are known too.

    Args:
        name: The name of a class.

    Example:
        >>> known_class("ElectraTokenizerFast"), known_class("MistralTokenizer")
        ('BertTokenizer', None)
    """
    if not name:
        return None
    if name in ALIASES:
        return ALIASES[name]
    if name in RECIPES or name in OTHER_CLASSES or name in _NAMES or name in _GENERIC:
        return name
    return known_class(name.removesuffix("Fast")) if name.endswith("Fast") else None


_NAMES = frozenset(CLASS_OF_MODEL_TYPE.values())


def _without_remote_code(
    declared: str | None, kind: str, model: Mapping[str, Any], name: str, is_byte_level: Callable[[], bool]
) -> str | None:
    """Return the class, or None if the declared one is not known."""
    is_wrong = kind in WRONG_CLASS_IN_FOLDER or model.get("model_name") in WRONG_CLASS_IN_FOLDER
    if kind and any(fnmatchcase(name.lower(), pattern) for pattern in IDS_TAKEN_AS_THEY_ARE):
        return BACKEND
    # The class would build a tokenizer of pieces with `▁`. Files of bytes, such as that of Llama 3, are used instead.
    if _plain(declared) == "LlamaTokenizer" and not is_wrong and is_byte_level():
        return BACKEND
    registered = CLASS_OF_MODEL_TYPE.get(kind)
    if registered is not None and declared is not None and _plain(registered) != _plain(declared):
        if registered in _GENERIC:
            return BACKEND
        found = known_class(registered if is_wrong else declared)
        return found if found not in (None, *_GENERIC) else _backend_or_unknown(declared, is_wrong)
    if declared is not None:
        return known_class(declared)
    return known_class(registered) if registered is not None else BACKEND


def _plain(name: str | None) -> str:
    return (name or "").removesuffix("Fast")


def _backend_or_unknown(declared: str, is_wrong: bool) -> str | None:
    return BACKEND if is_wrong or known_class(declared) is not None else None


def _checked(found: str | None, declared: str | None) -> ClassChoice:
    """Return the choice; for a class that is not known, with a warning."""
    if found is None:
        return ClassChoice(
            BACKEND,
            f"the tokenizer names the class {declared}, which transformers 5.23 does not have: `tokenizer.json` is "
            "used as it is, as transformers does; compare the ids with the tools that the model comes with",
        )
    if found in _GENERIC:
        return ClassChoice(BACKEND)
    if found in RECIPES:
        return ClassChoice(found)
    return ClassChoice(
        BACKEND,
        f"transformers uses the class {found} for this tokenizer, which is not made from `tokenizer.json`: the file is "
        "used as it is, so the ids may differ from those of `AutoTokenizer`; compare them",
    )


def _has_remote_code(config: Mapping[str, Any]) -> bool:
    found = config.get("auto_map")
    return bool(found.get("AutoTokenizer")) if isinstance(found, Mapping) else bool(found)


def _text(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    return value if isinstance(value, str) and value else None
