"""Builds the tokenizers of this folder: one small tokenizer of each family, trained on the conversations.

Each has tokens that begin and end a text, `<|im_start|>` and `<|im_end|>`, a `<mask>` that includes white space around
it, and `chatmill` as an added token that is searched for in the normalized text. Their flags differ, so that each flag
occurs.

The trainers of tokenizers for BPE and for whole words are deterministic. Its WordPiece trainer selected different
pieces in each of six processes, so this script counts the pieces of WordPiece itself. Its Unigram trainer selected the
same pieces in another order, with scores that differ in their last digits, so the scores are rounded and sorted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import corpus_files as files
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

# The pieces of Llama 3: words, numbers of up to three digits, punctuation, line breaks, spaces.
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def texts() -> list[str]:
    """Return all strings of the messages, including keys."""
    return [text for it in files.definitions()["conversations"].values() for text in strings(it["messages"])]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)


def special(token: str, **flags: bool) -> AddedToken:
    return AddedToken(token, special=True, normalized=False, **flags)


def with_added_tokens(tokenizer: Tokenizer, tokens: Iterable[AddedToken]) -> Tokenizer:
    """Return the tokenizer with special tokens, then `chatmill`, which is not a special token."""
    tokenizer.add_special_tokens(list(tokens))
    tokenizer.add_tokens([AddedToken("chatmill", normalized=True)])
    return tokenizer


def template_processor(tokenizer: Tokenizer, single: str) -> processors.TemplateProcessing:
    """Return a post-processor; `single` is a text such as `<s> $A`."""
    tokens = [(token, tokenizer.token_to_id(token)) for token in single.split() if token != "$A"]
    return processors.TemplateProcessing(single=single, pair=None, special_tokens=tokens)


def byte_bpe() -> Tokenizer:
    """The family of GPT-2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    train_bytes(tokenizer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokens = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    return with_added_tokens(tokenizer, [*map(special, tokens), special("<mask>", lstrip=True)])


def byte_bpe_split() -> Tokenizer:
    """The family of Llama 3: its own regex splits the text, and words of the vocabulary need no merges."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    train_bytes(tokenizer)
    tokenizer.decoder = decoders.ByteLevel()
    tokens = ("<|begin_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>")
    with_added_tokens(tokenizer, [*map(special, tokens), special("<mask>", rstrip=True)])
    tokenizer.post_processor = template_processor(tokenizer, "<|begin_of_text|> $A")
    return tokenizer


def train_bytes(tokenizer: Tokenizer) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=640, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)


def metaspace_bpe() -> Tokenizer:
    """The family of Llama 2: spaces become `▁`, each segment begins with one, unknown characters become bytes."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(texts(), trainers.BpeTrainer(vocab_size=700, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *model["vocab"]]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    merges = [(left, right) for left, right in model["merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokens = [special("<unk>"), special("<s>"), special("</s>", rstrip=True), special("<mask>", lstrip=True)]
    with_added_tokens(tokenizer, [*tokens, special("<|im_start|>"), special("<|im_end|>")])
    tokenizer.post_processor = template_processor(tokenizer, "<s> $A")
    return tokenizer


def unigram() -> Tokenizer:
    """The family of T5 and XLM-R: a normalizer that changes characters and joins spaces, then the likeliest pieces."""
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    trained = Tokenizer(models.Unigram())
    trained.normalizer, trained.pre_tokenizer = normalizer, pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=500, show_progress=False, unk_token="<unk>")
    trained.train_from_iterator(texts(), trainer)
    pieces = [(piece, round(score, 2)) for piece, score in json.loads(trained.to_str())["model"]["vocab"]]
    pieces = sorted((it for it in pieces if it[0] != "<unk>"), key=lambda it: (-it[1], it[0]))
    vocabulary = [("<s>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokens = ("<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>")
    with_added_tokens(tokenizer, [*map(special, tokens), special("<mask>", lstrip=True)])
    tokenizer.post_processor = template_processor(tokenizer, "<s> $A </s>")
    return tokenizer


def wordpiece() -> Tokenizer:
    """The family of BERT: lower case without accents, words, then pieces of words."""
    normalizer, pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = Counter(
        word for text in texts() for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
    )
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for length in (1, 2, 3, len(word)):
                piece = word[start : start + length]
                counts["##" * (start > 0) + piece] += count * len(piece)
    letters = sorted({mark + letter for word in words for mark in ("", "##") for letter in word})
    longer = [piece for piece in counts if len(piece.removeprefix("##")) > 1]
    frequent = sorted(longer, key=lambda piece: (-counts[piece], piece))[: 600 - len(letters)]
    tokens = ("[UNK]", "[CLS]", "[SEP]", "<|im_start|>", "<|im_end|>")
    vocabulary = {piece: index for index, piece in enumerate([*tokens, *letters, *frequent])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    with_added_tokens(tokenizer, [*map(special, tokens), special("<mask>", lstrip=True, rstrip=True)])
    tokenizer.post_processor = template_processor(tokenizer, "[CLS] $A [SEP]")
    return tokenizer


def wordlevel() -> Tokenizer:
    """Whole words, with one token for all unknown words. One added token matches only as a whole word."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    words = ["<unk>", "<s>", "</s>"]
    trainer = trainers.WordLevelTrainer(vocab_size=400, show_progress=False, special_tokens=list(map(special, words)))
    tokenizer.train_from_iterator(texts(), trainer)
    tokens = [special("<|im_start|>"), special("<|im_end|>"), special("<mask>", rstrip=True)]
    return with_added_tokens(tokenizer, [*tokens, AddedToken("blue", single_word=True, normalized=False)])


def build_tokenizers() -> dict[str, Tokenizer]:
    """Return all tokenizers, by the names of their files."""
    families = (byte_bpe, byte_bpe_split, metaspace_bpe, unigram, wordlevel, wordpiece)
    return {family.__name__: family() for family in families}
