"""Tokenizers have the ids of `transformers.AutoTokenizer`, whichever class it picks and whatever this class builds."""

from __future__ import annotations

import inspect
import json
import re
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import reference
import transformers
from chatmill import Tokenizer
from chatmill.sources.auto_tokenizer import model_types
from chatmill.sources.auto_tokenizer.choice import choose_class, known_class
from chatmill.sources.auto_tokenizer.recipes import RECIPES
from chatmill.sources.load import load_template, load_tokenizer
from folders import write_json
from tiny_tokenizers import charsmap, definition, write_folder
from transformers.models.auto import tokenization_auto

# The annotations of transformers are too loose for a strict check.
class_from_name: Any = tokenization_auto.tokenizer_class_from_name
load_with_transformers: Any = transformers.AutoTokenizer.from_pretrained
Backend: Any = transformers.PreTrainedTokenizerFast

# Their classes read other arguments than a text, such as boxes; what they build around the vocabulary is compared.
NOT_FROM_A_FOLDER = {"MarkupLMTokenizer"}
KINDS = {
    **dict.fromkeys(("HerbertTokenizer", "OpenAIGPTTokenizer"), "suffix"),
    **dict.fromkeys(("LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "Siglip2Tokenizer"), "pieces"),
    **dict.fromkeys(("NllbTokenizer", "ReformerTokenizer", "SeamlessM4TTokenizer", "Tipsv2Tokenizer"), "pieces"),
}
OF_TYPE = {"BPE": "bytes", "Unigram": "unigram", "WordPiece": "words"}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "LlamaTokenizer": [{"legacy": True}, {"legacy": None}, {"add_prefix_space": False}, {"add_bos_token": True}],
    "CodeLlamaTokenizer": [{"add_prefix_space": False}, {"prefix_token": "<mask_1>"}],
    "GPT2Tokenizer": [{"add_prefix_space": True}],
    "Qwen2Tokenizer": [{"add_prefix_space": True}, {"additional_special_tokens": ["<x>", "world"]}],
    "CohereTokenizer": [{"add_prefix_space": True}],
    "BertTokenizer": [{"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}],
    "DPRReaderTokenizer": [{"do_lower_case": False}],
    "AlbertTokenizer": [{"keep_accents": True, "do_lower_case": False}, {"add_prefix_space": False}],
    "DebertaV2Tokenizer": [{"split_by_punct": True, "do_lower_case": True}, {"add_prefix_space": False, "unk_id": 3}],
    "XLNetTokenizer": [{"do_lower_case": True}],
    "NllbTokenizer": [{"legacy_behaviour": True, "src_lang": "en_XX"}],
    "MBartTokenizer": [{"src_lang": "en_XX"}],
    "T5Tokenizer": [{"extra_ids": 3}, {"additional_special_tokens": ["<extra_id_0>"], "extra_ids": 1}],
    "TokenizersBackend": [{"additional_special_tokens": ["<x>"]}, {"unk_token": "<new>"}],
}
TEXTS = [
    *("", " ", "Question", " Question", "  Question  text\n", "\nQuestion", "hello world", "HELLO World", "don't 's"),
    *("1234 12", "中文 中", "é ß e\u0301", "\t\n \r\n", "``quoted''", "hel lo.world!", "▁the ▁▁", "\u00a0x\u3000y"),
    *(
        "<s>Question</s> Question",
        "</s>\nQuestion</s>",
        "a <mask> b<mask>c",
        "[CLS] text [SEP]text",
        "<|endoftext|> the",
    ),
    *("<x> the<x>", "the <tok> Question<tok>Question", "<Tok> <TOK>the", "👩‍👩‍👧 ok", "(a) [b] {c} --==", "x" * 30),
    *("<mask_1>text", "en_XX text", "<extra_id_0> the", "[QUESTION] <new>", "<unk> the <pad>", "<bos>the<eos>"),
]
ADDED = ["<s>", "<mask>", "<tok>", "</s>", "[CLS]", "<x>"]


def kind_of(name: str) -> str:
    """The kind of the vocabulary for a class."""
    if name in KINDS:
        return KINDS[name]
    parents = inspect.getmro(class_from_name(name))
    model = next((it for it in (getattr(parent, "model", None) for parent in parents) if it is not None), None)
    kind = OF_TYPE[model.__name__] if model is not None else "unigram"
    return "bytes" if name in ("TokenizersBackend", "ParakeetTokenizer") else kind


CLASSES = sorted({*RECIPES, "TokenizersBackend"} - NOT_FROM_A_FOLDER)
CASES: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in CLASSES] + [
    (name, it) for name, its in SETTINGS.items() for it in its
]
DECLARED: dict[str, dict[str, Any]] = {
    "none": {},
    "named": {
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<x>",
        "mask_token": "<mask>",
        "cls_token": "[CLS]",
    },
    "by id": {
        "eos_token": "</s>",
        "pad_token": "<new>",
        "bos_token": "<s>",
        "added_tokens_decoder": {
            "9000": {"content": "<new>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False},
            "1": {"content": "<s>", "special": True, "lstrip": True, "normalized": False},
            "2": {"content": "</s>", "special": True, "rstrip": True, "normalized": False},
        },
    },
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_every_class_builds_what_transformers_builds(
    name: str, settings: dict[str, Any], declared: str, tmp_path: Path
) -> None:
    config = {"tokenizer_class": name, **DECLARED[declared], **settings}
    folder = write_folder(tmp_path / "tiny", definition(kind_of(name), added=ADDED), **config)
    assert_equal(folder, name)


@pytest.mark.parametrize("name", [it for it in CLASSES if kind_of(it) in ("unigram", "pieces")])
def test_the_table_of_the_normalizer_is_kept(name: str, tmp_path: Path, corpus: Path) -> None:
    table = {"type": "Precompiled", "precompiled_charsmap": charsmap(corpus / "tokenizers/t5-small/tokenizer.json")}
    made = definition(
        kind_of(name), added=ADDED, normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, table]}
    )
    assert_equal(write_folder(tmp_path / "tiny", made, tokenizer_class=name), name)


def assert_equal(folder: Path, name: str) -> None:
    """Assert that the tokenizer of a folder equals that of transformers, part by part and on texts."""
    theirs = load_with_transformers(str(folder))
    found = load_tokenizer(folder)
    expected, ours = json.loads(theirs.backend_tokenizer.to_str()), json.loads(found.tokenizer_json)
    backend = Backend(tokenizer_file=str(_written(folder, found.tokenizer_json)))
    for part in ("normalizer", "pre_tokenizer", "decoder", "added_tokens"):
        assert ours[part] == json.loads(backend.backend_tokenizer.to_str())[part] == expected[part], part
    assert json.loads(backend.backend_tokenizer.to_str())["model"] == expected["model"]
    assert found.special_tokens == theirs.special_tokens_map
    for special in (False, True):
        for text in TEXTS:
            assert backend.encode(text, add_special_tokens=special) == _ids(theirs, text, special=special)
    tokenizer = Tokenizer.from_pretrained(folder, engine="reference")
    assert [tokenizer.encode(it) for it in TEXTS] == [_ids(theirs, it, special=False) for it in TEXTS]
    assert tokenizer.rules == tokenizer.engine.rules == ("tokenizer.json" if name in AS_THEY_ARE else name)
    assert tokenizer.warnings == []


def _ids(theirs: Any, text: str, *, special: bool) -> list[int]:
    if type(theirs).__name__ in WITH_BOXES:
        ids: list[int] = theirs.backend_tokenizer.encode(text, add_special_tokens=special).ids
    else:
        ids = theirs.encode(text, add_special_tokens=special)
    return ids


# `encode` of these classes reads words with boxes; the ids are those of the tokenizer inside.
WITH_BOXES = ("LayoutLMv2Tokenizer", "LayoutLMv3Tokenizer", "LayoutXLMTokenizer", "UdopTokenizer")
AS_THEY_ARE = ("TokenizersBackend", "ParakeetTokenizer")


def _written(folder: Path, definition: str) -> Path:
    path = folder.parent / "made.json"
    path.write_text(definition, "utf-8")
    return path


def test_rebuild_can_be_switched_off(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", definition("pieces", added=ADDED), tokenizer_class="LlamaTokenizer")
    rebuilt, as_it_is = Tokenizer.from_pretrained(folder), Tokenizer.from_pretrained(folder, rebuild=False)
    assert (rebuilt.rules, as_it_is.rules) == ("LlamaTokenizer", "tokenizer.json")
    assert as_it_is.encode("the text") == Backend(tokenizer_file=str(folder / "tokenizer.json")).encode("the text")
    assert rebuilt.encode("the text") != as_it_is.encode("the text")


def test_the_tables_are_those_of_transformers() -> None:
    expected = {
        kind: _without_mistral_common(name) for kind, name in tokenization_auto.TOKENIZER_MAPPING_NAMES.items() if name
    }
    assert {kind: model_types.CLASS_OF_MODEL_TYPE[kind] for kind in expected} == expected
    # Without sentencepiece, transformers leaves some types out.
    left_out = {kind for kind, name in tokenization_auto.TOKENIZER_MAPPING_NAMES.items() if name is None}
    assert model_types.CLASS_OF_MODEL_TYPE.keys() == expected.keys() | left_out
    assert model_types.WRONG_CLASS_IN_FOLDER == tokenization_auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS
    assert list(model_types.IDS_TAKEN_AS_THEY_ARE) == tokenization_auto.MODEL_IDS_TO_TOKENIZERS_BACKEND


def _without_mistral_common(name: str) -> str:
    return "TokenizersBackend" if name == "MistralCommonBackend" else name


def test_every_class_of_transformers_is_known() -> None:
    names = {it for it in dir(transformers) if it.endswith(("Tokenizer", "TokenizerFast"))}
    names |= {it for it in tokenization_auto.TOKENIZER_MAPPING_NAMES.values() if it}
    names -= {"AutoTokenizer", "BasicTokenizer", "MecabTokenizer", "WordpieceTokenizer", "RagTokenizer"}
    backend = transformers.PreTrainedTokenizerFast
    checked = 0
    for name in sorted(names):
        theirs = class_from_name(name)
        builds = inspect.isclass(theirs) and issubclass(theirs, backend)
        found = known_class(name)
        assert found is not None, name
        if builds and found not in BUILT_OTHERWISE:
            assert known_class(found.removesuffix("Fast")) == theirs.__name__, name
            assert theirs.__name__ in RECIPES or theirs.__name__ == "TokenizersBackend", name
            checked += 1
    assert checked > 60


# They read more than a vocabulary: jieba's words, or a fixed list of amino acids.
BUILT_OTHERWISE = ("CpmTokenizerFast", "EsmcTokenizer", "RoFormerTokenizer")


@pytest.mark.parametrize(
    ("config", "model", "expected", "warning"),
    [
        ({}, {}, "TokenizersBackend", None),
        ({"tokenizer_class": "PreTrainedTokenizer"}, {}, "TokenizersBackend", None),
        ({"tokenizer_class": "LlamaTokenizerFast"}, {}, "LlamaTokenizer", None),
        ({"tokenizer_class": "LlamaTokenizer"}, {"model_type": "phi3"}, "TokenizersBackend", None),
        ({"tokenizer_class": "LlamaTokenizer"}, {"model_type": "mistral"}, "TokenizersBackend", None),
        ({"tokenizer_class": "GPT2Tokenizer"}, {"model_type": "qwen2"}, "Qwen2Tokenizer", None),
        ({"tokenizer_class": "GPT2Tokenizer"}, {"model_type": "bert"}, "GPT2Tokenizer", None),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, {"model_type": "gemma"}, "TokenizersBackend", None),
        ({"tokenizer_class": "LlamaTokenizer"}, {"model_type": "gemma"}, "LlamaTokenizer", None),
        ({}, {"model_type": "gemma"}, "GemmaTokenizer", None),
        ({}, {"model_type": "qwen3"}, "Qwen2Tokenizer", None),
        ({}, {"model_type": "mistral"}, "TokenizersBackend", None),
        ({}, {"tokenizer_class": "T5TokenizerFast"}, "T5Tokenizer", None),
        ({"tokenizer_class": "MistralTokenizer"}, {}, "TokenizersBackend", "MistralTokenizer, which transformers"),
        ({"tokenizer_class": "ByT5Tokenizer"}, {}, "TokenizersBackend", "ByT5Tokenizer .* not made from"),
        ({"auto_map": {"AutoTokenizer": ["a.B", None]}}, {}, "TokenizersBackend", "code of its own"),
        ({"auto_map": ["a.B"], "tokenizer_class": "MyTokenizer"}, {}, "TokenizersBackend", r"\(MyTokenizer\)"),
    ],
)
def test_the_choice_of_a_class(config: Any, model: Any, expected: str, warning: str | None, tmp_path: Path) -> None:
    choice = choose_class(config, model, "tiny", lambda: False)
    assert choice.name == expected
    if warning is None:
        assert choice.warning is None
        kind = "bytes" if expected == "TokenizersBackend" else kind_of(expected)
        folder = write_folder(tmp_path / "tiny", definition(kind, added=ADDED), **config)
        if model:
            write_json(folder / "config.json", model)
        assert type(load_with_transformers(str(folder))).__name__ == expected
        assert load_template_tokens(folder) == load_tokenizer(folder).special_tokens
    else:
        assert choice.warning is not None
        assert re.search(warning, choice.warning)


def load_template_tokens(folder: Path) -> dict[str, str]:
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return load_template(folder).special_tokens


def test_a_file_of_bytes_is_not_made_into_pieces(tmp_path: Path) -> None:
    made = definition("bytes", added=ADDED) | {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}}
    made["pre_tokenizer"] |= {"trim_offsets": True, "use_regex": True}
    folder = write_folder(tmp_path / "tiny", made, tokenizer_class="LlamaTokenizer")
    assert_equal(folder, "TokenizersBackend")


def test_a_vocabulary_of_another_kind_is_used_as_it_is_with_a_warning(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", definition("words", added=[]), tokenizer_class="LlamaTokenizer")
    tokenizer = Tokenizer.from_pretrained(folder)
    assert tokenizer.rules == "tokenizer.json"
    assert len(tokenizer.warnings) == 1
    assert "has a BPE model, but `tokenizer.json` has a WordPiece model" in tokenizer.warnings[0]


def test_older_folders_have_their_added_tokens_in_a_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", definition("bytes", added=["<x>"]), eos_token="<tok>")
    write_json(folder / "added_tokens.json", {"<tok>": 9001, "<more>": 9000})
    assert_equal(folder, "TokenizersBackend")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<tok>"})
    assert_equal(folder, "GPT2Tokenizer")


REAL = [
    *("bert-base-cased", "deepseek-v4", "falcon", "gemma-4", "gpt-oss", "gpt2", "kimi-k2", "llama-3.1", "llama2"),
    *("mistral-nemo", "mistral-v0.3", "phi-3", "qwen2.5", "qwen3", "t5-small", "xlm-roberta"),
]
DATASETS = ["gsm8k_train", "xquad_12lang", "glaive_toolcall_en_demo", "smilechat_zh_10k", "chitchat_en_4k"]


@lru_cache
def rendered() -> list[str]:
    """1,000 rows of the corpus in a text with control tokens of several tokenizers."""
    texts = []
    for dataset in DATASETS:
        for row in islice(reference.rows(dataset), 200):
            turns = row.get("messages") or row.get("conversations") or [{"content": str(it)} for it in row.values()]
            said = [turn.get("content") or turn.get("value") or "" for turn in turns]
            texts.append("<s>" + "".join(f"<|user|>\n{it}</s> <|end|>\n  <|im_start|>[INST]{it[:40]}" for it in said))
    return texts


@pytest.mark.parametrize("name", REAL)
def test_ids_of_real_tokenizers(name: str, corpus: Path) -> None:
    folder = corpus / "tokenizers" / name
    theirs = load_with_transformers(str(folder))
    tokenizer = Tokenizer.from_pretrained(folder)
    assert len(rendered()) == 1000
    for text in rendered():
        assert tokenizer.encode(text) == theirs.encode(text, add_special_tokens=False)
    assert tokenizer.warnings == []
