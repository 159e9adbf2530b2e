"""Batches equal those of recipes of PEFT and accelerate, which are written here with transformers alone.

`tests/trainers/recipes.py` runs them with PEFT's and accelerate's own code.
"""

from __future__ import annotations

import importlib.util
import json
import lzma
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizers import DEFINITION, prefixed_definition
from chatmill import ChatTemplate, Collator, Mill, Tokenizer, collate, split_between
from corpus_folder import CORPUS, ROOT
from tokenizers import Tokenizer as HfTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

EXAMPLES = ROOT / "examples" / "word_problems"
SPECIAL = {"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "</s>"}


def example_rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in (EXAMPLES / "rows.jsonl").read_text("utf-8").splitlines()]


def model_folder(folder: Path, definition: str) -> Path:
    (folder / "tokenizer.json").write_text(definition, "utf-8")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **SPECIAL}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder


def joined_recipe(tokenizer: Any, rows: list[dict[str, str]], max_length: int, *, counts_unchanged: bool) -> Any:
    """PEFT's preparation of GSM8K: one text, padded on the left; labels only for as many tokens as the answer has.

    PEFT counts the tokens of the answer as it was before `####` was replaced, less one for the begin-of-text token.
    """
    template = (EXAMPLES / "gsm8k.jinja").read_text("utf-8")
    before = template.removeprefix("{{ bos_token }}{{ messages[0].content }}").split("{% generation %}")[0]
    answers = [row["answer"].replace("####", "The number is") for row in rows]
    texts = [row["question"] + before + answer for row, answer in zip(rows, answers, strict=True)]
    tokenizer.padding_side = "left"
    batch = tokenizer(texts, max_length=max_length, padding="max_length", truncation=True)
    counted = [row["answer"] for row in rows] if counts_unchanged else answers
    trained = [len(ids) - 1 for ids in tokenizer(counted)["input_ids"]]
    labels = [[-100] * (len(ids) - n) + ids[-n:] for ids, n in zip(batch["input_ids"], trained, strict=True)]
    return {"input_ids": batch["input_ids"], "labels": labels, "attention_mask": batch["attention_mask"]}


