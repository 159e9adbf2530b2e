"""`given_settings`: the settings that a configuration gives to the class of a tokenizer."""

from collections.abc import Mapping
from typing import Any

from chatmill.sources.auto_tokenizer.recipes import Recipe, Settings

#: The largest number in a configuration. Such a number is an id, or a number of tokens to add: T5 adds 100.
LARGEST_NUMBER = 100_000


class SettingError(Exception):
    """A setting of a configuration has a wrong value."""


def given_settings(config: Mapping[str, Any], recipe: Recipe) -> Settings:
    """Return the settings of a class that a configuration gives.

    Args:
        config: The content of `tokenizer_config.json`.
        recipe: The recipe of the class.

    Raises:
        SettingError: A setting is a list or an object, or a number is no whole number or too large.

    Example:
        >>> from chatmill.sources.auto_tokenizer.recipes import RECIPES
        >>> given_settings({"add_prefix_space": True, "model_max_length": 9}, RECIPES["GPT2Tokenizer"])
        {'add_prefix_space': True}
    """
    given = {key: config[key] for key in recipe.settings if key in config and key not in recipe.fixed}
    for key, value in given.items():
        is_number = type(recipe.settings[key]) is int
        if is_number and not (type(value) is int and 0 <= value <= LARGEST_NUMBER):
            raise SettingError(
                f"`{key}` is {_shown(value)}, but must be a whole number up to {LARGEST_NUMBER:,}; correct it, or "
                "pass `rebuild=False` (`--tokenizer-json`) to use tokenizer.json as it is"
            )
        if isinstance(value, (list, dict)):
            raise SettingError(f"`{key}` is {_shown(value)}, but must be a single value; correct it")
    return given


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a very large number"
    return text if len(text) <= 60 else f"{text[:57]}..."
