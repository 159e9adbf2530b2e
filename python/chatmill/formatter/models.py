"""Which named template a model id stands for, and the template of any model."""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

import yaml

from chatmill._chatmill import ChatTemplate

_T = TypeVar("_T")


@cache
def model_ids() -> Mapping[str, str]:
    """Patterns of model ids and the named templates of these models, as `models.yaml` has them.

    Returns:
        Patterns with `*` and `[…]`, each with a name of `ChatTemplate.names()`.

    Example:
        >>> model_ids()["HuggingFaceH4/zephyr-7b-beta"]
        'zephyr'
    """
    families = yaml.safe_load((files(__package__) / "models.yaml").read_text(encoding="utf-8"))
    return MappingProxyType({pattern: name for name, patterns in families.items() for pattern in patterns})


def family(model: str) -> str | None:
    """The named template of a model id, or None where the table has none.

    Args:
        model: A model id of the Hub; upper and lower case count.

    Example:
        >>> family("Qwen/Qwen3-8B"), family("Qwen/Qwen3-Coder-30B-A3B-Instruct")
        ('qwen3', None)
    """
    return match(model, model_ids())


def match(model: str, patterns: Mapping[str, _T]) -> _T | None:
    """What a table of patterns has for a model: for its very name, else for the first pattern that fits.

    Args:
        model: The name of a model.
        patterns: Names and glob patterns; `*` goes across slashes.

    Example:
        >>> match("my-org/a", {"my-org/*": 1, "my-org/a": 2}), match("other/a", {"my-org/*": 1})
        (2, None)
    """
    if model in patterns:
        return patterns[model]
    return next((value for pattern, value in patterns.items() if fnmatchcase(model, pattern)), None)


def load(model: str | os.PathLike[str]) -> ChatTemplate:
    """The template of a model: by its name, by the table of ids, or from where it lies.

    Args:
        model: A name of `ChatTemplate.names()`, a model id, a folder, a `.jinja` file, or Jinja text.

    Returns:
        The named template of this name; for a model id of the table, its family's; else what
        `ChatTemplate.from_pretrained` gives. A folder or file that exists is not looked up in the table.

    Raises:
        TemplateError: There is none, or it does not compile; the text says what was tried.

    Example:
        >>> load("HuggingFaceH4/zephyr-7b-beta").name
        'zephyr'
    """
    # A `Path` is always meant as one.
    if isinstance(model, str):
        if model in ChatTemplate.names():
            return ChatTemplate.named(model)
        # The user's own copy of a model may have another template than the model had.
        name = None if exists(model) else family(model)
        if name is not None:
            return ChatTemplate.named(name)
    return ChatTemplate.from_pretrained(model)


def exists(model: str | os.PathLike[str]) -> bool:
    """Whether a model is a file or folder here.

    Args:
        model: What a user gave.

    Example:
        >>> exists("."), exists("Qwen/Qwen3-8B")
        (True, False)
    """
    return os.path.exists(model)  # noqa: PTH110  # `Path.exists` raises where a text is too long for a name
