"""A wrong or hostile `tokenizer_config.json` is an error that names the file, and costs neither time nor memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from chatmill import Tokenizer, TokenizerError
from tiny_tokenizers import definition, write_folder

WRONG_NUMBERS = [10**9, 10**400, -1, 2.5, True, "100", None, [3], {"a": 1}]


def load(tmp_path: Path, kind: str, **config: Any) -> Tokenizer:
    folder = write_folder(tmp_path / "model", definition(kind, added=["<s>"]), **config)
    return Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    "value", [10**9, 10**400, -1, 2.5, True, "100", None, [3], {"a": 1}], ids=lambda it: str(it)[:9]
)
@pytest.mark.parametrize(("name", "setting"), [("T5Tokenizer", "extra_ids"), ("PegasusTokenizer", "offset")])
def test_a_wrong_number_of_tokens_names_the_setting(tmp_path: Path, name: str, setting: str, value: Any) -> None:
    started = time.process_time()
    with pytest.raises(TokenizerError, match=rf"tokenizer_config\.json: `{setting}` is .*, but must be a whole number"):
        load(tmp_path, "unigram", tokenizer_class=name, **{setting: value})
    assert time.process_time() - started < 2


def test_a_setting_may_not_be_a_list(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json: `add_prefix_space` is \[1\], but"):
        load(tmp_path, "bytes", tokenizer_class="GPT2Tokenizer", add_prefix_space=[1])


def test_many_new_tokens_take_linear_time(tmp_path: Path) -> None:
    count = 20_000
    decoder = {str(300_000 + i): {"content": f"<new_{i}>", "special": False} for i in range(count)}
    started = time.process_time()
    tokenizer = load(tmp_path, "bytes", tokenizer_class="GPT2Tokenizer", added_tokens_decoder=decoder)
    assert tokenizer.token_to_id(f"<new_{count - 1}>") is not None
    # The square of the number would take minutes.
    assert time.process_time() - started < 20


@pytest.mark.parametrize("damage", [{"added_tokens": 5}, {"added_tokens": {"a": 1}}], ids=str)
def test_a_damaged_file_and_its_configuration_are_named(tmp_path: Path, damage: dict[str, Any]) -> None:
    folder = write_folder(
        tmp_path / "model", definition("bytes", added=["<s>"]) | damage, tokenizer_class="GPT2Tokenizer"
    )
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    "config",
    [
        {"tokenizer_class": 5},
        {"auto_map": {"AutoTokenizer": ["x", 5]}},
        {"extra_special_tokens": ["<a>", 5, {"content": "<b>"}]},
        {"bos_token": [1, 2], "eos_token": {"content": 5}},
        {"additional_special_tokens": {"a": 1}},
        {"model_input_names": 3, "unk_token": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["GPT2Tokenizer", "LlamaTokenizer"])
def test_values_of_a_wrong_type_are_ignored_or_errors(tmp_path: Path, config: dict[str, Any], name: str) -> None:
    kind = "bytes" if name == "GPT2Tokenizer" else "pieces"
    try:
        load(tmp_path, kind, **({"tokenizer_class": name} | config))
    except TokenizerError as error:
        assert "tokenizer_config.json" in str(error)  # noqa: PT017 (either outcome is right, silence about the file is not)
