"""chatmill's own templates: what they print, and that the models' templates print the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import chatmill
import pytest
import reference
from chatmill import ChatTemplate

BASIC = [
    {"role": "user", "content": "Guten Tag! 👋"},
    {"role": "assistant", "content": "Hallo."},
    {"role": "user", "content": "Wie spät ist es?"},
    {"role": "assistant", "content": "Zeit für Tee."},
]

BASIC_TEXTS = {
    "chatml": "<|im_start|>user\nGuten Tag! 👋<|im_end|>\n<|im_start|>assistant\nHallo.<|im_end|>\n"
    "<|im_start|>user\nWie spät ist es?<|im_end|>\n<|im_start|>assistant\nZeit für Tee.<|im_end|>\n",
    "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nGuten Tag! 👋<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHallo.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWie spät ist es?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nZeit für Tee.<|eot_id|>",
    "qwen2.5": "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\nGuten Tag! 👋<|im_end|>\n<|im_start|>assistant\nHallo.<|im_end|>\n"
    "<|im_start|>user\nWie spät ist es?<|im_end|>\n<|im_start|>assistant\nZeit für Tee.<|im_end|>\n",
    "mistral": "<s>[INST] Guten Tag! 👋[/INST] Hallo.</s>[INST] Wie spät ist es?[/INST] Zeit für Tee.</s>",
    "gemma": "<bos><start_of_turn>user\nGuten Tag! 👋<end_of_turn>\n<start_of_turn>model\nHallo.<end_of_turn>\n"
    "<start_of_turn>user\nWie spät ist es?<end_of_turn>\n<start_of_turn>model\nZeit für Tee.<end_of_turn>\n",
    "zephyr": "<|user|>\nGuten Tag! 👋</s>\n<|assistant|>\nHallo.</s>\n"
    "<|user|>\nWie spät ist es?</s>\n<|assistant|>\nZeit für Tee.</s>\n",
    "phi-4": "<|im_start|>user<|im_sep|>Guten Tag! 👋<|im_end|><|im_start|>assistant<|im_sep|>Hallo.<|im_end|>"
    "<|im_start|>user<|im_sep|>Wie spät ist es?<|im_end|><|im_start|>assistant<|im_sep|>Zeit für Tee.<|im_end|>",
    "deepseek": "<｜begin▁of▁sentence｜><｜User｜>Guten Tag! 👋<｜Assistant｜>Hallo.<｜end▁of▁sentence｜>"
    "<｜User｜>Wie spät ist es?<｜Assistant｜>Zeit für Tee.<｜end▁of▁sentence｜>",
}

NAMES = sorted(BASIC_TEXTS)


@dataclass(frozen=True)
class Model:
    """The template that one of ours was checked against.

    Attributes:
        source: A template of the corpus, or `tokenizers/…` for the one that a tokenizer carries.
        differs: Conversations where the texts differ on purpose, with the reason.
    """

    source: str
    differs: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        if self.source.startswith("tokenizers/"):
            text: str = reference.tokenizer_config(self.source.removeprefix("tokenizers/"))["chat_template"]
            return text
        return reference.corpus_template(self.source)


MODELS = {
    "chatml": Model("axolotl-ai-cloud__axolotl/chatml"),
    "llama3": Model("huggingface__trl/llama3"),
    "qwen2.5": Model("tokenizers/qwen2.5"),
    "mistral": Model(
        "axolotl-ai-cloud__axolotl/fixture_mistralv03_chat_template_jinja_w_system",
        {"c30_empty_lists": "empty lists of tools and calls count as none; theirs prints half a bracket"},
    ),
    "gemma": Model("huggingface__trl/gemma3"),
    "zephyr": Model("GregoryBolshakov__hf-chat-template/zephyr-7b-beta"),
    "phi-4": Model(
        "ngxson__llama.cpp/phi-4",
        {
            "c22_user_user": "theirs prints the assistant's header after every user turn",
            "c30_empty_lists": "a generation prompt after an answer; theirs prints it after users only",
        },
    ),
    "deepseek": Model(
        "axolotl-ai-cloud__axolotl/deepseek_v3",
        {
            "c11_inline_think": "theirs cuts an inline <think> block, as V3.1 does",
            "c29_think_edge": "theirs cuts an inline <think> block, as V3.1 does",
            "c30_empty_lists": "an empty list of calls counts as none",
        },
    ),
}


def facts(name: str) -> dict[str, Any]:
    """What the file beside the template says about it."""
    read: dict[str, Any] = json.loads((reference.TEMPLATES / f"{name}.json").read_text("utf-8"))
    return read


def source(name: str) -> str:
    return (reference.TEMPLATES / f"{name}.jinja").read_text("utf-8")


def attempt(render: Any, *args: Any, **kwargs: Any) -> str | None:
    """The text, or None where the template refuses the conversation."""
    try:
        text: str = render(*args, **kwargs)
    except Exception:  # noqa: BLE001  (jinja2, TypeError, json: a template may fail in any way)
        return None
    return text


def shows_tools(conversation: dict[str, Any]) -> bool:
    messages = conversation["messages"]
    return bool(conversation.get("tools")) or any(it.get("tool_calls") or it["role"] == "tool" for it in messages)


def arguments(conversation: dict[str, Any], name: str) -> dict[str, Any]:
    """The keyword arguments of a render: the conversation's own, and the template's special tokens."""
    rest = {key: value for key, value in conversation.items() if key not in ("messages", "kw")}
    return {**rest, **conversation.get("kw", {}), **facts(name)["special_tokens"]}


def test_names_are_the_files() -> None:
    assert sorted(ChatTemplate.names()) == sorted(path.stem for path in reference.TEMPLATES.glob("*.jinja")) == NAMES


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(chatmill.ChatmillError, match="chatml"):
        ChatTemplate.named("no such template")


@pytest.mark.parametrize("name", NAMES)
def test_basic_text(name: str) -> None:
    assert ChatTemplate.named(name).render(BASIC) == BASIC_TEXTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_facts_hold(name: str) -> None:
    template, fact = ChatTemplate.named(name), facts(name)
    assert template.name == name
    assert template.has_generation
    assert template.special_tokens == fact["special_tokens"]
    prompted = template.render(BASIC[:1], add_generation_prompt=True)
    assert prompted == template.render(BASIC[:1]) + fact["generation_prompt"]
    # The prompt is what precedes the answer, the stop token what ends it: the two edges of the trained span.
    answered = template.render(BASIC[:2])
    assert answered.startswith(prompted)
    assert answered.removeprefix(prompted).strip() == "Hallo." + fact["stop_tokens"][0]


@pytest.mark.parametrize("name", NAMES)
def test_generation_spans_are_answer_and_stop(name: str) -> None:
    text, spans = reference.spans(source(name), BASIC, **facts(name)["special_tokens"])
    assert text == BASIC_TEXTS[name]
    stop = facts(name)["stop_tokens"][0]
    assert [text[start:end].strip() for start, end in spans] == [f"Hallo.{stop}", f"Zeit für Tee.{stop}"]


@pytest.mark.parametrize("name", NAMES)
def test_given_special_tokens_win(name: str) -> None:
    template = ChatTemplate.named(name, bos_token="<first>", eos_token="<last>")
    assert template.special_tokens["bos_token"] == "<first>"
    expected = reference.render(source(name), BASIC, bos_token="<first>", eos_token="<last>")
    assert template.render(BASIC) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if not facts(name)["tools"]])
@pytest.mark.parametrize("where", ["tools", "tool_calls"])
def test_tools_are_refused_not_dropped(name: str, where: str) -> None:
    tool = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
    call = {"id": "call00001", "type": "function", "function": {"name": "clock", "arguments": {}}}
    messages: list[dict[str, Any]] = [dict(it) for it in BASIC]
    if where == "tool_calls":
        messages[-1]["tool_calls"] = [call]
    with pytest.raises(chatmill.TemplateError, match="tool"):
        ChatTemplate.named(name).render(messages, tools=[tool] if where == "tools" else None)


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_same_text_as_the_model(name: str) -> None:
    """Ours, rendered by chatmill, against theirs, rendered by transformers, on every ordinary conversation."""
    model, fact, template = MODELS[name], facts(name), ChatTemplate.named(name)
    theirs, equal = model.text(), 0
    for key, conversation in reference.ordinary_conversations().items():
        kwargs = arguments(conversation, name)
        expected = attempt(reference.render, theirs, conversation["messages"], **kwargs)
        text = attempt(template.render, conversation["messages"], **kwargs)
        text_only = all(isinstance(it.get("content"), str) for it in conversation["messages"])
        if expected is None or (not fact["tools"] and shows_tools(conversation)):
            assert text is None, (key, text)
        elif key in model.differs:
            assert text != expected, f"{key} agrees now: drop it from the list"
        elif text is None:
            # Their `content | trim` prints a list of parts as Python does; ours refuses it.
            assert not text_only, key
        else:
            assert text == expected, key
            equal += 1
    assert equal >= 14


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_same_text_as_transformers_on_our_source(name: str) -> None:
    """Both sides render our file: what one refuses, the other refuses."""
    template, equal = ChatTemplate.named(name), 0
    for key, conversation in reference.ordinary_conversations().items():
        kwargs = arguments(conversation, name)
        expected = attempt(reference.render, source(name), conversation["messages"], **kwargs)
        assert attempt(template.render, conversation["messages"], **kwargs) == expected, key
        equal += expected is not None
    assert equal >= 14
