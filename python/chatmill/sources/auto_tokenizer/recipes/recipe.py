"""`Recipe`: what one class of transformers builds around a vocabulary."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

#: A part of a `tokenizer.json`, such as a normalizer.
Part = dict[str, Any]
#: What a recipe may read: its settings with the values of the configuration; the texts of the special tokens, such as
#: `unk_token`; `charsmap`, the table of the file's normalizer; `has_post`, whether the
#: file has a post-processor; and `entry`, which finds a token in the vocabulary.
Settings = Mapping[str, Any]


def none(_: Settings) -> None:
    """Return None: the tokenizer has no such part.

    Args:
        _: Unused.
    """


def no_tokens(_: Settings) -> Sequence[str]:
    """Return no tokens.

    Args:
        _: Unused.
    """
    return ()


@dataclass(frozen=True)
class Recipe:
    """What a class builds around a vocabulary.

    Attributes:
        model: The model without its vocabulary; None for a class that uses `tokenizer.json` as it is.
        normalizer: The normalizer.
        pre_tokenizer: The pre-tokenizer.
        decoder: The decoder.
        tokens: Special tokens that the configuration need not name.
        flags: Flags of special tokens that the configuration gives as plain text.
        extra_tokens: Further special tokens, unless the configuration lists its own.
        settings: Settings, unless the configuration has other ones. Names in `fixed` are not read.
        fixed: Settings that the configuration cannot change.
        post: What `encode` adds around a text: names of special tokens in braces, or tokens, around `$A`. None leaves
            it as it is in the file.
        again: How the class adds its special tokens once more: as plain special tokens, or with their own flags.
    """

    model: Callable[[Settings], Part] | None
    normalizer: Callable[[Settings], Part | None] = none
    pre_tokenizer: Callable[[Settings], Part | None] = none
    decoder: Callable[[Settings], Part | None] = none
    tokens: Mapping[str, str | None] = field(default_factory=dict)
    flags: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    extra_tokens: Callable[[Settings], Sequence[str]] = no_tokens
    settings: Mapping[str, Any] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    post: Callable[[Settings], str | None] = none
    again: Literal["plain", "own"] | None = None


#: The recipe of a class that uses `tokenizer.json` as it is.
AS_IT_IS = Recipe(model=None)


def tokens(**names: str | None) -> dict[str, str | None]:
    """Return special tokens by name: `tokens(bos="<s>")` is `{"bos_token": "<s>"}`.

    Args:
        names: The tokens, by name without `_token`.
    """
    return {f"{name}_token": token for name, token in names.items()}
