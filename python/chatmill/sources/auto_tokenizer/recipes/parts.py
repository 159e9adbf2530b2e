"""Parts of a `tokenizer.json`, as the library tokenizers writes them."""

from chatmill.sources.auto_tokenizer.recipes.recipe import Part, Settings

NFC: Part = {"type": "NFC"}
NFKC: Part = {"type": "NFKC"}
NFKD: Part = {"type": "NFKD"}
LOWERCASE: Part = {"type": "Lowercase"}
STRIP_ACCENTS: Part = {"type": "StripAccents"}
WHITE_SPACE_SPLIT: Part = {"type": "WhitespaceSplit"}
BERT_SPLIT: Part = {"type": "BertPreTokenizer"}
BYTE_FALLBACK: Part = {"type": "ByteFallback"}
FUSE: Part = {"type": "Fuse"}
#: Quotation marks of TeX, as several classes replace them.
QUOTES: tuple[Part, Part] = (
    {"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
    {"type": "Replace", "pattern": {"String": "''"}, "content": '"'},
)


def normalizers(*parts: Part) -> Part:
    """Return a sequence of normalizers."""
    return {"type": "Sequence", "normalizers": list(parts)}


def pre_tokenizers(*parts: Part) -> Part:
    """Return a sequence of pre-tokenizers."""
    return {"type": "Sequence", "pretokenizers": list(parts)}


def decoders(*parts: Part) -> Part:
    """Return a sequence of decoders."""
    return {"type": "Sequence", "decoders": list(parts)}


def replace(text: str, content: str) -> Part:
    """Return a normalizer or a decoder that replaces a text."""
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def replace_regex(regex: str, content: str) -> Part:
    """Return a normalizer that replaces what a regular expression finds."""
    return {"type": "Replace", "pattern": {"Regex": regex}, "content": content}


def strip(*, left: bool, right: bool) -> Part:
    """Return a normalizer that removes white space at the ends."""
    return {"type": "Strip", "strip_left": left, "strip_right": right}


def precompiled(settings: Settings) -> list[Part]:
    """Return the normalizer with the table of the file, or nothing if the file has none."""
    charsmap = settings["charsmap"]
    return [] if charsmap is None else [{"type": "Precompiled", "precompiled_charsmap": charsmap}]


def only_precompiled(settings: Settings) -> Part | None:
    """Return the normalizer with the table of the file, or None."""
    return next(iter(precompiled(settings)), None)


def bert_normalizer(*, lowercase: bool, chinese: bool = True, accents: bool | None = None, clean: bool = True) -> Part:
    """Return BERT's normalizer; `accents` tells whether to remove accents, by default with `lowercase`."""
    return {
        "type": "BertNormalizer",
        "clean_text": clean,
        "handle_chinese_chars": chinese,
        "strip_accents": accents,
        "lowercase": lowercase,
    }


def metaspace(scheme: str, *, split: bool = True) -> Part:
    """Return the pre-tokenizer or decoder that writes spaces as `▁`; `scheme` tells where it adds one."""
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def byte_level(*, prefix: bool = True, trim: bool = True, regex: bool = True) -> Part:
    """Return the pre-tokenizer or decoder that writes bytes as characters; `prefix` adds a space in front."""
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def digits() -> Part:
    """Return the pre-tokenizer that makes each digit a piece."""
    return {"type": "Digits", "individual_digits": True}


def split(pattern: str, behavior: str, *, regex: bool = False, invert: bool = False) -> Part:
    """Return the pre-tokenizer that splits at a text or a regular expression."""
    return {
        "type": "Split",
        "pattern": {"Regex" if regex else "String": pattern},
        "behavior": behavior,
        "invert": invert,
    }


def word_decoder() -> Part:
    """Return the decoder of words whose later pieces begin with `##`."""
    return {"type": "WordPiece", "prefix": "##", "cleanup": True}


def suffix_decoder() -> Part:
    """Return the decoder of words whose last piece ends with `</w>`."""
    return {"type": "BPEDecoder", "suffix": "</w>"}


def byte_fallback_decoder(*, strip_first: bool) -> Part:
    """Return the decoder of pieces with `▁` and of single bytes."""
    last: list[Part] = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if strip_first else []
    return decoders(replace("▁", " "), BYTE_FALLBACK, FUSE, *last)


def bpe(
    *,
    unknown: str | None = None,
    prefix: str | None = None,
    suffix: str | None = None,
    fuse_unk: bool = False,
    byte_fallback: bool = False,
) -> Part:
    """Return a model of byte-pair encoding, without its vocabulary."""
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": prefix,
        "end_of_word_suffix": suffix,
        "fuse_unk": fuse_unk,
        "byte_fallback": byte_fallback,
        "ignore_merges": False,
    }


def unigram(unknown: int) -> Part:
    """Return a unigram model, without its vocabulary; `unknown` is the id of the unknown token."""
    return {"type": "Unigram", "unk_id": unknown, "byte_fallback": False}


def word_piece(unknown: str) -> Part:
    """Return a model of word pieces, without its vocabulary."""
    return {
        "type": "WordPiece",
        "unk_token": unknown,
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
    }
