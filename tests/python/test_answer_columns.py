"""Columns of datasets with answers: the detected format, and the sources of the prompts."""

from __future__ import annotations

import json

import pytest
from chatmill import ChatTemplate, DataError, Format, Mill
from chatmill.formats.detect import detect_rows
from format_rows import BAD, CHATML, GOOD, PAIR, TOKENIZER, USER, milled
from samples import Row


def test_recognition_of_columns_of_answers() -> None:
    pair = {"chosen": "a", "rejected": "b"}
    turn = {"from": "gpt", "value": "a"}
    known: list[tuple[Row, str]] = [
        ({"question": "Q", **pair}, "dpo.intel:messages"),
        ({"system": "S", "input": "I", **pair}, "dpo.icr:messages"),
        ({"prompt": "P", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, "dpo.ultra:messages"),
        ({"prompt": "P", **pair}, "dpo.prompt_pairs:messages"),
        (PAIR, "preference"),
        ({"chosen": [USER, GOOD], "rejected": [USER, BAD]}, "preference"),
        ({"instruction": "I", "input": "", **pair}, "llama_factory.preference"),
        ({"conversations": [turn], "chosen": turn, "rejected": turn}, "llama_factory.sharegpt_preference"),
        ({"question": "Q", "completion": "a", "label": True}, "kto.intel:messages"),
        ({"prompt": "P", "completion": "a", "label": True}, "kto.prompt_pairs:messages"),
        ({"completion": [USER, GOOD], "label": True}, "kto"),
        ({"system": "S", "prompt": "P", **pair}, "dpo.prompt_pairs:messages"),
        ({"system": "S", "prompt": "P", "completion": "a", "label": True}, "kto.prompt_pairs:messages"),
        ({"prompt": "P", "question": "Q", "input": "I", "instruction": "I", **pair}, "dpo.prompt_pairs:messages"),
        ({"instruction": "I", "input": "", "output": "O", "history": [["a", "b"]]}, "llama_factory.alpaca"),
        ({"instruction": "I", "input": "", "output": "O", "system": "S"}, "alpaca_w_system:messages"),
    ]
    for row, name in known:
        found = detect_rows([row])
        assert found is not None, row
        assert found.name == name, row
    # Without a chat template, texts stay texts.
    texts: list[tuple[Row, str]] = [
        ({"prompt": "P", **pair}, "preference"),
        ({"prompt": "P", "completion": "a", "label": True}, "kto"),
    ]
    for row, name in texts:
        found = detect_rows([row], has_template=False)
        assert found is not None
        assert found.name == name
    for messages in ({"messages": [USER, GOOD]}, {"conversations": [turn]}):
        assert detect_rows([messages]) is None
        with_system = detect_rows([{**messages, "system": "Count."}])
        assert with_system is not None
        (row,) = milled([{**messages, "system": "Count."}], Mill(TOKENIZER, CHATML, format=with_system))
        assert TOKENIZER.decode(row["input_ids"]).startswith("<|im_start|>system\nCount.<|im_end|>")


def test_a_whole_conversation_beside_its_prompt_has_that_once() -> None:
    whole = {"prompt": [USER], "chosen": [USER, GOOD], "rejected": [USER, BAD]}
    mill = Mill(TOKENIZER, CHATML, format="preference")
    assert milled([whole], mill) == milled([PAIR], mill)
    # In columns, each message has the fields of all messages.
    named = [{**USER, "name": None}, {**GOOD, "name": "n"}], [USER, {**BAD, "name": None}]
    (found,) = milled([dict(zip(("chosen", "rejected"), named, strict=True))], mill)
    assert [found] == milled([PAIR], mill)


def test_tools_of_rows_whose_prompt_is_made() -> None:
    form = Format.named("llama_factory.preference")
    tools = json.dumps([{"type": "function", "function": {"name": "find", "parameters": {}}}])
    row = {"instruction": "I", "tools": tools, "chosen": "a", "rejected": "b"}
    (found,) = milled([row], Mill(TOKENIZER, ChatTemplate.named("qwen2.5"), format=form))
    assert '"find"' in TOKENIZER.decode(found["prompt_ids"])


def test_a_stop_token_that_the_tokenizer_lacks_is_worth_a_warning() -> None:
    assert any("<|eot_id|>" in it for it in Mill(TOKENIZER, format="dpo.intel:llama3").warnings)
    assert not Mill(TOKENIZER, format="dpo.intel:chatml").warnings


def test_answers_in_the_users_own_words() -> None:
    form = Format.user_defined_answers(
        prompt_format="{system}Q: {question}\nA: ",
        chosen_format="{chosen}{{}}",
        field_prompt="question",
        field_chosen="y",
    )
    row = {"question": "Hi {x}", "system": "Be brief. ", "y": "a", "rejected": "b"}
    (found,) = milled([row], Mill(TOKENIZER, format=form))
    texts = {name: TOKENIZER.decode(found[f"{name}_ids"]) for name in ("prompt", "chosen", "rejected")}
    assert texts == {"prompt": "<s>Be brief. Q: Hi {x}\nA: ", "chosen": "a{}</s>", "rejected": "b</s>"}
    judged = Format.user_defined_answers(completion_format="{completion}!", field_label="good")
    (found,) = milled([{"prompt": "P", "completion": "c", "good": 1}], Mill(TOKENIZER, format=judged))
    assert (TOKENIZER.decode(found["completion_ids"]), found["label"]) == ("c!</s>", True)
    for wrong, message in (
        ({"field_chosen": "a", "field_label": "b"}, "there is no option 'field_chosen' for these answers"),
        ({"prompt_format": "{"}, "`prompt_format` is '{', not a valid format string"),
        ({"format": "{prompt}"}, "there is no option 'format' for these answers"),
    ):
        with pytest.raises(DataError, match=message):
            Format.user_defined_answers(**wrong)
