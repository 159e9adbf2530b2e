"""Reading of a pretrained tokenizer's folder: special tokens, added tokens, stop tokens, chat templates.

The folders are written for transformers, so the rules are those of transformers 5: which file is used, and which tokens
are added to the tokens of `tokenizer.json`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, TokenizerError
from chatmill.text.parsing import parse_json

STANDARD_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

# Ids have at most ten digits. Python refuses to read numbers with thousands of digits.
_MOST_DIGITS = 20
_ADDED_TOKENS = re.compile(r'"added_tokens"\s*:\s*(?=\[)')


def read_text(path: Path, error: type[ChatmillError]) -> str:
    """Read a text file.

    Args:
        path: The file.
        error: The class to raise.

    Raises:
        ChatmillError: The file cannot be read, or is not UTF-8; raised as `error`.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as cause:
        raise error(f"{path} is not UTF-8 ({cause.reason} at byte {cause.start}); save it as UTF-8") from None
    except OSError as cause:
        raise error(f"cannot read {path} ({cause.strerror or cause}); check its permissions") from cause


def read_config(folder: Path, error: type[ChatmillError]) -> dict[str, Any]:
    """Read the `tokenizer_config.json` of a folder, merged with the `special_tokens_map.json` of older folders.

    Args:
        folder: The folder; a missing file counts as empty.
        error: The class to raise.

    Raises:
        ChatmillError: A file is not a JSON object; raised as `error`.
    """
    path = folder / "tokenizer_config.json"
    config = _read_object(path, error)
    _check_decoder(config.get("added_tokens_decoder"), path, error)
    if "added_tokens_decoder" not in config:
        config.update(_read_object(folder / "special_tokens_map.json", error))
    return config


