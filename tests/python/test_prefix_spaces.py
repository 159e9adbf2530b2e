"""Tokenizers that put a space before a text: the text after `<s>` has it too, as in tools that add `<s>` to the ids."""

from __future__ import annotations

import json
from typing import Any

import pytest
import reference
import tokenizers
from chatmill import ChatTemplate, Mill, Tokenizer
from reference import needs_corpus
from tokenizers import decoders, models, pre_tokenizers, processors

WORDS = ("<unk>", "<s>", "</s>", *"▁Below▁is:\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#.,|'-0123456789")


@pytest.fixture
def spaced() -> tuple[tokenizers.Tokenizer, Tokenizer]:
    """A tokenizer of characters that puts `▁` before a text, and `<s>` before its tokens; with its reference."""
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(WORDS))}
    made = tokenizers.Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.decoder = decoders.Metaspace(prepend_scheme="first")
    made.add_special_tokens(["<s>", "</s>"])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])])
    loaded = Tokenizer(made.to_str(), special_tokens={"bos_token": "<s>", "eos_token": "</s>"})
    return made, loaded


def test_the_space_comes_after_the_prefix(spaced: tuple[tokenizers.Tokenizer, Tokenizer]) -> None:
    made, loaded = spaced
    mill = Mill(loaded, format="alpaca")
    encoding = mill.encode({"instruction": "Add one", "input": "", "output": "two"})
    prompt, answer = encoding.text.removeprefix("<s>").split("two")
    expected = made.encode(prompt).ids
    assert encoding.input_ids[: len(expected)] == expected
    assert made.encode("two" + answer).ids[1:] == encoding.input_ids[len(expected) :]
    batch = mill([{"instruction": "Add one", "input": "", "output": "two"}] * 2)
    assert batch["input_ids"] == [encoding.input_ids] * 2


def test_prompts_with_answers(spaced: tuple[tokenizers.Tokenizer, Tokenizer]) -> None:
    made, loaded = spaced
    mill = Mill(loaded, ChatTemplate.named("zephyr"), format="preference")
    encoding = mill.encode({"prompt": "Hi", "chosen": " there", "rejected": " no"})
    expected = made.encode("Hi there</s>").ids
    found = [it for it in encoding.samples if it.answer == "chosen"]
    assert [it.input_ids for it in found] == [expected]


@needs_corpus
@pytest.mark.parametrize("name", ["llama2", "phi-3", "mistral-v0.3", "gemma-4", "llama-3.1", "xlm-roberta", "t5-small"])
def test_formats_have_the_ids_of_transformers(name: str) -> None:
    folder = reference.CORPUS / "tokenizers" / name
    transformers = pytest.importorskip("transformers")
    expected: Any = transformers.AutoTokenizer.from_pretrained(folder)
    loaded = Tokenizer.from_pretrained(folder)
    if "eos_token" not in loaded.special_tokens:
        pytest.skip("the format needs an eos_token")
    encoding = Mill(loaded, format="alpaca", labels="all").encode(
        {"instruction": "Add one.", "input": "", "output": "two"}
    )
    prompt = encoding.text.split("two")[0]
    first = expected("", add_special_tokens=True).input_ids
    bos = expected.decode(first[:1]) if first and prompt.startswith(expected.decode(first[:1])) else ""
    ids = expected(prompt.removeprefix(bos), add_special_tokens=True).input_ids
    # What the post-processor puts after a text belongs to the end of the row.
    suffix = len(first) - (1 if bos else 0)
    ids = ids[: len(ids) - suffix] if suffix else ids
    assert encoding.input_ids[: len(ids)] == ids, json.dumps([bos, prompt[:20]])
