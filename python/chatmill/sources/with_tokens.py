"""`with_special_tokens` and `with_tokens`: a tokenizer with other special tokens, or with further tokens."""

import json
from collections.abc import Mapping, Sequence

from chatmill._chatmill import ChatTemplate, Tokenizer, TokenizerError
from chatmill.sources.auto_tokenizer.added import add_tokens
from chatmill.sources.auto_tokenizer.declared import STANDARD_TOKENS, as_token
from chatmill.text.nearest import suggestion

_USUAL_PADS = ("<pad>", "[PAD]", "<|pad|>", "<|endoftext|>", "<|finetune_right_pad_id|>", "<|end_of_text|>", "<unk>")


def with_special_tokens(tokenizer: Tokenizer, tokens: Mapping[str, str]) -> Tokenizer:
    """Return a tokenizer whose special tokens have other names; its ids stay the same.

    Args:
        tokenizer: The tokenizer.
        tokens: Special tokens by name, such as `{"pad_token": "<|endoftext|>"}`; each must have an id.

    Raises:
        TokenizerError: The tokenizer has no such token; the message names the remedy.
    """
    for name, token in tokens.items():
        if tokenizer.token_to_id(token) is None:
            usual = [usual for usual in _USUAL_PADS if tokenizer.token_to_id(usual) is not None]
            known = list(dict.fromkeys([*tokenizer.special_tokens.values(), *usual]))
            otherwise = f"use one of its tokens, such as {', '.join(known)}" if known else "use one of its tokens"
            raise TokenizerError(
                f"{tokenizer.name} has no token {token!r} for `{name}`; {suggestion(token, known, otherwise=otherwise)}"
            )
    (definition,), options = tokenizer.__getnewargs_ex__()
    options["special_tokens"] = {**tokenizer.special_tokens, **tokens}
    return Tokenizer(definition, **options)


def with_tokens(
    tokenizer: Tokenizer,
    special_tokens: Mapping[str, str],
    tokens: Sequence[str] = (),
    additional_special_tokens: Sequence[str] = (),
) -> Tokenizer:
    """Return a tokenizer with further tokens, with the ids that transformers gives them.

    Axolotl adds tokens in the same order. A new token gets the first id after all others. A token that the tokenizer
    has keeps its id, but is found in every text from now on.

    Args:
        tokenizer: The tokenizer.
        special_tokens: Special tokens by name, as for `tokenizer.add_special_tokens`.
        tokens: Tokens that are not special, as for `tokenizer.add_tokens`.
        additional_special_tokens: Special tokens without a name.

    Returns:
        The tokenizer; `tokenizer` itself if there is nothing to add.

    Raises:
        TokenizerError: The tokenizer cannot be made.
    """
    named = {name: special_tokens[name] for name in STANDARD_TOKENS if name in special_tokens}
    plain = {"lstrip": False, "rstrip": False, "normalized": False}
    wanted = [
        *(as_token({"content": token, **plain}, special=True) for token in named.values()),
        *(as_token({"content": token, **plain}, special=False) for token in tokens),
        *(as_token({"content": token, **plain}, special=True) for token in additional_special_tokens),
    ]
    (definition,), options = tokenizer.__getnewargs_ex__()
    written = add_tokens(definition, [token for token in wanted if token is not None])
    if written == definition and named.items() <= tokenizer.special_tokens.items():
        return tokenizer
    options["special_tokens"] = {**tokenizer.special_tokens, **named}
    if written != definition:
        options.pop("verdict", None)  # it is about the other definition
    return Tokenizer(written, **options)


def saved_tokenizer(
    tokenizer: Tokenizer, template: ChatTemplate | None = None, additional_special_tokens: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the files of a folder from which `AutoTokenizer.from_pretrained` loads a tokenizer with the same ids.

    The class is the one that takes `tokenizer.json` as it is, because the definition is already complete.

    Args:
        tokenizer: The tokenizer.
        template: Its chat template. It is written only if it is a single one.
        additional_special_tokens: Special tokens without a name.

    Returns:
        The content of each file, by its name.
    """
    (definition,), _ = tokenizer.__getnewargs_ex__()
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        # Without these names, batches would have `token_type_ids`, which most models do not accept.
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **tokenizer.special_tokens,
    }
    if additional_special_tokens:
        config["extra_special_tokens"] = list(additional_special_tokens)
    files = {
        "tokenizer.json": definition.encode(),
        "tokenizer_config.json": (json.dumps(config, ensure_ascii=False, indent=2) + "\n").encode(),
    }
    if template is not None and template.tool_use is None:
        files["chat_template.jinja"] = template.source.encode()
    return files
