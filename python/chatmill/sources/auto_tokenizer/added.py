"""`add_tokens`: a `tokenizer.json` with further added tokens, with the ids that transformers gives them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatmill._chatmill import TokenizerError, find_in_vocabulary, outline_of, replace_outline
from chatmill.sources.auto_tokenizer.declared import Token, same_flags


class Vocabulary:
    """The entries of a vocabulary that were looked up.

    Args:
        text: The text of the `tokenizer.json`.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._entries: dict[str, tuple[int, float | None] | None] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """The number of its tokens, without added tokens."""
        self.look_up({""})
        return self._size

    def look_up(self, tokens: set[str]) -> None:
        """Look up several tokens at once, which is faster than one after the other.

        Args:
            tokens: The tokens.
        """
        missing = sorted(token for token in tokens if token not in self._entries)
        if missing:
            # `size` looks up the empty token. A look-up reads the whole vocabulary, so this one serves both.
            if "" not in self._entries and "" not in tokens:
                missing.append("")
            self._size, entries = find_in_vocabulary(self._text, missing)
            self._entries |= zip(missing, entries, strict=True)

    def entry(self, token: str) -> tuple[int, float | None] | None:
        """Return the id and the score of a token; None if the vocabulary lacks it.

        Args:
            token: The token.
        """
        self.look_up({token})
        return self._entries[token]


def add_tokens(text: str, tokens: Iterable[Token]) -> str:
    """Add tokens as `add_tokens` of a transformers tokenizer does.

    A token of the vocabulary keeps its id. A new token gets the first id after all others. A token that was added
    before gets the flags of the new one.

    Args:
        text: The text of a `tokenizer.json`.
        tokens: The tokens in their order, each with `content` and all its flags.

    Returns:
        The text with these tokens; the same text if it has them already.

    Raises:
        TokenizerError: The text is not the JSON of a tokenizer.
    """
    outline = read_outline(text)
    present = {token["content"]: token for token in file_tokens(outline)}
    if not add_declared(present, [(token, True) for token in tokens], Vocabulary(text)):
        return text
    added = sorted(present.values(), key=lambda token: int(token["id"]))
    return replace_outline(text, json.dumps({**outline, "added_tokens": added}, ensure_ascii=False))


def add_declared(present: dict[str, Token], declared: Sequence[tuple[Token, bool]], vocabulary: Vocabulary) -> bool:
    """Add tokens to those that are there, and give them ids.

    Args:
        present: The added tokens by their content; this function adds to them.
        declared: The tokens to add, each with whether it may redefine the flags of one that is there.
        vocabulary: The vocabulary.

    Returns:
        Whether anything changed.
    """
    vocabulary.look_up({token["content"] for token, _ in declared if token["content"] not in present})
    next_id = max((int(token["id"]) + 1 for token in present.values()), default=0)
    changed = False
    for token, redefines in declared:
        known = present.get(token["content"])
        if known is not None and (not redefines or same_flags(known, token)):
            continue
        changed = True
        if known is not None:
            token_id = int(known["id"])
        elif (entry := vocabulary.entry(token["content"])) is not None:
            token_id = entry[0]
        else:
            token_id = max(next_id, vocabulary.size)
        next_id = max(next_id, token_id + 1)
        present[token["content"]] = {"id": token_id, **token}
    return changed


def file_tokens(outline: Mapping[str, Any]) -> list[Token]:
    """Return the added tokens of a `tokenizer.json`, without entries that are no tokens.

    Args:
        outline: Its content without the vocabulary, from `read_outline`.
    """
    return [
        token
        for token in outline.get("added_tokens") or []
        if isinstance(token, dict) and isinstance(token.get("content"), str) and isinstance(token.get("id"), int)
    ]


def read_outline(text: str) -> dict[str, Any]:
    """Read a `tokenizer.json` without its vocabulary and merges.

    Args:
        text: The text of the file.

    Raises:
        TokenizerError: It is not the JSON of a tokenizer.
    """
    outline = json.loads(outline_of(text))
    if not isinstance(outline, dict) or not isinstance(outline.get("model"), dict):
        raise TokenizerError("it has no `model`")
    if not isinstance(outline.get("added_tokens", []), list):
        raise TokenizerError("its `added_tokens` are no list")
    return outline