def special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the special tokens by name, as in transformers' `special_tokens_map`. Templates get them as variables.

    Args:
        config: The configuration from `read_config`.

    Example:
        >>> special_tokens({"eos_token": {"content": "</s>"}, "add_bos_token": False, "bos_token": None})
        {'eos_token': '</s>'}
    """
    return {name: token["content"] for name, token in _named_tokens(config)}


def stop_tokens(folder: Path, tokenizer_json: str, error: type[ChatmillError]) -> list[str]:
    """Return the tokens at which generation ends, from the `generation_config.json` of a folder.

    Args:
        folder: The folder; without that file there are no stop tokens.
        tokenizer_json: Text of the `tokenizer.json`, which maps ids to tokens.
        error: The class to raise.

    Raises:
        ChatmillError: The file is not a JSON object; raised as `error`.
    """
    ids = _read_object(folder / "generation_config.json", error).get("eos_token_id")
    if ids is None:
        return []
    wanted = ids if isinstance(ids, list) else [ids]
    tokens = {token["id"]: str(token["content"]) for token in _read_added_tokens(tokenizer_json, folder)}
    return [tokens[token_id] for token_id in wanted if isinstance(token_id, int) and token_id in tokens]


def complete_added_tokens(tokenizer_json: str, config: Mapping[str, Any], path: Path) -> str:
    """Add to a `tokenizer.json` the tokens that only its `tokenizer_config.json` declares.

    Ids are assigned as in transformers: a token of the vocabulary keeps its id, any other token gets the next free id.
    Ids in the configuration are ignored. Flags in the configuration replace those in `tokenizer.json`.

    Args:
        tokenizer_json: Text of the `tokenizer.json`.
        config: The configuration from `read_config`.
        path: The source of the text, for errors.

    Returns:
        The same text if nothing is missing; otherwise the completed definition as JSON text.

    Raises:
        TokenizerError: The text is not the JSON of a tokenizer.
    """
    declared = list(_declared_tokens(config))
    if not declared:
        return tokenizer_json
    present = {token["content"]: token for token in _read_added_tokens(tokenizer_json, path)}
    changes = _changes(declared, present)
    if not changes:
        return tokenizer_json
    try:
        definition = parse_json(tokenizer_json)
        ids = _ids(definition["model"]["vocab"])
    except (ValueError, KeyError, TypeError, IndexError) as cause:
        raise TokenizerError(f"{path} is not a valid tokenizer.json ({cause!r}); download it again") from None
    for content, flags in changes.items():
        if content in present:
            token_id = present[content]["id"]
        else:
            next_free = max([len(ids), *(token["id"] + 1 for token in present.values())])
            token_id = ids.get(content, next_free)
        present[content] = {"id": token_id, "content": content, **flags}
    definition["added_tokens"] = sorted(present.values(), key=lambda token: int(token["id"]))
    return json.dumps(definition, ensure_ascii=False)


def read_templates(folder: Path, error: type[ChatmillError]) -> dict[str, str]:
    """Read the chat templates of a folder by name; a single template has the name `default`.

    The order is: `.jinja` files, then `tokenizer_config.json`, then the `chat_template.json` of processors. If several
    `.jinja` files have the same name, the order is: `additional_chat_templates/*.jinja` (where transformers stores
    named templates), then `chat_template.jinja`, then `chat_templates/*.jinja` (made by hand).

    Args:
        folder: The folder.
        error: The class to raise.

    Raises:
        ChatmillError: A file cannot be read, or its `chat_template` is not valid; raised as `error`.
    """
    main = folder / "chat_template.jinja"
    files = [(path.stem, path) for path in sorted((folder / "chat_templates").glob("*.jinja"))]
    files += [("default", main)] if main.is_file() else []
    files += [(path.stem, path) for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))]
    templates = {name: read_text(path, error) for name, path in dict(files).items()}
    for file in ("tokenizer_config.json", "chat_template.json"):
        if not templates:
            path = folder / file
            templates = named_templates(_read_object(path, error).get("chat_template"), str(path), error)
    return templates


def named_templates(value: object, where: str, error: type[ChatmillError]) -> dict[str, str]:
    """Read the templates of a value of `chat_template`, by name.

    Args:
        value: A string, a list of `{"name": …, "template": …}`, a mapping of names to sources, or None. An empty list
            or mapping counts as None.
        where: The owner of the value, for errors.
        error: The class to raise.

    Raises:
        ChatmillError: The value has another type; raised as `error`.

    Example:
        >>> named_templates("{{ messages }}", "an example", ChatmillError)
        {'default': '{{ messages }}'}
    """
    if value is None or value in ([], {}):
        return {}
    if isinstance(value, str):
        return {"default": value}
    entries: list[tuple[object, object]] = []
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, (list, tuple)) and all(isinstance(entry, Mapping) for entry in value):
        entries = [(entry.get("name"), entry.get("template")) for entry in value]
    named = {name: source for name, source in entries if isinstance(name, str) and isinstance(source, str)}
    if not named or len(named) != len(entries):
        raise error(
            f"`chat_template` of {where} is neither a string nor a list of {{name, template}}; put the Jinja source "
            "into a file `chat_template.jinja` in the same folder"
        )
    return named


def _read_object(path: Path, error: type[ChatmillError]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = parse_json(read_text(path, error))
    except ValueError as cause:
        raise error(f"{path} is not JSON ({cause}); correct it, or download it again") from None
    if not isinstance(value, dict):
        raise error(f"{path} holds a JSON {type(value).__name__}, not an object; correct it, or download it again")
    return value


def _check_decoder(decoder: object, path: Path, error: type[ChatmillError]) -> None:
    """Check the tokens that a configuration declares by their ids."""
    if decoder is None:
        return
    entries = decoder.items() if isinstance(decoder, dict) else [(type(decoder).__name__, None)]
    for key, token in entries:
        is_token = isinstance(token, dict) and isinstance(token.get("content"), str)
        if not key.isdecimal() or len(key) > _MOST_DIGITS or not is_token:
            raise error(
                f"{path}: `added_tokens_decoder` must map ids to tokens with a `content`, but has {key[:40]!r} with "
                f"{type(token).__name__}; correct it, or download the file again"
            )


def _ids(vocabulary: Any) -> dict[str, int]:
    """Return the ids of a vocabulary: an object of ids, or a list of tokens with their scores."""
    if isinstance(vocabulary, list):
        vocabulary = {piece[0]: index for index, piece in enumerate(vocabulary)}
    if not isinstance(vocabulary, dict) or not all(isinstance(token_id, int) for token_id in vocabulary.values()):
        raise TypeError("`vocab` is no list of tokens, and no object of ids")
    return vocabulary


def _read_added_tokens(tokenizer_json: str, path: Path) -> list[dict[str, Any]]:
    # The vocabulary has megabytes and is rarely needed, so only the list of added tokens is parsed.
    found = _ADDED_TOKENS.search(tokenizer_json)
    if found is None:
        return []
    try:
        tokens, _ = json.JSONDecoder().raw_decode(tokenizer_json, found.end())
    except (ValueError, RecursionError) as cause:
        raise TokenizerError(f"{path} is not a valid tokenizer.json ({cause}); download it again") from None
    return [
        token
        for token in tokens
        if isinstance(token, dict) and isinstance(token.get("content"), str) and isinstance(token.get("id"), int)
    ]


def _changes(
    declared: list[tuple[dict[str, Any], bool]], present: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, bool]]:
    """Return the flags of each token that the configuration adds or redefines, in the order in which they are added."""
    changes: dict[str, dict[str, bool]] = {}
    for token, redefines in declared:
        content = token["content"]
        known = changes.get(content) or present.get(content)
        if known is not None and (not redefines or all(known.get(flag) == token[flag] for flag in _FLAGS)):
            continue
        changes[content] = {flag: token[flag] for flag in _FLAGS}
    return changes


_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def _declared_tokens(config: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the tokens of a configuration in transformers' order; the flag tells whether it may redefine a token."""
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        for _, value in sorted(decoder.items(), key=lambda item: int(item[0])):
            if token := _as_token(value, special=False):
                yield token, True
    for _, token in _named_tokens(config):
        yield token, False
    extra = config.get("extra_special_tokens") or config.get("additional_special_tokens")
    for value in extra if isinstance(extra, list) else []:
        if token := _as_token(value, special=True):
            yield token, False


def _named_tokens(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    extra = config.get("extra_special_tokens")
    names = [*STANDARD_TOKENS, *(key for key in config if key.endswith("_token") and key not in STANDARD_TOKENS)]
    values = {name: config.get(name) for name in names} | (extra if isinstance(extra, dict) else {})
    for name, value in values.items():
        if token := _as_token(value, special=True):
            yield name, token


def _as_token(value: object, *, special: bool) -> dict[str, Any] | None:
    """Return a token with all its flags, from a string or an object; None for any other value."""
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, dict) or not isinstance(value.get("content"), str) or not value["content"]:
        return None
    is_special = special or bool(value.get("special", False))
    flags = {flag: bool(value.get(flag, False)) for flag in _FLAGS}
    return {
        "content": value["content"],
        **flags,
        "normalized": bool(value.get("normalized", not is_special)),
        "special": is_special,
    }
