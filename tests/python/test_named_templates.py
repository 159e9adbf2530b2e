"""chatmill's named templates: their texts, which equal those of the models' templates.

`tests/named/NAME.json` holds the expected results of a template.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import chatmill
import pytest
import reference
from chatmill import ChatTemplate
from template_files import GIVEN, names, required, settings, source

NAMED = reference.ROOT / "tests" / "named"
NAMES = sorted(path.stem for path in NAMED.glob("*.json"))

BASIC = [
    {"role": "user", "content": "Guten Tag! 👋"},
    {"role": "assistant", "content": "Hallo."},
    {"role": "user", "content": "Wie spät ist es?"},
    {"role": "assistant", "content": "Zeit für Tee."},
]


@dataclass(frozen=True)
class Expected:
    """The expected results of a named template.

    Attributes:
        reference: The model's template: a template of the corpus, or `tokenizers/…` for the template of a tokenizer.
        equal: The number of ordinary conversations for which both print the same text.
        text: Its text for BASIC.
        trained: The parts of that text that the model generates.
        replaced: Replacements in the source of the reference before it renders, in this order.
        why: The reason for the replacements.
        end: The text after the conversation: without a generation prompt, and with one, before the prompt.
        differs: Conversations whose texts differ on purpose, with the reason.
        variables: Variables of the model's template, which chatmill's template must have too.
    """

    reference: str
    equal: int
    text: str
    trained: list[str]
    replaced: dict[str, str] = field(default_factory=dict)
    why: str = ""
    end: tuple[str, str] = ("", "")
    differs: dict[str, str] = field(default_factory=dict)
    variables: list[dict[str, Any]] = field(default_factory=list)

    def source(self) -> str:
        """The source of the model's template."""
        if self.reference.startswith("tokenizers/"):
            text: str = reference.tokenizer_config(self.reference.removeprefix("tokenizers/"))["chat_template"]
        else:
            text = reference.corpus_template(self.reference)
        for old, new in self.replaced.items():
            assert old in text, f"{self.reference} has no {old!r} to replace"
            text = text.replace(old, new)
        return text


def expected_of(name: str) -> Expected:
    return Expected(**json.loads((NAMED / f"{name}.json").read_text("utf-8")))


def clock(name: str) -> dict[str, Any]:
    """The time for chatmill's render, if the template reads the clock."""
    return {"now": reference.NOW} if "strftime_now" in source(name) else {}


def attempt(render: Any, *args: Any, **kwargs: Any) -> str | None:
    """The text, or None if the template rejects the conversation."""
    try:
        text: str = render(*args, **kwargs)
    except Exception:  # noqa: BLE001  (jinja2, TypeError, json: a template may fail in any way)
        return None
    return text


def shows_tools(conversation: dict[str, Any]) -> bool:
    messages = conversation["messages"]
    return bool(conversation.get("tools")) or any(it.get("tool_calls") or it["role"] == "tool" for it in messages)


def has_parts(conversation: dict[str, Any]) -> bool:
    return any(isinstance(it.get("content"), (list, dict)) for it in conversation["messages"])


def arguments(conversation: dict[str, Any], name: str) -> dict[str, Any]:
    """The keyword arguments of a render: those of the conversation, required inputs, and special tokens."""
    rest = {key: value for key, value in conversation.items() if key not in ("messages", "kw")}
    needed = {key: value for key, value in required(name).items() if not rest.get(key)}
    return {**rest, **needed, **conversation.get("kw", {}), **settings(name)["special_tokens"]}


@pytest.fixture(autouse=True)
def _clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    reference.freeze_clock(monkeypatch)


def test_names_are_the_files() -> None:
    assert sorted(ChatTemplate.names()) == names() == NAMES


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(chatmill.ChatmillError, match="chatml"):
        ChatTemplate.named("no such template")


@pytest.mark.parametrize("name", NAMES)
def test_basic_text(name: str) -> None:
    assert ChatTemplate.named(name).render(BASIC, **required(name), **clock(name)) == expected_of(name).text


@pytest.mark.parametrize("name", NAMES)
def test_settings_hold(name: str) -> None:
    template, its, (end, prompt_end) = ChatTemplate.named(name), settings(name), expected_of(name).end
    assert template.name == name
    assert template.has_generation
    assert template.special_tokens == its["special_tokens"]
    question = template.render(BASIC[:1], **required(name), **clock(name))
    assert question.endswith(end)
    question = question.removesuffix(end)
    prompted = template.render(BASIC[:1], add_generation_prompt=True, **required(name), **clock(name))
    assert prompted == question + prompt_end + its["generation_prompt"]
    # The generation prompt precedes the answer and the stop token ends it: the two edges of the trained span.
    text, spans = reference.spans(source(name), BASIC[:2], **required(name), **its["special_tokens"])
    assert text == template.render(BASIC[:2], **required(name), **clock(name))
    ((start, stop),) = spans
    assert text[:start] == question + its["generation_prompt"]
    assert text[start:stop].endswith(tuple(its["stop_tokens"]) or "Hallo.")
    assert text[stop:].removesuffix(end).strip() == ""


