"""Recipes of classes whose vocabularies are pieces of words, cut at spaces and marks: BERT's and its relatives."""

from dataclasses import replace

from chatmill.sources.auto_tokenizer.recipes.parts import (
    BERT_SPLIT,
    bert_normalizer,
    bpe,
    suffix_decoder,
    word_decoder,
    word_piece,
)
from chatmill.sources.auto_tokenizer.recipes.recipe import Part, Recipe, Settings, tokens

_BERT_TOKENS = tokens(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_BERT_SETTINGS = {"do_lower_case": True, "tokenize_chinese_chars": True, "strip_accents": None}


def _normalizer(settings: Settings) -> Part:
    return bert_normalizer(
        lowercase=settings["do_lower_case"],
        chinese=settings["tokenize_chinese_chars"],
        accents=settings["strip_accents"],
        clean=settings.get("clean_text", True),
    )


_BERT = Recipe(
    model=lambda settings: word_piece(settings["unk_token"]),
    normalizer=_normalizer,
    pre_tokenizer=lambda _: BERT_SPLIT,
    decoder=lambda _: word_decoder(),
    tokens=_BERT_TOKENS,
    settings=_BERT_SETTINGS,
    post=lambda _: "{cls_token} $A {sep_token}",
)
#: DPR's classes name the setting of upper case, and do not pass it on.
_DPR = replace(_BERT, fixed=frozenset({"do_lower_case"}))

WORDS = {
    "BertTokenizer": _BERT,
    "DistilBertTokenizer": _BERT,
    "ConvBertTokenizer": replace(_BERT, model=None),
    "DPRContextEncoderTokenizer": _DPR,
    "DPRQuestionEncoderTokenizer": _DPR,
    "DPRReaderTokenizer": _DPR,
    "LayoutLMv2Tokenizer": _BERT,
    "SplinterTokenizer": replace(_BERT, tokens=_BERT_TOKENS | tokens(question="[QUESTION]")),
    "FunnelTokenizer": replace(
        _BERT,
        tokens=tokens(unk="<unk>", sep="<sep>", pad="<pad>", cls="<cls>", mask="<mask>", bos="<s>", eos="</s>"),
        settings=_BERT_SETTINGS | {"clean_text": True},
    ),
    "MPNetTokenizer": replace(
        _BERT,
        tokens=tokens(bos="<s>", eos="</s>", sep="</s>", cls="<s>", unk="[UNK]", pad="<pad>", mask="<mask>"),
        flags={"mask_token": {"lstrip": True}},
    ),
    "HerbertTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], suffix="</w>"),
        normalizer=lambda _: bert_normalizer(lowercase=False, accents=False),
        pre_tokenizer=lambda _: BERT_SPLIT,
        decoder=lambda _: suffix_decoder(),
        tokens=tokens(cls="<s>", unk="<unk>", pad="<pad>", mask="<mask>", sep="</s>"),
        post=lambda _: "{cls_token}=0 $A {sep_token}=2",
    ),
    "OpenAIGPTTokenizer": Recipe(
        model=lambda settings: bpe(unknown=settings["unk_token"], prefix="", suffix="</w>"),
        normalizer=lambda _: bert_normalizer(lowercase=True),
        pre_tokenizer=lambda _: BERT_SPLIT,
        decoder=lambda _: suffix_decoder(),
        tokens=tokens(unk="<unk>"),
    ),
}
