"""Names of LLaMA-Factory's templates: a name of chatmill too, if the texts are equal; otherwise an error that helps.

`tests/data/llama_factory_templates.json` holds conversations, and the texts that LLaMA-Factory's code makes of them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import reference
from chatmill import ChatmillError, ChatTemplate, Mill, TemplateError, Tokenizer
from chatmill.cli.main import app
from chatmill.lint.load import lint_any
from chatmill.sources.llama_factory import library_name, remedy_for
from chatmill.sources.resolve import missing_template, resolve
from click.testing import CliRunner

DATA = json.loads((reference.ROOT / "tests" / "data" / "llama_factory_templates.json").read_text("utf-8"))
ROWS: dict[str, dict[str, Any]] = DATA["conversations"]
PRINTS = re.compile(r"for rows without tools, '(.+?)' prints")
FOUND = {name: PRINTS.match(remedy_for(name) or "") for name in DATA["texts"]}
SAME = {name: ours for name in DATA["texts"] if (ours := library_name(name)) is not None}
SUGGESTED = {name: match[1] for name, match in FOUND.items() if match is not None}


def text_of(name: str, row: dict[str, Any]) -> str | None:
    try:
        return ChatTemplate.named(name, **DATA["special_tokens"]).render(**row)
    except ChatmillError:
        return None


def test_qwen_prints_the_text_of_qwen25_with_tools_too() -> None:
    assert SAME["qwen"] == "qwen2.5"
    texts = DATA["texts"]["qwen"]
    assert len([key for key in texts if "tools" in ROWS[key]]) == 7
    for key, text in texts.items():
        assert text_of("qwen2.5", ROWS[key]) == text, key


@pytest.mark.parametrize("name", sorted(SAME.keys() - {"qwen"}))
def test_names_of_chatmill_print_the_same_text_or_refuse_the_row(name: str) -> None:
    assert SAME[name] == ("phi-4" if name == "phi4" else "chatml")
    assert len(DATA["texts"][name]) == 10
    for key, text in DATA["texts"][name].items():
        assert text_of(SAME[name], ROWS[key]) == (None if "tools" in ROWS[key] else text), key
    calls = ROWS["calls"]["messages"]
    assert text_of(SAME[name], {"messages": calls}) is None


@pytest.mark.parametrize("name", sorted(SUGGESTED))
def test_other_names_print_the_suggested_text_only_without_tools(name: str) -> None:
    assert len(DATA["texts"][name]) == 10
    for key, text in DATA["texts"][name].items():
        assert (text_of(SUGGESTED[name], ROWS[key]) == text) is ("tools" not in ROWS[key]), key


@pytest.mark.parametrize("name", sorted(set(DATA["texts"]) - {*SAME, *SUGGESTED}))
def test_no_template_prints_the_text_of_the_other_names(name: str) -> None:
    for ours in ChatTemplate.names():
        assert any(text_of(ours, ROWS[key]) != text for key, text in DATA["texts"][name].items()), ours
    error = missing_template(name, TemplateError("not found"))
    assert str(error) == (
        f"there is no template {name!r}; no template of chatmill prints the text of LLaMA-Factory's template {name!r}; "
        "leave out the name to use the model's own template, or give the Jinja source of a template"
    )


def test_the_name_selects_the_template(loaded: Tokenizer) -> None:
    _, template = resolve(loaded, "qwen")
    assert template.name == "qwen2.5"
    assert template.special_tokens["eos_token"] == loaded.special_tokens["eos_token"]
    rows = [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}]
    mills = [Mill(loaded, resolve(loaded, name)[1]) for name in ("qwen", "qwen2.5")]
    assert dict(mills[0](rows)) == dict(mills[1](rows))
    assert list(lint_any(["qwen"]).values()) == list(lint_any(["qwen2.5"]).values())


def test_the_command_prints_the_template() -> None:
    printed = [CliRunner().invoke(app, ["templates", name]).stdout for name in ("qwen", "qwen2.5")]
    assert printed[0] == printed[1] != ""


def test_an_unknown_name_is_told_apart(loaded: Tokenizer) -> None:
    with pytest.raises(TemplateError, match="for rows without tools, 'mistral-nemo' prints the text of"):
        resolve(loaded, "pixtral")
    with pytest.raises(TemplateError, match=r"there is no template 'chatlm'; did you mean 'chatml'\?$"):
        resolve(loaded, "chatlm")
