"""Recipes of classes whose vocabularies are of bytes, as GPT-2's."""

from dataclasses import replace

from chatmill.sources.auto_tokenizer.recipes import parts
from chatmill.sources.auto_tokenizer.recipes.parts import NFC, NFKC, bpe, byte_level, digits, pre_tokenizers, split
from chatmill.sources.auto_tokenizer.recipes.recipe import Part, Recipe, Settings, tokens

_ROBERTA_TOKENS = tokens(bos="<s>", eos="</s>", unk="<unk>", sep="</s>", pad="<pad>", cls="<s>", mask="<mask>")
_ENDOFTEXT = tokens(bos="<|endoftext|>", eos="<|endoftext|>", unk="<|endoftext|>")
_LEFT = {"lstrip": True}
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN3_5_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_CLIP_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_NOUGAT_MARKS = r"""[\(\)\[\]\{\}]|([!\"#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*"""


def _model(_: Settings) -> Part:
    return bpe(prefix="", suffix="")


def _words(settings: Settings) -> Part:
    return byte_level(prefix=bool(settings["add_prefix_space"]))


def _decoder(_: Settings) -> Part:
    return byte_level()


def _around(before: str, after: str) -> str:
    return f"{before} $A {after}"


def _whisper_post(settings: Settings) -> str | None:
    if settings["language"] is not None or settings["task"] is not None:
        return None
    no_timestamps = "" if settings["predict_timestamps"] else " <|notimestamps|>"
    return f"<|startoftranscript|>{no_timestamps} $A {{eos_token}}"


_GPT2 = Recipe(
    model=_model,
    pre_tokenizer=_words,
    decoder=_decoder,
    tokens=_ENDOFTEXT,
    settings={"add_prefix_space": False},
)
_ROBERTA = replace(_GPT2, tokens=_ROBERTA_TOKENS, post=lambda _: _around("{cls_token}", "{sep_token}"))
_QWEN2 = Recipe(
    model=_model,
    normalizer=lambda _: NFC,
    pre_tokenizer=lambda settings: pre_tokenizers(
        split(_QWEN2_WORDS, "Isolated", regex=True),
        byte_level(prefix=bool(settings["add_prefix_space"]), regex=False),
    ),
    decoder=_decoder,
    tokens=tokens(eos="<|endoftext|>", unk="<|endoftext|>", pad="<|endoftext|>"),
    settings={"add_prefix_space": None},
    again="plain",
)

BYTE_LEVEL = {
    "GPT2Tokenizer": _GPT2,
    "CodeGenTokenizer": replace(_GPT2, post=lambda _: "$A"),
    "GPTNeoXTokenizer": replace(
        _GPT2,
        normalizer=lambda _: NFC,
        pre_tokenizer=lambda settings: byte_level(
            prefix=bool(settings["add_prefix_space"]), trim=bool(settings["trim_offsets"])
        ),
        tokens=_ENDOFTEXT | tokens(pad="<|padding|>"),
        settings={"add_prefix_space": False, "trim_offsets": True},
        post=lambda _: "$A",
    ),
    "RobertaTokenizer": _ROBERTA,
    "BlenderbotTokenizer": replace(
        _GPT2,
        tokens=_ROBERTA_TOKENS,
        flags={"mask_token": _LEFT},
        settings={"add_prefix_space": True},
    ),
    "DebertaTokenizer": replace(
        _GPT2,
        tokens=tokens(bos="[CLS]", eos="[SEP]", unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]"),
        post=lambda _: _around("{cls_token}", "{sep_token}"),
    ),
    "LayoutLMv3Tokenizer": replace(_ROBERTA, settings={"add_prefix_space": True}),
    "MarkupLMTokenizer": replace(
        _ROBERTA,
        flags={"mask_token": _LEFT},
    ),
    "WhisperTokenizer": replace(
        _GPT2,
        settings={"add_prefix_space": False, "language": None, "task": None, "predict_timestamps": False},
        post=_whisper_post,
    ),
    "CohereTokenizer": Recipe(
        model=_model,
        normalizer=lambda _: NFC,
        pre_tokenizer=lambda settings: pre_tokenizers(digits(), _words(settings)),
        decoder=_decoder,
        tokens=tokens(
            bos="<BOS_TOKEN>",
            eos="<|END_OF_TURN_TOKEN|>",
            unk="<UNK>",
            sep="<SEP>",
            pad="<PAD>",
            cls="<CLS>",
            mask="<MASK_TOKEN>",
        ),
        settings={"add_prefix_space": False},
        again="own",
    ),
    "Qwen2Tokenizer": _QWEN2,
    "Qwen3_5Tokenizer": replace(
        _QWEN2,
        pre_tokenizer=lambda settings: pre_tokenizers(
            split(_QWEN3_5_WORDS, "Isolated", regex=True),
            byte_level(prefix=bool(settings["add_prefix_space"]), regex=False),
        ),
        again=None,
    ),
    "CLIPTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], prefix="", suffix="</w>"),
        normalizer=lambda _: parts.normalizers(NFC, parts.replace_regex(r"\s+", " "), parts.LOWERCASE),
        pre_tokenizer=lambda _: pre_tokenizers(
            split(_CLIP_WORDS, "Removed", regex=True, invert=True), byte_level(prefix=False)
        ),
        decoder=_decoder,
        tokens=tokens(bos="<|startoftext|>", eos="<|endoftext|>", unk="<|endoftext|>", pad="<|endoftext|>"),
        post=lambda _: _around("{bos_token}", "{eos_token}"),
    ),
    "NougatTokenizer": Recipe(
        model=_model,
        normalizer=lambda _: NFKC,
        # The marks are given as a text and not as a regular expression, so they match only themselves.
        pre_tokenizer=lambda _: pre_tokenizers(
            split("SPL1T-TH1S-Pl3A5E", "Removed"),
            digits(),
            split(_NOUGAT_MARKS, "Isolated"),
            split("\n", "Isolated"),
            byte_level(prefix=False),
        ),
        decoder=_decoder,
        tokens=tokens(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>"),
        post=lambda _: _around("{bos_token}", "{eos_token}"),
    ),
    "LukeTokenizer": replace(
        _ROBERTA,
        tokens=_ROBERTA_TOKENS
        | tokens(
            entity_1="<ent>",
            entity_2="<ent2>",
            entity_unk="[UNK]",
            entity_pad="[PAD]",
            entity_mask="[MASK]",
            entity_mask2="[MASK2]",
        ),
        extra_tokens=lambda _: ("<ent>", "<ent2>"),
    ),
}
