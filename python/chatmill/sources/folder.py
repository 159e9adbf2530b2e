"""Reading of a pretrained tokenizer's folder: configurations, stop tokens, chat templates.

The folders are written for transformers, so the rules which file is used are those of transformers 5.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, TokenizerError
from chatmill.text.parsing import parse_json

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
        # Decoding the bytes at once takes a third of the time of `read_text`. Line breaks are read as there; a search
        # in the bytes takes a twentieth of the time of a replacement in the text.
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n") if b"\r" in data else text
    except UnicodeDecodeError as cause:
        raise error(f"{path} is not UTF-8 ({cause.reason} at byte {cause.start}); save it as UTF-8") from None
    except OSError as cause:
        raise error(f"cannot read {path} ({cause.strerror or cause}); check its permissions") from cause


def read_config(folder: Path, error: type[ChatmillError]) -> dict[str, Any]:
    """Read the `tokenizer_config.json` of a folder, merged with the `special_tokens_map.json` of older folders.

    The content of the `added_tokens.json` of older folders has the key `added_tokens.json`.

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
        config["added_tokens.json"] = _read_object(folder / "added_tokens.json", error)
    return config


def read_model_config(folder: Path, error: type[ChatmillError]) -> dict[str, Any]:
    """Read the `config.json` of a folder, which names the type of the model.

    Args:
        folder: The folder; a missing file counts as empty.
        error: The class to raise.

    Raises:
        ChatmillError: The file is not a JSON object; raised as `error`.
    """
    return _read_object(folder / "config.json", error)


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
