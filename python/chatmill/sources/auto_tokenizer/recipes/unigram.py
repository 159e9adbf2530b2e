"""Recipes of classes whose vocabularies have scores (unigram models of SentencePiece): T5's, XLM-RoBERTa's."""

from dataclasses import replace

from chatmill.sources.auto_tokenizer.recipes.language_codes import MBART, MBART50
from chatmill.sources.auto_tokenizer.recipes.parts import (
    LOWERCASE,
    NFC,
    NFKD,
    QUOTES,
    STRIP_ACCENTS,
    WHITE_SPACE_SPLIT,
    metaspace,
    normalizers,
    only_precompiled,
    pre_tokenizers,
    precompiled,
    replace_regex,
    strip,
    unigram,
)
from chatmill.sources.auto_tokenizer.recipes.recipe import Part, Recipe, Settings, tokens

_BERT_TOKENS = tokens(bos="[CLS]", eos="[SEP]", unk="<unk>", sep="[SEP]", pad="<pad>", cls="[CLS]", mask="[MASK]")
_ROBERTA_TOKENS = tokens(bos="<s>", eos="</s>", unk="<unk>", sep="</s>", pad="<pad>", cls="<s>", mask="<mask>")
_LEFT = {"lstrip": True}
_CLS_SEP = "{cls_token} $A {sep_token}"
_SPACES = replace_regex(" {2,}", " ")


def _scheme(settings: Settings) -> str:
    return "always" if settings["add_prefix_space"] else "never"


def _words(settings: Settings) -> Part:
    return metaspace(_scheme(settings))


def _split_words(settings: Settings) -> Part:
    return pre_tokenizers(WHITE_SPACE_SPLIT, _words(settings))


def _always(_: Settings) -> Part:
    return metaspace("always")


def _split_always(_: Settings) -> Part:
    return pre_tokenizers(WHITE_SPACE_SPLIT, metaspace("always"))


def _accents_and_case(settings: Settings) -> list[Part]:
    accents = [] if settings["keep_accents"] else [NFKD, STRIP_ACCENTS]
    return [*accents, *([LOWERCASE] if settings["do_lower_case"] else [])]


def _unknown_without_score(settings: Settings, otherwise: int) -> int:
    """Return the id of the unknown token if its score is 0."""
    token_id, score = settings["entry"](settings["unk_token"]) or (otherwise, None)
    return token_id if score == 0 else otherwise


def _place_of_unknown(settings: Settings, otherwise: int) -> int:
    token_id, _ = settings["entry"](settings["unk_token"]) or (otherwise, None)
    return int(token_id)


def _deberta_words(settings: Settings) -> Part:
    marks = [{"type": "Punctuation", "behavior": "Isolated"}] if settings["split_by_punct"] else []
    return pre_tokenizers(*marks, metaspace("always" if settings["add_prefix_space"] else "first"))


def _t5(post: str | None) -> Recipe:
    return Recipe(
        model=lambda _: unigram(2),
        normalizer=only_precompiled,
        pre_tokenizer=_split_always,
        decoder=_always,
        tokens=tokens(eos="</s>", unk="<unk>", pad="<pad>"),
        extra_tokens=lambda settings: [f"<extra_id_{i}>" for i in range(settings["extra_ids"])],
        settings={"extra_ids": 100},
        post=lambda _: post,
    )


_ALBERT = Recipe(
    model=lambda _: unigram(1),
    normalizer=lambda settings: normalizers(*QUOTES, *_accents_and_case(settings), *precompiled(settings)),
    pre_tokenizer=_split_words,
    decoder=_words,
    tokens=_BERT_TOKENS,
    settings={"do_lower_case": True, "keep_accents": False, "add_prefix_space": True},
    post=lambda _: _CLS_SEP,
)
_XLM_ROBERTA = Recipe(
    model=lambda _: unigram(3),
    normalizer=only_precompiled,
    pre_tokenizer=_split_words,
    decoder=_words,
    tokens=_ROBERTA_TOKENS,
    settings={"add_prefix_space": True},
    post=lambda _: "{bos_token} $A {eos_token}",
)
_T5 = _t5("$A {eos_token}")

