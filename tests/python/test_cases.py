"""The cases of `tests/cases`, which the Rust tests also read: through Python, and compared with transformers."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import reference
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, Mill, Tokenizer
from chatmill.text.failures import reason_of

TESTS = Path(__file__).parents[1]
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((TESTS / "cases").glob("*.json"))}
KEYS = {
    "why", "template", "special_tokens", "messages", "tools", "variables", "add_generation_prompt", "labels", "text",
    "trained", "weights", "notes", "error",
}  # fmt: skip


def with_key(key: str) -> pytest.MarkDecorator:
    """The cases that have this key."""
    found = {name: case for name, case in CASES.items() if key in case}
    return pytest.mark.parametrize("case", found.values(), ids=found)


def test_every_case_expects_something() -> None:
    """A case or a key that no test reads would always pass."""
    assert [sum(key in case for case in CASES.values()) for key in ("why", "text", "trained", "error")] == [
        63,
        60,
        46,
        9,
    ]
    for name, case in CASES.items():
        assert set(case) <= KEYS, name
        assert {"trained", "error"} & set(case) or "text" in case, name
        assert "trained" in case or not {"weights", "notes"} & set(case), name
        assert "code" in case.get("error", {"code": ""}), name


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_tokenizer()


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


@with_key("text")
def test_text(case: dict[str, Any]) -> None:
    assert render(case) == case["text"]


@with_key("text")
def test_transformers_gives_the_same(case: dict[str, Any]) -> None:
    """The expected texts come from transformers."""
    text = reference.render(
        case["template"],
        case["messages"],
        tools=case.get("tools"),
        add_generation_prompt=case.get("add_generation_prompt", False),
        **{**case.get("special_tokens", {}), **case.get("variables", {})},
    )
    assert text == case["text"]


@with_key("trained")
def test_labels(case: dict[str, Any], tokenizer: Tokenizer) -> None:
    encoding = mill_of(case, tokenizer).encode(case["messages"], tools=case.get("tools"), **case.get("variables", {}))
    trained = []
    for is_trained, tokens in groupby(encoding.tokens, key=lambda token: token.label != -100):
        if is_trained:
            run = list(tokens)
            trained.append(encoding.text[run[0].start : run[-1].end])
    assert trained == case["trained"]
    assert case.get("notes", encoding.notes) == encoding.notes


@with_key("weights")
def test_weights(case: dict[str, Any], tokenizer: Tokenizer) -> None:
    encoding = mill_of(case, tokenizer).encode(case["messages"])
    assert [weight for weight, _ in groupby(encoding.weights or [])] == case["weights"]


@with_key("error")
def test_errors(case: dict[str, Any], tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatmillError) as caught:
        mill_of(case, tokenizer).encode(case["messages"], tools=case.get("tools"))
    error = caught.value
    place = {"message": error.message, "template_line": error.template_line}
    found = {"code": error.code, **place, "text": reason_of(error)}
    assert {key: found[key] for key in case["error"]} == case["error"]
