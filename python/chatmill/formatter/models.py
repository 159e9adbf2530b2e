"""`load`: the template of a model, by its name, by the table of model ids, or from a folder, a file or the Hub."""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from chatmill._chatmill import ChatTemplate
from chatmill.text.yaml_text import read_own_yaml

_T = TypeVar("_T")


@cache
def model_ids() -> Mapping[str, str]:
    """Return the table in `models.yaml`: patterns of model ids, each with the named template of these models.

    Returns:
        Patterns with `*` and `[…]`, each mapped to a name of `ChatTemplate.names()`.

    Example:
        >>> model_ids()["HuggingFaceH4/zephyr-7b-beta"]
        'zephyr'
    """
    families = read_own_yaml((files(__package__) / "models.yaml").read_text("utf-8"))
    return MappingProxyType({pattern: name for name, patterns in families.items() for pattern in patterns})


def family(model: str) -> str | None:
    """Return the named template of a model id, or None if the table has none.

    Args:
        model: A model id of the Hub; case matters.

    Example:
        >>> family("Qwen/Qwen3-8B"), family("Qwen/Qwen3-Coder-30B-A3B-Instruct")
        ('qwen3', None)
    """
    return match(model, model_ids())


def match(model: str, patterns: Mapping[str, _T]) -> _T | None:
    """Look up a model in a table of patterns: by its exact name, or by the first pattern that matches.

    Args:
        model: The name of a model.
        patterns: Names and glob patterns; `*` matches slashes too.

    Example:
        >>> match("my-org/a", {"my-org/*": 1, "my-org/a": 2}), match("other/a", {"my-org/*": 1})
        (2, None)
    """
    if model in patterns:
        return patterns[model]
    return next((value for pattern, value in patterns.items() if fnmatchcase(model, pattern)), None)


def load(model: str | os.PathLike[str]) -> ChatTemplate:
    """Load the template of a model.

    Args:
        model: A name of `ChatTemplate.names()`, a model id, a folder, a `.jinja` file, or Jinja source.

    Returns:
        The named template of this name; for a model id of the table, the template of its family; otherwise the template
        from `ChatTemplate.from_pretrained`. An existing folder or file is not looked up in the table.

    Raises:
        TemplateError: There is no template, or it does not compile; the error lists the places that were tried.

    Example:
        >>> load("HuggingFaceH4/zephyr-7b-beta").name
        'zephyr'
    """
    # A `Path` is always a path, never a name.
    if isinstance(model, str):
        if model in ChatTemplate.names():
            return ChatTemplate.named(model)
        # A local copy of a model may have another template than the model.
        name = None if exists(model) else family(model)
        if name is not None:
            return ChatTemplate.named(name)
    return ChatTemplate.from_pretrained(model)


def exists(model: str | os.PathLike[str]) -> bool:
    """Return whether a model is a local file or folder.

    Args:
        model: The value that a user gave.

    Example:
        >>> exists("."), exists("Qwen/Qwen3-8B")
        (True, False)
    """
    return os.path.exists(model)  # noqa: PTH110  # `Path.exists` raises if a text is too long for a name
