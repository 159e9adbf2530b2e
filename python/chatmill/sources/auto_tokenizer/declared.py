"""`declared_tokens`: the added tokens of a tokenizer, in the order in which transformers adds them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatmill.sources.auto_tokenizer.recipes import Recipe, Settings

STANDARD_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")

#: An added token: `content` and its flags.
Token = dict[str, Any]


def named_tokens(config: Mapping[str, Any], recipe: Recipe) -> dict[str, Token]:
    """Return the special tokens by name, in transformers' order.

    Args:
        config: The content of `tokenizer_config.json`.
        recipe: The recipe of the class, which has tokens that the configuration need not name.

    Example:
        >>> from chatmill.sources.auto_tokenizer.recipes import AS_IT_IS
        >>> list(named_tokens({"pad_token": "x", "eos_token": {"content": "y"}}, AS_IT_IS))
        ['eos_token', 'pad_token']
    """
    found = config.get("extra_special_tokens")
    own = {key: value for key, value in config.items() if key.endswith("_token") and key not in STANDARD_TOKENS}
    own |= found if isinstance(found, dict) else {}
    standard = {name: config[name] if name in config else recipe.tokens.get(name) for name in STANDARD_TOKENS}
    ours = {name: token for name, token in recipe.tokens.items() if name not in STANDARD_TOKENS}
    tokens = ((name, _named(value, recipe.flags.get(name))) for name, value in (standard | ours | own).items())
    return {name: token for name, token in tokens if token is not None}


def declared_tokens(
    config: Mapping[str, Any], recipe: Recipe, settings: Settings, file_tokens: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Token, bool]]:
    """Yield the tokens that a class adds; the flag tells whether the token may redefine one that is there.

    Args:
        config: The content of `tokenizer_config.json`, merged with older files.
        recipe: The recipe of the class.
        settings: The settings of the class.
        file_tokens: The added tokens of `tokenizer.json`, which count if the configuration declares none by id.
    """
    all_named = named_tokens(config, recipe)
    by_id = list(_tokens_by_id(config, file_tokens, {token["content"] for token in all_named.values()}))
    by_content = {token["content"]: token for token in by_id}
    named: dict[str, Token] = {}
    for name, token in all_named.items():
        is_text = not isinstance(config.get(name), dict)
        known = by_content.get(token["content"]) if name in STANDARD_TOKENS and name in config and is_text else None
        named[name] = known or token
    for token in by_id:
        yield token, True
    for token in named.values():
        yield token, False
    extra = [it for it in map(_special, extra_tokens(config, recipe, settings)) if it is not None]
    for token in extra:
        yield token, False
    if recipe.again is not None:
        for token in (*named.values(), *extra):
            yield _again(token, recipe), True


def extra_tokens(config: Mapping[str, Any], recipe: Recipe, settings: Settings) -> Sequence[Any]:
    """Return the special tokens without a name: those of the configuration, or else of the class.

    Args:
        config: The content of `tokenizer_config.json`.
        recipe: The recipe of the class.
        settings: The settings of the class.
    """
    for key in ("extra_special_tokens", "additional_special_tokens"):
        # An object names its tokens, which `named_tokens` returns.
        if config.get(key) and isinstance(config[key], list):
            return list(config[key])
    if config.keys() & {"additional_special_tokens"} or config.get("extra_special_tokens") == []:
        return ()
    return recipe.extra_tokens(settings)


def as_token(value: object, *, special: bool) -> Token | None:
    """Return a token with all its flags, from a string or an object; None for any other value.

    Args:
        value: The value in a file.
        special: Whether the token is special in any case.

    Example:
        >>> as_token("<s>", special=True)["normalized"], as_token("x", special=False)["normalized"]
        (False, True)
    """
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("content"), str) or not value["content"]:
        return None
    is_special = special or bool(value.get("special", False))
    flags = {flag: bool(value.get(flag, False)) for flag in _FLAGS}
    return {
        "content": value["content"],
        **flags,
        "normalized": bool(value.get("normalized", not is_special)),
        "special": is_special,
    }


def same_flags(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two tokens are equal but for their ids.

    Args:
        one: A token.
        other: Another one of the same content.
    """
    return all(one.get(flag) == other.get(flag) for flag in _FLAGS)


def _named(value: object, flags: Mapping[str, bool] | None) -> Token | None:
    token = as_token(value, special=True)
    return token | dict(flags) if token is not None and flags and isinstance(value, str) else token


def _special(value: object) -> Token | None:
    return as_token(value, special=True)


def _tokens_by_id(
    config: Mapping[str, Any], file_tokens: Sequence[Mapping[str, Any]], names: set[str]
) -> Iterator[Token]:
    """Yield the tokens that a configuration declares by their ids. A token with a name is special."""
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        entries: dict[int, Any] = {int(key): value for key, value in decoder.items()}
    else:
        older = config.get("added_tokens.json")
        entries = {
            token_id: content
            for content, token_id in (older.items() if isinstance(older, dict) else ())
            if isinstance(token_id, int)
        }
        entries |= {token["id"]: token for token in file_tokens}
    for _, value in sorted(entries.items()):
        content = value.get("content") if isinstance(value, dict) else value
        if token := as_token(value, special=content in names):
            yield token


def _again(token: Token, recipe: Recipe) -> Token:
    if recipe.again == "own":
        return token | {"special": True}
    return {**dict.fromkeys(_FLAGS, False), "content": token["content"], "special": True}
