"""The cases of `tests/cases`, which the Rust tests read too: through Python, and against transformers itself."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from chatmill import ChatmillError, ChatTemplate, Mill, Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

TESTS = Path(__file__).parents[1]
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((TESTS / "cases").glob("*.json"))}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer((TESTS / "data" / "byte_tokenizer.json").read_text("utf-8"))


def template_of(case: dict[str, Any]) -> ChatTemplate:
    return ChatTemplate(case["template"], **case.get("special_tokens", {}))


def mill_of(case: dict[str, Any], tokenizer: Tokenizer) -> Mill:
    return Mill(tokenizer, template_of(case), labels=case.get("labels", "assistant"))


def render(case: dict[str, Any]) -> str:
    return template_of(case).render(
        case["messages"],
        tools=case.get("tools"),
        add_generation_prompt=case.get("add_generation_prompt", False),
        **case.get("variables", {}),
    )


@each_case
def test_text(case: dict[str, Any]) -> None:
    if "text" in case:
        assert render(case) == case["text"]


@each_case
def test_transformers_gives_the_same(case: dict[str, Any]) -> None:
    """The expected texts are not of our making."""
    if "text" in case:
        messages = [{key: value for key, value in m.items() if value is not None} for m in case["messages"]]
        rendered: Any = render_jinja_template(
            conversations=[messages],
            tools=case.get("tools"),
            chat_template=case["template"],
            add_generation_prompt=case.get("add_generation_prompt", False),
            **{**case.get("special_tokens", {}), **case.get("variables", {})},
        )
        assert rendered[0][0] == case["text"]


@each_case
def test_labels(case: dict[str, Any], tokenizer: Tokenizer) -> None:
    if "trained" in case:
        encoding = mill_of(case, tokenizer).encode(
            case["messages"], tools=case.get("tools"), **case.get("variables", {})
        )
        stretches = []
        for is_trained, tokens in groupby(encoding.tokens, key=lambda token: token.label != -100):
            if is_trained:
                run = list(tokens)
                stretches.append(encoding.text[run[0].start : run[-1].end])
        assert stretches == case["trained"]
        assert set(case.get("notes", [])) <= set(encoding.notes)
        if "weights" in case:
            assert [weight for weight, _ in groupby(encoding.weights or [])] == case["weights"]


@each_case
def test_errors(case: dict[str, Any], tokenizer: Tokenizer) -> None:
    if "error" in case:
        with pytest.raises(ChatmillError) as caught:
            mill_of(case, tokenizer).encode(case["messages"], tools=case.get("tools"))
        for key, what in (("message", "message"), ("template_line", "template line")):
            if key in case["error"]:
                assert f"{what} {case['error'][key]}" in str(caught.value)