UNIGRAM = {
    "AlbertTokenizer": _ALBERT,
    "FNetTokenizer": replace(_ALBERT, model=None, post=lambda _: None),
    "BarthezTokenizer": Recipe(
        model=lambda _: unigram(3),
        normalizer=lambda _: normalizers(replace_regex(r"\s{2,}|[\n\r\t]", " "), NFC, strip(left=False, right=True)),
        pre_tokenizer=_words,
        decoder=_words,
        tokens=_ROBERTA_TOKENS,
        flags={"mask_token": _LEFT},
        settings={"add_prefix_space": True},
    ),
    "BigBirdTokenizer": Recipe(
        model=lambda settings: unigram(_unknown_without_score(settings, 100)),
        normalizer=lambda _: normalizers(strip(left=False, right=False), replace_regex(" {2,}", "▁")),
        pre_tokenizer=_words,
        decoder=_words,
        tokens=tokens(unk="<unk>", bos="<s>", eos="</s>", pad="<pad>", sep="[SEP]", mask="[MASK]", cls="[CLS]"),
        flags={"mask_token": _LEFT},
        settings={"add_prefix_space": True},
        post=lambda _: _CLS_SEP,
    ),
    "CamembertTokenizer": replace(
        _XLM_ROBERTA,
        model=lambda settings: unigram(_place_of_unknown(settings, 0)),
        flags={"mask_token": _LEFT},
        extra_tokens=lambda _: ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"),
    ),
    "DebertaV2Tokenizer": Recipe(
        model=lambda settings: unigram(_unknown_without_score(settings, settings["unk_id"])),
        normalizer=lambda settings: normalizers(
            *([LOWERCASE] if settings["do_lower_case"] else []),
            replace_regex(r"\s{2,}|[\n\r\t]", " "),
            NFC,
            strip(left=False, right=True),
        ),
        pre_tokenizer=_deberta_words,
        decoder=lambda settings: metaspace("always" if settings["add_prefix_space"] else "first"),
        tokens=tokens(bos="[CLS]", eos="[SEP]", unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]"),
        settings={"do_lower_case": False, "split_by_punct": False, "add_prefix_space": True, "unk_id": 1},
        post=lambda _: _CLS_SEP,
    ),
    "LasrTokenizer": replace(_T5, model=lambda _: unigram(3)),
    "LayoutXLMTokenizer": Recipe(
        model=lambda _: unigram(3),
        normalizer=lambda _: normalizers(strip(left=False, right=True), replace_regex(" {2,}", "▁")),
        pre_tokenizer=_words,
        decoder=_words,
        tokens=_ROBERTA_TOKENS,
        flags={"mask_token": _LEFT},
        settings={"add_prefix_space": True},
        post=lambda _: _CLS_SEP,
    ),
    "MBartTokenizer": Recipe(
        model=lambda _: unigram(3),
        pre_tokenizer=_split_always,
        decoder=_always,
        tokens=_ROBERTA_TOKENS,
        flags={"mask_token": _LEFT},
        extra_tokens=lambda _: MBART,
        settings={"src_lang": None},
        post=lambda settings: f"$A {{eos_token}} {settings['src_lang'] or 'en_XX'}",
    ),
    "MBart50Tokenizer": Recipe(
        model=lambda _: unigram(3),
        normalizer=lambda settings: normalizers(*precompiled(settings), _SPACES),
        pre_tokenizer=_always,
        decoder=_always,
        tokens=tokens(eos="</s>", sep="</s>", cls="<s>", unk="<unk>", pad="<pad>", mask="<mask>"),
        flags={"mask_token": _LEFT},
        extra_tokens=lambda _: MBART50,
        settings={"src_lang": None},
        post=lambda settings: f"{settings['src_lang'] or 'en_XX'} $A {{eos_token}}",
    ),
    "MLukeTokenizer": Recipe(
        model=lambda _: unigram(0),
        normalizer=lambda _: normalizers(*QUOTES),
        pre_tokenizer=_always,
        decoder=_always,
        tokens=_ROBERTA_TOKENS
        | tokens(
            entity_1="▁<ent>",
            entity_2="▁<ent2>",
            entity_unk="[UNK]",
            entity_pad="[PAD]",
            entity_mask="[MASK]",
            entity_mask2="[MASK2]",
        ),
        flags={"mask_token": _LEFT},
        extra_tokens=lambda _: ("▁<ent>", "▁<ent2>", "[UNK]", "[PAD]", "[MASK]", "[MASK2]"),
        again="own",
        post=lambda _: _CLS_SEP,
    ),
    "PegasusTokenizer": Recipe(
        model=lambda settings: unigram(_place_of_unknown(settings, 0)),
        normalizer=lambda settings: normalizers(*(precompiled(settings) or [replace_regex(r"\n", " ")]), _SPACES),
        pre_tokenizer=_always,
        decoder=_always,
        tokens=tokens(pad="<pad>", eos="</s>", unk="<unk>", mask="<mask_2>"),
        extra_tokens=lambda settings: ["<mask_1>", *(f"<unk_{i}>" for i in range(2, settings["offset"]))],
        settings={"offset": 103},
        post=lambda _: "$A {eos_token}",
    ),
    "RemBertTokenizer": replace(
        _ALBERT,
        model=lambda _: unigram(2),
        normalizer=lambda settings: normalizers(*QUOTES, _SPACES, *_accents_and_case(settings), *precompiled(settings)),
        pre_tokenizer=_words,
        settings={"do_lower_case": False, "keep_accents": True, "add_prefix_space": True},
        again="own",
        # Without a post-processor in the file, it is made anew after the class made its own.
        post=lambda settings: _CLS_SEP if settings["has_post"] else "$A",
    ),
    "T5Tokenizer": _T5,
    "UdopTokenizer": Recipe(
        model=lambda settings: unigram(_place_of_unknown(settings, 2)),
        pre_tokenizer=_split_always,
        decoder=_always,
        tokens=tokens(eos="</s>", sep="</s>", unk="<unk>", pad="<pad>"),
        post=lambda _: "$A {eos_token}",
    ),
    "VideoPrismTokenizer": _t5(None),
    "XGLMTokenizer": Recipe(
        model=lambda _: unigram(3),
        normalizer=lambda settings: normalizers(*precompiled(settings), _SPACES),
        pre_tokenizer=_words,
        decoder=_words,
        tokens=tokens(bos="<s>", eos="</s>", sep="</s>", cls="<s>", unk="<unk>", pad="<pad>"),
        extra_tokens=lambda _: [f"<madeupword{i}>" for i in range(7)],
        settings={"add_prefix_space": True},
        post=lambda _: "{eos_token} $A",
    ),
    "XLMRobertaTokenizer": _XLM_ROBERTA,
    "XLNetTokenizer": Recipe(
        model=lambda settings: unigram(settings["unk_id"]),
        normalizer=lambda settings: normalizers(
            *QUOTES, NFKD, STRIP_ACCENTS, *([LOWERCASE] if settings["do_lower_case"] else []), *precompiled(settings)
        ),
        pre_tokenizer=_split_always,
        decoder=_always,
        tokens=tokens(bos="<s>", eos="</s>", unk="<unk>", sep="<sep>", pad="<pad>", cls="<cls>", mask="<mask>"),
        flags={"mask_token": _LEFT},
        extra_tokens=lambda _: ("<eop>", "<eod>"),
        settings={"unk_id": 0, "do_lower_case": False},
        post=lambda _: "$A {sep_token} {cls_token}",
    ),
}
