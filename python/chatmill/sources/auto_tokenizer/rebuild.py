"""`auto_definition`: the `tokenizer.json` of the tokenizer that `AutoTokenizer` makes of a folder."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatmill._chatmill import TokenizerError, replace_outline
from chatmill.sources.auto_tokenizer.added import Vocabulary, add_declared, file_tokens, read_outline
from chatmill.sources.auto_tokenizer.choice import choose_class
from chatmill.sources.auto_tokenizer.declared import Token, declared_tokens, named_tokens
from chatmill.sources.auto_tokenizer.recipes import AS_IT_IS, RECIPES, Recipe, Settings
from chatmill.sources.auto_tokenizer.settings import SettingError, given_settings

#: The text in a `tokenizer.json` whose tokens are bytes.
BYTE_LEVEL = '"ByteLevel"'
_TEXT = "$A"
_FIELD = re.compile(r"\{(\w+)\}")
_PINNED = re.compile(r"(.+)=(\d+)")


@dataclass(frozen=True)
class AutoDefinition:
    """The definition of a tokenizer as `AutoTokenizer` makes it.

    Attributes:
        tokenizer_json: The text of the `tokenizer.json`.
        rules: The class that made it, or `tokenizer.json` if the file is used as it is.
        special_tokens: The special tokens by name, those included that the class adds.
        warnings: Why ids may differ from those of `AutoTokenizer`, as sentences.
    """

    tokenizer_json: str
    rules: str
    special_tokens: dict[str, str]
    warnings: tuple[str, ...] = ()


def auto_definition(
    text: str, path: Path, config: Mapping[str, Any], model: Mapping[str, Any], name: str, *, rebuild: bool = True
) -> AutoDefinition:
    """Make the definition of a folder's tokenizer.

    Args:
        text: The text of `tokenizer.json`.
        path: The file with this text, for errors.
        config: The content of `tokenizer_config.json`, merged with older files.
        model: The content of `config.json`.
        name: The Hub id or the name of the folder.
        rebuild: Whether to follow classes that do not use all of `tokenizer.json`. Tokens that only the configuration
            has are added in any case.

    Raises:
        TokenizerError: The text is not the JSON of a tokenizer, or the configuration does not fit it.
    """
    try:
        outline = read_outline(text)
    except (TokenizerError, ValueError) as cause:
        raise TokenizerError(f"{path} is not a valid tokenizer.json ({cause}); download it again") from None
    try:
        return _definition(text, outline, config, model, name, rebuild=rebuild)
    except SettingError as error:
        raise TokenizerError(f"{path.with_name('tokenizer_config.json')}: {error}") from None
    except (TokenizerError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise TokenizerError(
            f"{path} and the tokenizer_config.json beside it do not make a tokenizer "
            f"({type(cause).__name__}: {cause}); download both again"
        ) from None


def class_tokens(config: Mapping[str, Any], model: Mapping[str, Any], name: str, path: Path) -> dict[str, str]:
    """Return the special tokens by name, those included that only the class of a folder names.

    Args:
        config: The content of `tokenizer_config.json`, merged with older files.
        model: The content of `config.json`.
        name: The Hub id or the name of the folder.
        path: The `tokenizer.json` of the folder.
    """
    choice = choose_class(config, model, name, lambda: path.is_file() and BYTE_LEVEL.encode() in path.read_bytes())
    return special_tokens_of(config, RECIPES.get(choice.name, AS_IT_IS))


def _definition(
    text: str,
    outline: dict[str, Any],
    config: Mapping[str, Any],
    model: Mapping[str, Any],
    name: str,
    *,
    rebuild: bool,
) -> AutoDefinition:
    if not rebuild:
        return AutoDefinition(
            _written(text, outline, AS_IT_IS, config), "tokenizer.json", special_tokens_of(config, AS_IT_IS)
        )
    choice = choose_class(config, model, name, lambda: BYTE_LEVEL in text)
    recipe = RECIPES.get(choice.name, AS_IT_IS)
    warnings = [choice.warning] if choice.warning else []
    if config.get("split_special_tokens"):
        warnings.append(
            "`split_special_tokens` is set in tokenizer_config.json: transformers encodes special tokens in a text as "
            "plain text, chatmill as special tokens; remove the setting, or use `special_tokens='text'`"
        )
    mismatch = _mismatch(outline, recipe, choice.name)
    if mismatch is not None:
        warnings.append(mismatch)
        recipe = AS_IT_IS
    rules = "tokenizer.json" if recipe is AS_IT_IS else choice.name
    tokens = special_tokens_of(config, recipe)
    return AutoDefinition(_written(text, outline, recipe, config), rules, tokens, tuple(warnings))


def special_tokens_of(config: Mapping[str, Any], recipe: Recipe) -> dict[str, str]:
    """Return the special tokens by name, as in transformers' `special_tokens_map`. Templates get them as variables.

    Args:
        config: The content of `tokenizer_config.json`, merged with older files.
        recipe: The recipe of the class.

    Example:
        >>> special_tokens_of({"eos_token": {"content": "</s>"}, "add_bos_token": False, "bos_token": None}, AS_IT_IS)
        {'eos_token': '</s>'}
    """
    return {name: token["content"] for name, token in named_tokens(config, recipe).items()}


def _mismatch(outline: Mapping[str, Any], recipe: Recipe, name: str) -> str | None:
    """Return why a class cannot be applied to a file, or None."""
    if recipe.model is None:
        return None
    wanted = recipe.model(_AnySettings())["type"]
    found = outline["model"].get("type", wanted)
    if found == wanted:
        return None
    return (
        f"transformers uses the class {name} for this tokenizer, which has a {wanted} model, but `tokenizer.json` has "
        f"a {found} model: the file is used as it is; compare the ids with transformers"
    )


def _written(text: str, outline: dict[str, Any], recipe: Recipe, config: Mapping[str, Any]) -> str:
    """Return the text of the definition: the same text if nothing changes."""
    given = file_tokens(outline)
    vocabulary = Vocabulary(text)
    settings = _settings(recipe, config, outline, vocabulary)
    new = dict(outline)
    present: dict[str, Token] = {}
    if recipe.model is None:
        present = {token["content"]: token for token in given}
    else:
        new["model"] = recipe.model(settings)
        new["normalizer"] = recipe.normalizer(settings)
        new["pre_tokenizer"] = recipe.pre_tokenizer(settings)
        new["decoder"] = recipe.decoder(settings)
    declared = list(declared_tokens(config, recipe, settings, given))
    changed = add_declared(present, declared, vocabulary) or recipe.model is not None
    if changed:
        new["added_tokens"] = sorted(present.values(), key=lambda token: int(token["id"]))
    post = recipe.post(settings)
    if post is not None:
        pieces = _pieces(post, settings, present, vocabulary)
        new["post_processor"] = _template(pieces) if pieces is not None else new.get("post_processor")
    return text if new == outline else replace_outline(text, json.dumps(new, ensure_ascii=False))


class _AnySettings(dict[str, Any]):
    """Settings of which only the type of the model is asked."""

    def __missing__(self, key: str) -> Any:
        return (lambda _: None) if key == "entry" else 0


def _settings(
    recipe: Recipe, config: Mapping[str, Any], outline: Mapping[str, Any], vocabulary: Vocabulary
) -> Settings:
    given = given_settings(config, recipe)
    named = {name: token["content"] for name, token in named_tokens(config, recipe).items()}
    # transformers writes a missing unknown token as the text of Python's None.
    return {
        "unk_token": "None",
        **recipe.settings,
        **given,
        **named,
        "has_post": outline.get("post_processor") is not None,
        "charsmap": _charsmap(outline.get("normalizer")),
        "entry": vocabulary.entry,
    }


def _charsmap(normalizer: Any) -> str | None:
    """Return the table of the first normalizer that has one."""
    parts = normalizer.get("normalizers", [normalizer]) if isinstance(normalizer, dict) else []
    tables = (part.get("precompiled_charsmap") for part in parts if isinstance(part, dict))
    return next((table for table in tables if isinstance(table, str)), None)


def _pieces(
    post: str, settings: Settings, present: Mapping[str, Token], vocabulary: Vocabulary
) -> list[tuple[str, int | None]] | None:
    """Return the tokens around a text with their ids, `("$A", None)` among them; None if one has no id."""

    def token_id(token: str) -> int | None:
        if token in present:
            return int(present[token]["id"])
        entry = vocabulary.entry(token)
        return entry[0] if entry is not None else None

    pieces: list[tuple[str, int | None]] = []
    for word in post.split(" "):
        pinned = _PINNED.fullmatch(word)
        name = _FIELD.fullmatch(pinned[1] if pinned else word)
        token = settings.get(name[1]) if name else word
        if word == _TEXT:
            pieces.append((word, None))
            continue
        found = int(pinned[2]) if pinned else token_id(token) if isinstance(token, str) else None
        if found is None and not name:  # a token that the vocabulary lacks is its unknown token
            token = settings["unk_token"]
            found = token_id(token)
        if found is None or not isinstance(token, str):
            return None
        pieces.append((token, found))
    return pieces


def _template(pieces: list[tuple[str, int | None]]) -> dict[str, Any]:
    def items(sequence: str, kind: int) -> Iterator[dict[str, Any]]:
        for token, token_id in pieces:
            if token_id is None:
                yield {"Sequence": {"id": sequence, "type_id": kind}}
            else:
                yield {"SpecialToken": {"id": token, "type_id": kind}}

    return {
        "type": "TemplateProcessing",
        "single": list(items("A", 0)),
        # Pairs of texts are never encoded.
        "pair": [*items("A", 0), {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            token: {"id": token, "ids": [token_id], "tokens": [token]}
            for token, token_id in pieces
            if token_id is not None
        },
    }
