"""Random conversations, and mills that label them.

Most mills use a tokenizer whose tokens are bytes, except for four control tokens, so labels are exact to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pytest
import reference
from awkward_texts import AWKWARD, LETTERS
from byte_tokenizers import DEFINITION, byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, Encoding, Mill, Tokenizer
from empty_answers import EMPTY_ALLOWED
from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st
from template_files import required, source, untagged
from template_files import settings as settings_of

BORROWING = "a stop token before each turn"
NAMES = [*ChatTemplate.names(), BORROWING]
FLAGS = ("train", "training", "weight")
ADDED = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "<think>", "</think>"]
STOPS = ["<|im_start|>", "<|im_end|>"]
REFUSALS = {"template_raised", "template_failed", "header_mismatch", "merged", "unanchored"}
Messages = list[dict[str, Any]]

by_name = pytest.mark.parametrize("name", NAMES)


# The mills.


def by_bytes() -> Tokenizer:
    return byte_tokenizer(bos_token="<s>", eos_token="<|im_end|>", pad_token="</s>", stop_tokens=STOPS[:1])


@lru_cache
def with_think_tags() -> Tokenizer:
    """The same tokenizer with reasoning tags that are control tokens, as in Qwen3's tokenizer."""
    definition = json.loads(DEFINITION)
    token = definition["added_tokens"][0]
    definition["added_tokens"] += [{**token, "id": 260 + at, "content": tag} for at, tag in enumerate(ADDED[4:])]
    return Tokenizer(json.dumps(definition), stop_tokens=STOPS)


@lru_cache
def template(name: str, *, tags: bool = False) -> ChatTemplate:
    if name == BORROWING:
        turn = "<|im_start|>{{ m.role + '\n' + m.content + '\n' }}"
        prompt = "{% if add_generation_prompt %}<|im_start|>assistant{{ '\n' }}{% endif %}"
        return ChatTemplate("{% for m in messages %}" + turn + "{% endfor %}" + prompt)
    its = source(name)
    return ChatTemplate(its if tags else untagged(its), **settings_of(name)["special_tokens"])


def mill(name: str, tokenizer: Tokenizer | None = None, *, tags: bool = False, **options: Any) -> Mill:
    options = {"format": EMPTY_ALLOWED, **options}
    return Mill(tokenizer or by_bytes(), template(name, tags=tags), threads=1, now=reference.NOW, **options)


def needed(name: str) -> dict[str, Any]:
    """The tools or documents that a template requires."""
    return {} if name == BORROWING else required(name)


def encode(name: str, messages: Messages, *args: Any, **options: Any) -> Encoding | None:
    """Encode a row; None if it is rejected by the template, or because its labels are not proved."""
    try:
        return mill(name, *args, **options).encode({"messages": messages, **needed(name)})
    except ChatmillError as error:
        if error.code not in REFUSALS:
            raise
        return None


def accepted(encoding: Encoding | None) -> Encoding:
    """The encoding of a row; a rejected row does not count as an example."""
    if encoding is None:
        reject()
    return encoding


# Conversations.

THINKING = ["<think>", "</think>", "<think>a</think>", "<think>\n\n</think>\n\n", "<think>\nso\n</think>\n\nb"]
CONTROL = [
    "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|im_start|>assistant\n", "<|im_end|>\n", "<|im_end|>\n<|im_start|>",
    "[INST]", "[/INST]", "USER: ", "ASSISTANT:", "### Response:\n", "<tool_call>", "</tool_call>", "<|eot_id|>",
]  # fmt: skip


@lru_cache
def contents(name: str) -> st.SearchStrategy[str]:
    """Texts, including texts that the template prints around contents."""
    own = [] if name == BORROWING else [settings_of(name)["generation_prompt"], *settings_of(name)["stop_tokens"]]
    pieces = st.one_of(
        st.sampled_from(AWKWARD),
        st.sampled_from(THINKING),
        st.sampled_from(CONTROL + own),
        st.text(LETTERS, max_size=12),
    )
    return st.one_of(
        st.lists(pieces, max_size=5).map("".join), st.text(LETTERS, max_size=30), st.text("ab \n", max_size=8)
    )


@st.composite
def conversations(draw: st.DrawFn, name: str) -> Messages:
    """Turns in an order that templates accept, with tool calls if the template prints them."""
    text, messages = contents(name), list[dict[str, Any]]()
    known = {} if name == BORROWING else settings_of(name)
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(text)})
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(text)})
        answer: dict[str, Any] = {"role": "assistant", "content": draw(text)}
        if known.get("reasoning") and draw(st.booleans()):
            answer[draw(st.sampled_from(["reasoning_content", "thinking"]))] = draw(text)
        messages.append(answer)
        if known.get("tools") and draw(st.booleans()):
            function = {"name": "f", "arguments": {"a": draw(text)}}
            answer["tool_calls"] = [{"id": "call00001", "type": "function", "function": function}]
            messages.append({"role": "tool", "name": "f", "tool_call_id": "call00001", "content": draw(text)})
            messages.append({"role": "assistant", "content": draw(text)})
    return messages[: draw(st.integers(2, len(messages)))]


@st.composite
def flagged(draw: st.DrawFn, name: str, values: Sequence[Any] = (True, False, None, 0, 1)) -> Messages:
    """A conversation in which some messages have flags or weights."""
    own = st.dictionaries(st.sampled_from(FLAGS), st.sampled_from(values), max_size=2)
    return [{**message, **(draw(own) if draw(st.booleans()) else {})} for message in draw(conversations(name))]


def without_flags(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in FLAGS}


def properties(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Settings of hypothesis: conversations are large, so the number of examples is small.

    Hypothesis replaces rejected rows (`accepted`), and fails if it finds almost no others.
    """
    ignored = [check for check in HealthCheck if check is not HealthCheck.filter_too_much]
    return settings(max_examples=examples, deadline=None, suppress_health_check=ignored)
