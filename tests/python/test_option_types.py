"""Options of the wrong type are refused by their names, before anything is read."""

from __future__ import annotations

import json
import os
from inspect import signature
from pathlib import Path
from typing import Any

import chatmill
import numpy as np
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, DataError
from chatmill.config.prepare import prepare_config
from chatmill.options.types import check_types

ROWS = [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "x": 1}] * 3
NUMBER = "give a whole number of at least 1"
LIST = r"give a list of texts, such as \[\"a\"\]"

WRONG: list[tuple[str, Any, str]] = [
    ("columns", "a", r"`columns` is 'a'; give the column for each name, such as \{\"answer\": \"solution\"\}, or None"),
    ("columns", {"a": 1}, r"`columns` is \{'a': 1\}; give the column for each name"),
    ("max_length", "x", rf"`max_length` is 'x'; {NUMBER}, or None"),
    ("max_length", -1, "`max_length` is -1; use at least 1, or None$"),
    ("max_length", 1.5, rf"`max_length` is 1\.5; {NUMBER}"),
    ("max_length", True, rf"`max_length` is True; {NUMBER}"),
    ("max_length", 10**30, r"`max_length` is 10+; use at most 9,223,372,036,854,775,807, or None"),
    ("segment_length", "x", rf"`segment_length` is 'x'; {NUMBER}"),
    ("threads", "2", rf"`threads` is '2'; {NUMBER}, or None"),
    ("block_bytes", "x", rf"`block_bytes` is 'x'; {NUMBER}$"),
    ("block_bytes", None, rf"`block_bytes` is None; {NUMBER}$"),
    ("pack", "x", rf"`pack` is 'x'; {NUMBER}"),
    ("allowed_special_tokens", "abc", rf"`allowed_special_tokens` is 'abc'; {LIST}"),
    ("allowed_special_tokens", [1], rf"`allowed_special_tokens` is \[1\]; {LIST}"),
    ("keep_columns", "x", rf"`keep_columns` is 'x'; {LIST}"),
    ("pad_token", 0, "`pad_token` is 0; give the text of a token, or None"),
    ("template_fallback", 1, "`template_fallback` is 1; give the name of a template, or None"),
    ("split", 1, "`split` is 1; give one of per_turn, or None"),
    ("truncation", ["drop"], r"`truncation` is \['drop'\]; give one of keep_start, .*, or None"),
    ("special_tokens", None, "`special_tokens` is None; give one of allow, text, raise$"),
    ("attention_mask", "yes", "`attention_mask` is 'yes'; give True or False"),
    ("shuffle", "yes", "`shuffle` is 'yes'; give True or False"),
    ("cache", 1, "`cache` is 1; give a folder, or None"),
    ("max_length", "x" * 1000, rf"`max_length` is 'x{{79}}…; {NUMBER}"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_the_error_names_the_option(name: str, value: Any, message: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(DataError, match=message):
        chatmill.prepare(ROWS, tokenizer=byte_tokenizer(), template="chatml", output=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [it for it in signature(chatmill.prepare).parameters if it not in ("inputs", "now")])
@pytest.mark.parametrize(
    "value",
    ["x", -1, 1.5, True, 10**30, ["a"], {"a": 1}, b"x", object(), None, np.int64(500), np.bool_(True)],
    ids=type,
)
def test_no_option_ends_with_an_error_of_python(
    name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"tokenizer": byte_tokenizer(), "template": "chatml", "output": tmp_path / "out"}
    try:
        chatmill.prepare(ROWS, **{**options, "progress": False, name: value})
    except ChatmillError as error:
        assert str(error)  # noqa: PT017  # others end the test


def test_a_config_and_a_report_have_the_same_errors(tmp_path: Path) -> None:
    message = rf"`threads` is '2'; {NUMBER}, or None"
    with pytest.raises(DataError, match=message):
        chatmill.report(ROWS, tokenizer=byte_tokenizer(), template="chatml", threads="2")
    wrong: dict[str, Any] = {"threads": "2"}
    with pytest.raises(DataError, match=message):
        prepare_config(tmp_path / "no.yaml", output=tmp_path / "out", **wrong)


def test_values_of_numpy_and_tuples_are_right() -> None:
    check_types(
        {
            "max_length": np.int64(5),
            "shuffle": np.bool_(True),
            "keep_columns": ("a", "b"),
            "columns": {},
            "cache": Path(os.curdir),
            "threads": None,
            "unknown": object(),
        }
    )


def test_numbers_and_flags_of_numpy_are_recorded_as_plain_ones(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "shard_tokens": np.int64(500),
        "max_line_bytes": np.int64(900),
        "shuffle": np.bool_(True),
    }
    chatmill.prepare(ROWS, tokenizer=byte_tokenizer(), template="chatml", output=tmp_path / "out", **options)
    recorded = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert recorded["options"]["shard_tokens"] == 500
    assert recorded["arrangement"]["shuffle"] is True
