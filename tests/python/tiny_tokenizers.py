"""Small tokenizers of each kind of model, as folders that transformers loads with a given class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from folders import write_json
from tokenizers.pre_tokenizers import ByteLevel

# Words of the vocabularies, from their longest pieces on.
_WORDS = [
    *(
        "▁the",
        "▁a",
        "th",
        "he",
        "▁t",
        "in",
        "er",
        "▁Qu",
        "est",
        "ion",
        "Question",
        "▁Question",
        "▁text",
        "▁▁",
        "1",
        "12",
    ),
    *("don", "'t", "'s", "▁don", "é", "ß", "▁中", "中文", "ing", "▁hello", "world", "▁world", "hel", "lo", "LO", "HEL"),
]
_SPECIAL = [
    *(
        "<pad>",
        "<unk>",
        "<s>",
        "</s>",
        "<mask>",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[PAD]",
        "[MASK]",
        "<|endoftext|>",
        "<bos>",
    ),
    *("<eos>", "<cls>", "<sep>", "<|startoftext|>", "<|startoftranscript|>", "<|notimestamps|>", "[QUESTION]", "en_XX"),
    *("eng_Latn", "__fra__", "<BOS_TOKEN>", "<mask_1>", "<mask_2>", "<extra_id_0>", "<madeupword0>"),
]
_CHARACTERS = sorted(set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,!?'\"`-_\n\t中文éßü▁"))


def definition(model: str, *, added: list[str], normalizer: Any = None) -> dict[str, Any]:
    """Return a `tokenizer.json` with a vocabulary of a kind of model, and parts that no class builds.

    Args:
        model: `bytes`, `pieces`, `unigram`, `words` or `suffix`.
        added: Texts of its added tokens; each second one takes a space along on its left.
        normalizer: The normalizer of the file.
    """
    vocabulary, merges = _VOCABULARIES[model]()
    ids = {token: index for index, token in enumerate(vocabulary)}
    kinds = {"unigram": "Unigram", "words": "WordPiece"}
    its: dict[str, Any] = {"type": kinds.get(model, "BPE")}
    if model == "unigram":
        its |= {"unk_id": 1, "vocab": [[token, -float(i) if i > 3 else 0.0] for token, i in ids.items()]}
    elif model == "words":
        its |= {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9, "vocab": ids}
    else:
        its |= {"vocab": ids, "merges": merges, "unk_token": "<unk>", "byte_fallback": False}
    tokens = []
    for index, token in enumerate(added):
        new = {"id": ids.setdefault(token, len(ids)), "content": token, "special": index % 3 != 2}
        tokens.append(
            new | {"single_word": False, "lstrip": index % 2 == 1, "rstrip": False, "normalized": index % 3 == 2}
        )
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(tokens, key=lambda token: int(token["id"])),
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": its,
    }


def write_folder(folder: Path, definition: dict[str, Any], **config: Any) -> Path:
    """Write a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(definition, ensure_ascii=False), "utf-8")
    write_json(folder / "tokenizer_config.json", config)
    return folder


def charsmap(tokenizer_json: Path) -> str:
    """Return the table of SentencePiece's normalizer in a file."""
    found = json.loads(tokenizer_json.read_text("utf-8"))["normalizer"]
    text: str = found["precompiled_charsmap"]
    return text


def _with_merges(alphabet: list[str], words: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return an alphabet with words, and merges that make each word from its left."""
    vocabulary, merges = dict.fromkeys(alphabet), []
    for word in words:
        for end in range(2, len(word) + 1):
            if word[:end] not in vocabulary and word[: end - 1] in vocabulary and word[end - 1] in vocabulary:
                vocabulary[word[:end]] = None
                merges.append([word[: end - 1], word[end - 1]])
    return list(vocabulary), merges


def _bytes() -> tuple[list[str], list[list[str]]]:
    def written(text: str) -> str:
        return "".join(piece for piece, _ in ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text))

    vocabulary, merges = _with_merges(sorted(ByteLevel.alphabet()), [written(it.replace("▁", " ")) for it in _WORDS])
    return vocabulary + _SPECIAL, merges


def _pieces() -> tuple[list[str], list[list[str]]]:
    alphabet = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *_CHARACTERS]
    return _with_merges(alphabet, _WORDS)


def _suffix() -> tuple[list[str], list[list[str]]]:
    alphabet = [*_SPECIAL, *_CHARACTERS, *(f"{it}</w>" for it in _CHARACTERS)]
    vocabulary, merges = _with_merges(alphabet, [it.strip("▁") for it in _WORDS])
    endings = [[token, f"{last}</w>"] for token, last in (("th", "e"), ("Questio", "n"), ("hell", "o"))]
    return [*vocabulary, *("".join(pair) for pair in endings)], [*merges, *endings]


def _words() -> tuple[list[str], list[list[str]]]:
    pieces = [it.strip("▁") for it in _WORDS if it.strip("▁")]
    return list(dict.fromkeys([*_SPECIAL, *_CHARACTERS, *pieces, *(f"##{it}" for it in [*_CHARACTERS, *pieces])])), []


def _unigram() -> tuple[list[str], list[list[str]]]:
    return list(dict.fromkeys([*_SPECIAL, *_WORDS, *_CHARACTERS])), []


_VOCABULARIES = {"bytes": _bytes, "pieces": _pieces, "unigram": _unigram, "words": _words, "suffix": _suffix}
