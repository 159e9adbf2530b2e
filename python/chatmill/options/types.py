"""`check_types`: refuses options of the wrong type, and names them; `plain_types`: makes those of numpy plain."""

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatmill._chatmill import DataError
from chatmill.options.choices import (
    AllMasked,
    Compression,
    ControlTokens,
    InputFormat,
    LayoutName,
    Padding,
    PaddingSide,
    Split,
    Trainer,
    Truncation,
    choices,
)

_LARGEST = 2**63 - 1
_LONGEST = 80
# None stands for a default of these.
_OPTIONAL = (
    "template_fallback", "pad_token", "columns", "input_format", "split", "max_length", "truncation", "segment_length",
    "padding", "pad_to_multiple_of", "threads", "compression", "trainer", "to", "pack", "cache", "cache_size",
)  # fmt: skip
_CHOICES: Mapping[str, Any] = {
    "input_format": InputFormat,
    "split": Split,
    "truncation": Truncation,
    "padding": Padding,
    "padding_side": PaddingSide,
    "special_tokens": ControlTokens,
    "all_masked": AllMasked,
    "compression": Compression,
    "trainer": Trainer,
    "to": LayoutName,
}
_NUMBERS = (
    "max_length", "segment_length", "pad_to_multiple_of", "threads", "block_bytes", "max_line_bytes", "shard_tokens",
    "pack",
)  # fmt: skip
_LISTS = ("allowed_special_tokens", "keep_columns")
_FLAGS = (
    *("attention_mask", "position_ids"),
    *("rebuild", "shuffle", "deduplicate", "overwrite", "strict", "resume", "fresh"),
)


def check_types(options: Mapping[str, Any]) -> None:
    """Check the types of the options of `prepare`. The classes that use them check their values.

    Args:
        options: The options by name. Names that this function does not know are passed over.

    Raises:
        DataError: An option has the wrong type, or a number is negative or too large.

    Example:
        >>> check_types({"max_length": "2048"})
        Traceback (most recent call last):
            ...
        chatmill._chatmill.DataError: `max_length` is '2048'; give a whole number of at least 1, or None
    """
    for name, value in options.items():
        if name not in _KINDS or (value is None and name in _OPTIONAL):
            continue
        is_right, wanted = _KINDS[name]
        or_none = ", or None" if name in _OPTIONAL else ""
        if not is_right(value):
            raise DataError(f"`{name}` is {_shown(value)}; give {wanted}{or_none}")
        if name in _NUMBERS and not 0 <= operator.index(value) <= _LARGEST:
            # In the words of the classes that refuse 0.
            limit = "at least 1" if value < 0 else f"at most {_LARGEST:,}"
            raise DataError(f"`{name}` is {_shown(value)}; use {limit}{or_none}")


def plain_types(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with numbers and flags of numpy as those of Python, which a manifest can hold.

    Args:
        options: The options by name.

    Example:
        >>> import numpy as np
        >>> plain_types({"max_length": np.int64(8), "shuffle": np.bool_(True), "seed": 3})
        {'max_length': 8, 'shuffle': True, 'seed': 3}
    """
    plain = dict(options)
    for name, value in options.items():
        if name in (*_NUMBERS, "reserve") and _is_number(value):
            plain[name] = operator.index(value)
        elif name in _FLAGS and _is_flag(value):
            plain[name] = bool(value)
    return plain


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    # numpy has whole numbers of its own, and `True` is a mistake.
    try:
        operator.index(value)
    except TypeError:
        return False
    return not _is_flag(value)


def _is_list(value: Any) -> bool:
    is_sequence = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return is_sequence and all(isinstance(it, str) for it in value)


def _is_flag(value: Any) -> bool:
    # Also the booleans of numpy.
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _is_count(value: Any) -> bool:
    return _is_number(value) and 0 <= operator.index(value) <= _LARGEST


def _is_size(value: Any) -> bool:
    return _is_text(value) or _is_count(value)


def _is_path_or_none(value: Any) -> bool:
    return value is None or _is_path(value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(it, str) for pair in value.items() for it in pair)


def _shown(value: Any) -> str:
    """The value; of a long one, the beginning."""
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **{name: (_is_text, f"one of {', '.join(choices(known))}") for name, known in _CHOICES.items()},
    **dict.fromkeys(_NUMBERS, (_is_number, "a whole number of at least 1")),
    **dict.fromkeys(_LISTS, (_is_list, 'a list of texts, such as ["a"]')),
    **dict.fromkeys(_FLAGS, (_is_flag, "True or False")),
    "template_fallback": (_is_text, "the name of a template"),
    "pad_token": (_is_text, "the text of a token"),
    "columns": (_is_mapping, 'the column for each name, such as {"answer": "solution"}'),
    "reserve": (_is_count, "a whole number of at least 0"),
    "cache": (_is_path, "a folder"),
    "cache_size": (_is_size, "a size such as '50GB', or a number of bytes"),
    # None is not offered to users: it is the output of a run that writes nothing.
    "output": (_is_path_or_none, "a folder"),
}
