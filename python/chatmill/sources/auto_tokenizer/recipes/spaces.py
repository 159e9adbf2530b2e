"""Recipes of classes whose vocabularies are pieces with `▁` for spaces, joined by merges: Llama's, Gemma's."""

from chatmill.sources.auto_tokenizer.recipes.language_codes import NLLB
from chatmill.sources.auto_tokenizer.recipes.parts import (
    BYTE_FALLBACK,
    FUSE,
    LOWERCASE,
    NFKC,
    WHITE_SPACE_SPLIT,
    bpe,
    byte_fallback_decoder,
    decoders,
    metaspace,
    normalizers,
    pre_tokenizers,
    precompiled,
    replace,
    replace_regex,
    split,
    strip,
)
from chatmill.sources.auto_tokenizer.recipes.recipe import Part, Recipe, Settings, tokens

_GEMMA_TOKENS = tokens(bos="<bos>", eos="<eos>", unk="<unk>", pad="<pad>", mask="<mask>")
_MBART_TOKENS = tokens(bos="<s>", eos="</s>", unk="<unk>", sep="</s>", pad="<pad>", cls="<s>")


def _adds_space(settings: Settings) -> bool:
    found = settings["add_prefix_space"]
    return True if found is None else bool(found)


def _llama_words(settings: Settings) -> Part:
    """Return Llama's pre-tokenizer: the old one adds a space after each added token, the new one only in front."""
    with_space = "always" if settings["legacy"] else "first"
    return metaspace(with_space if _adds_space(settings) else "never", split=False)


def _charsmap_and_spaces(settings: Settings) -> Part | None:
    table = precompiled(settings)
    return normalizers(*table, replace_regex(" {2,}", " ")) if table else None


def _nllb_post(settings: Settings) -> str:
    language = settings["src_lang"] or "eng_Latn"
    return f"$A {{eos_token}} {language}" if settings["legacy_behaviour"] else f"{language} $A {{eos_token}}"


def _seamless_post(settings: Settings) -> str:
    language = settings["tgt_lang"]
    return f"{{eos_token}} {language if '__' in language else f'__{language}__'} $A {{eos_token}}"


def _gemma(*, lowercase: bool) -> Recipe:
    spaces = replace(" ", "▁")
    return Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], fuse_unk=True, byte_fallback=True),
        normalizer=lambda _: normalizers(LOWERCASE, spaces) if lowercase else spaces,
        pre_tokenizer=lambda _: split(" ", "MergedWithPrevious"),
        decoder=lambda _: byte_fallback_decoder(strip_first=False),
        tokens=_GEMMA_TOKENS,
    )


SPACES = {
    "LlamaTokenizer": Recipe(
        model=lambda _: bpe(fuse_unk=True, byte_fallback=True),
        pre_tokenizer=_llama_words,
        decoder=lambda settings: byte_fallback_decoder(strip_first=_adds_space(settings)),
        tokens=tokens(bos="<s>", eos="</s>", unk="<unk>"),
        settings={"add_prefix_space": None, "legacy": False},
    ),
    "CodeLlamaTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], fuse_unk=True, byte_fallback=True),
        pre_tokenizer=lambda settings: metaspace("first" if _adds_space(settings) else "never", split=False),
        decoder=lambda _: byte_fallback_decoder(strip_first=True),
        tokens=tokens(
            bos="<s>",
            eos="</s>",
            unk="<unk>",
            prefix="▁<PRE>",
            middle="▁<MID>",
            suffix="▁<SUF>",
            eot="▁<EOT>",
            fill="<FILL_ME>",
        ),
        extra_tokens=lambda _: ("▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>", "<FILL_ME>"),
        settings={"add_prefix_space": True},
        post=lambda _: "{bos_token} $A",
    ),
    "GemmaTokenizer": _gemma(lowercase=False),
    "Siglip2Tokenizer": _gemma(lowercase=True),
    "NllbTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], fuse_unk=True),
        normalizer=_charsmap_and_spaces,
        pre_tokenizer=lambda _: metaspace("always"),
        decoder=lambda _: metaspace("always"),
        tokens=_MBART_TOKENS | tokens(mask="<mask>"),
        flags={"mask_token": {"lstrip": True, "normalized": True}},
        extra_tokens=lambda _: NLLB,
        settings={"src_lang": None, "legacy_behaviour": False},
        post=_nllb_post,
    ),
    "ReformerTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], fuse_unk=True),
        normalizer=_charsmap_and_spaces,
        pre_tokenizer=lambda _: metaspace("always"),
        decoder=lambda _: metaspace("always"),
        tokens=tokens(eos="</s>", unk="<unk>"),
        again="own",
    ),
    "SeamlessM4TTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], fuse_unk=True),
        normalizer=lambda _: normalizers(
            replace_regex(r"[\n\r\t]", " "),
            NFKC,
            strip(left=False, right=True),
            replace_regex(" +▁", "▁"),
            replace_regex("^▁+$", ""),
            replace_regex(" {2,}", "▁"),
        ),
        pre_tokenizer=lambda _: metaspace("first"),
        decoder=lambda _: metaspace("first"),
        tokens=_MBART_TOKENS,
        settings={"tgt_lang": "fra"},
        post=_seamless_post,
    ),
    "Tipsv2Tokenizer": Recipe(
        model=lambda _: bpe(fuse_unk=True, byte_fallback=True),
        normalizer=lambda settings: normalizers(
            *([LOWERCASE] if settings["do_lower_case"] else []), *precompiled(settings)
        ),
        pre_tokenizer=lambda _: pre_tokenizers(WHITE_SPACE_SPLIT, metaspace("always")),
        decoder=lambda _: decoders(metaspace("always"), BYTE_FALLBACK, FUSE),
        tokens=tokens(unk="<unk>", pad="<pad>"),
        settings={"do_lower_case": True},
    ),
}