def test_the_example_of_gsm8k(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, prefixed_definition())
    spec = importlib.util.spec_from_file_location("gsm8k_example", EXAMPLES / "gsm8k.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    batch = {name: column.tolist() for name, column in example.batch_of(str(folder)).items()}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = joined_recipe(tokenizer, example_rows(), example.MAX_LENGTH, counts_unchanged=False)
    assert batch == expected
    # PEFT's count leaves out the first tokens of an answer: "The number is" is nine bytes longer than "####".
    peft = joined_recipe(tokenizer, example_rows(), example.MAX_LENGTH, counts_unchanged=True)
    for own, theirs in zip(batch["labels"], peft["labels"], strict=True):
        at = next(at for at, label in enumerate(own) if label != -100)
        assert theirs == own[:at] + [-100] * 9 + own[at + 9 :]


def real_rows() -> list[dict[str, str]]:
    with lzma.open(CORPUS / "datasets" / "gsm8k_train.jsonl.xz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, 300)]


# Byte-level BPE. With SentencePiece, the first word after a begin-of-text token in a text has another token than the
# first word of a text.
REAL = ["llama-3.1", "mistral-nemo", "qwen3"]
needs_corpus = pytest.mark.skipif(not (CORPUS / "datasets").exists(), reason=f"{CORPUS} is not there")


@needs_corpus
@pytest.mark.parametrize("name", REAL)
def test_ids_of_real_rows_are_those_of_the_joined_text(name: str) -> None:
    folder, rows = CORPUS / "tokenizers" / name, real_rows()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    mill = Mill.from_pretrained(folder, EXAMPLES / "gsm8k.jinja", format=str(EXAMPLES / "gsm8k.yaml"))
    options: dict[str, Any] = {"padding": "max_length", "max_length": 600, "padding_side": "left"}
    batch = collate(mill(rows), pad_id=tokenizer.pad_token_id, **options)
    expected = joined_recipe(tokenizer, rows, 600, counts_unchanged=False)
    assert batch["input_ids"].tolist() == expected["input_ids"]
    assert batch["attention_mask"].tolist() == expected["attention_mask"]
    if name != "qwen3":  # it has no begin-of-text token, for which PEFT takes off one token of the answer
        assert batch["labels"].tolist() == expected["labels"]


def separate_recipe(tokenizer: Any, rows: list[dict[str, str]], max_length: int) -> Any:
    """PEFT's prompt tuning of a causal model: prompt and answer one after the other, padded on the left."""
    made: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "attention_mask": []}
    for row in rows:
        prompt = tokenizer(f"{row['question']}\nAnswer: ")["input_ids"]
        answer = [*tokenizer(row["answer"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        room = max_length - len(prompt) - len(answer)
        made["input_ids"].append([tokenizer.pad_token_id] * room + prompt + answer)
        made["labels"].append([-100] * (room + len(prompt)) + answer)
        made["attention_mask"].append([0] * room + [1] * len(prompt + answer))
    return made


@pytest.mark.parametrize("returned", ["np", "list"])
def test_prompt_tuning(tmp_path: Path, returned: Any) -> None:
    folder = model_folder(tmp_path, prefixed_definition())
    tokenizer = Tokenizer.from_pretrained(folder)
    source = (EXAMPLES / "prompt_tuning.py").read_text("utf-8")
    text = next(line for line in source.splitlines() if line.startswith("TEXT = ")).removeprefix("TEXT = ")
    rows, virtual, max_length = example_rows(), 20, 384
    mill = Mill(
        tokenizer,
        format={"fields": {"question": "text", "answer": "text"}, "text": json.loads(text)},
        max_length=max_length - virtual,
    )
    options: dict[str, Any] = {"padding": "max_length", "padding_side": "left", "max_length": max_length}
    collator = Collator(pad_id=259, reserve=virtual, mask_reserve=True, return_tensors=returned, **options)
    batch = {name: column if returned == "list" else column.tolist() for name, column in collator(mill(rows)).items()}
    expected = separate_recipe(AutoTokenizer.from_pretrained(folder), rows, max_length - virtual)
    # What the model gets, once PEFT has put the ones of the virtual tokens before the mask.
    expected["attention_mask"] = [[1] * virtual + mask for mask in expected["attention_mask"]]
    assert batch == expected


@needs_corpus
@pytest.mark.parametrize("name", REAL)
def test_prompt_tuning_on_real_rows(name: str) -> None:
    folder, rows = CORPUS / "tokenizers" / name, real_rows()
    hf: Any = AutoTokenizer.from_pretrained(folder)
    hf.pad_token = hf.pad_token or hf.eos_token
    text = "{{ bos_token }}{{ question }}\nAnswer: {% generation %}{{ ended(answer) }}{% endgeneration %}"
    format = {"fields": {"question": "text", "answer": "text"}, "text": text}
    rows_of_mill = Mill(Tokenizer.from_pretrained(folder), format=format, max_length=580)(rows)
    options: dict[str, Any] = {"padding": "max_length", "padding_side": "left", "max_length": 600, "reserve": 20}
    batch = collate(rows_of_mill, pad_id=hf.pad_token_id, **options)
    assert {name: column.tolist() for name, column in batch.items()} == separate_recipe(hf, rows, 580)


def test_batches_of_prompts_split_between_processes() -> None:
    """accelerate's example: batches of prompts, padded on the left to a multiple of 8, for each process as many."""
    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=HfTokenizer.from_str(DEFINITION), padding_side="left", **SPECIAL
    )
    prompts = [f"{'very ' * (number * 7 % 5)}long prompt {number}" for number in range(11)]
    own_tokenizer = Tokenizer(DEFINITION, special_tokens=SPECIAL)
    mill = Mill(own_tokenizer, ChatTemplate("{{ messages[0].content }}"), labels="none")
    expected, own = [], []
    for at in range(0, len(prompts), 2):
        few = prompts[at : at + 2]
        expected.append(dict(tokenizer(few, padding=True, pad_to_multiple_of=8)))
        rows = mill([{"messages": [{"role": "user", "content": prompt}]} for prompt in few])
        batch = collate(rows, pad_id=259, padding_side="left", pad_to_multiple_of=8, return_tensors="list")
        assert {label for row in batch.pop("labels") for label in row} == {-100}
        own.append(batch)
    names = ("input_ids", "attention_mask")
    assert own == [{name: batch[name] for name in names} for batch in expected]
    parts = [split_between(own, rank, 4, pad_last=True) for rank in range(4)]
    # Six batches for four processes: two for the first two, one for the others, which repeat the last of all.
    assert parts == [own[0:2], own[2:4], [own[4], own[5]], [own[5], own[5]]]


def test_the_examples_are_listed() -> None:
    page = (ROOT / "examples" / "README.md").read_text("utf-8")
    for path in EXAMPLES.iterdir():
        if path.suffix in (".py", ".yaml", ".jsonl"):
            assert f"`word_problems/{path.name}`" in page