@pytest.mark.parametrize("name", NAMES)
def test_generation_spans_are_answer_and_stop(name: str) -> None:
    text, spans = reference.spans(source(name), BASIC, **required(name), **settings(name)["special_tokens"])
    assert text == expected_of(name).text
    assert [text[start:end] for start, end in spans] == expected_of(name).trained
    # Each part holds one answer and, if the model has stop tokens, one of them.
    for (start, end), answer in zip(spans, ("Hallo.", "Zeit für Tee."), strict=True):
        _, stop = text[start:end].split(answer)
        assert stop.strip() in (settings(name)["stop_tokens"] or [""])


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_a_span(name: str) -> None:
    its = settings(name)
    for key, conversation in reference.ordinary_conversations().items():
        kwargs = {**arguments(conversation, name), "add_generation_prompt": False}
        if attempt(reference.render, source(name), conversation["messages"], **kwargs) is None:
            continue
        del kwargs["add_generation_prompt"]
        text, spans = reference.spans(source(name), conversation["messages"], **kwargs)
        answers = [it for it in conversation["messages"] if it["role"] == "assistant"]
        for (start, end), answer in zip(spans, answers, strict=True):
            if its.get("stop_after_calls", True) or not answer.get("tool_calls"):
                assert text[start:end].endswith(tuple(its["stop_tokens"]) or ""), key


@pytest.mark.parametrize("name", NAMES)
def test_given_special_tokens_win(name: str) -> None:
    tokens: dict[str, Any] = {"bos_token": "<first>", "eos_token": "<last>"}
    template = ChatTemplate.named(name, **tokens)
    assert template.special_tokens["bos_token"] == "<first>"
    expected = reference.render(source(name), BASIC, **required(name), **tokens)
    assert template.render(BASIC, **required(name), **clock(name)) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if not settings(name)["tools"]])
@pytest.mark.parametrize("where", ["tools", "tool_calls"])
def test_tools_are_refused_not_dropped(name: str, where: str) -> None:
    call = {"id": "call00001", "type": "function", "function": {"name": "clock", "arguments": {}}}
    messages: list[dict[str, Any]] = [dict(it) for it in BASIC]
    if where == "tool_calls":
        messages[-1]["tool_calls"] = [call]
    tools = GIVEN["tools"] if where == "tools" else None
    with pytest.raises(chatmill.TemplateError, match="tool"):
        ChatTemplate.named(name).render(messages, tools=tools, **required(name), **clock(name))


@pytest.mark.parametrize("name", [name for name in NAMES if "requires" in settings(name)])
def test_what_is_required_is_asked_for(name: str) -> None:
    for missing in settings(name)["requires"]:
        rest = {key: value for key, value in required(name).items() if key != missing}
        with pytest.raises(chatmill.TemplateError, match=f"with {missing}"):
            ChatTemplate.named(name).render(BASIC, **rest, **clock(name))


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_same_text_as_the_model(name: str) -> None:
    """chatmill renders its own template, transformers renders the model's, on every ordinary conversation."""
    expect, its, template = expected_of(name), settings(name), ChatTemplate.named(name)
    theirs, equal = expect.source(), 0
    for key, conversation in reference.ordinary_conversations().items():
        kwargs = arguments(conversation, name)
        expected = attempt(reference.render, theirs, conversation["messages"], **kwargs)
        text = attempt(template.render, conversation["messages"], **kwargs, **clock(name))
        if key in expect.differs:
            assert text != expected, f"{key} agrees now; remove it from the list"
        elif expected is None or (not its["tools"] and shows_tools(conversation)):
            assert text is None, (key, text)
        elif text is None:
            # The model's template prints a list of parts like Python, or drops it, or drops images; ours rejects it.
            assert has_parts(conversation), key
        else:
            assert text == expected, key
            equal += 1
    assert equal == expect.equal


@reference.needs_corpus
@pytest.mark.parametrize("name", [name for name in NAMES if expected_of(name).variables])
def test_variables_of_the_model(name: str) -> None:
    """Variables have the same effect in both templates."""
    expect, template = expected_of(name), ChatTemplate.named(name)
    theirs = expect.source()
    for variables in expect.variables:
        changed = 0
        for key, conversation in reference.ordinary_conversations().items():
            plain = {**arguments(conversation, name), **clock(name)}
            text = attempt(template.render, conversation["messages"], **{**plain, **variables})
            if text is not None and key not in expect.differs:
                kwargs = {**arguments(conversation, name), **variables}
                assert text == attempt(reference.render, theirs, conversation["messages"], **kwargs), (key, variables)
                changed += text != attempt(template.render, conversation["messages"], **plain)
        assert changed, variables


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_same_text_as_transformers_on_our_source(name: str) -> None:
    """chatmill and transformers render the same source: the same texts, and errors for the same conversations."""
    template, equal = ChatTemplate.named(name), 0
    for key, conversation in reference.ordinary_conversations().items():
        kwargs = arguments(conversation, name)
        expected = attempt(reference.render, source(name), conversation["messages"], **kwargs)
        assert attempt(template.render, conversation["messages"], **kwargs, **clock(name)) == expected, key
        equal += expected is not None
    assert equal == reference.compared("test_named_templates.source")[name] >= expected_of(name).equal
