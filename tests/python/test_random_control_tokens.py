"""Control tokens in random conversations with `special_tokens="text"`: only the template prints control tokens."""

from __future__ import annotations

import re

from hypothesis import given, reject
from hypothesis import strategies as st
from label_expected import trained_characters
from label_rows import ADDED, Messages, by_name, conversations, encode, properties, with_think_tags


@by_name
def test_control_tokens_in_contents_are_text(name: str) -> None:
    """With `special_tokens="text"` no part of a content is a control token, and the same characters are trained."""
    tokenizer = with_think_tags()
    control = set(tokenizer.encode("".join(ADDED)))

    @properties(25)
    @given(conversations(name))
    def holds(messages: Messages) -> None:
        allowed = encode(name, messages, tokenizer)
        plain = encode(name, messages, tokenizer, special_tokens="text")
        if allowed is None or plain is None:
            assert plain is allowed
            reject()
        assert tokenizer.decode(plain.input_ids) == plain.text == allowed.text
        assert trained_characters(plain) == trained_characters(allowed)
        assert plain.regions == allowed.regions
        contents = [it for it in plain.regions if it.role != "assistant" and it.kind in {"content", "tool_result"}]
        inside = {place for it in contents for place in range(it.start, it.end)}
        assert not any(token.id in control and token.start in inside for token in plain.tokens)

    holds()


@properties(60)
@given(conversations("chatml"), st.lists(st.sampled_from(ADDED), unique=True))
def test_control_tokens_are_those_of_the_template(messages: Messages, exceptions: list[str]) -> None:
    """Control tokens come only from the template, two per message, or are allowed."""
    tokenizer, ids = with_think_tags(), []
    # The pattern has one group, so every second piece is an allowed token.
    pattern = re.compile("(" + "|".join(map(re.escape, exceptions)) + ")") if exceptions else re.compile("((?!))")
    for message in messages:
        ids += tokenizer.encode("<|im_start|>" + message["role"] + "\n")
        for index, piece in enumerate(pattern.split(message["content"])):
            ids += tokenizer.encode(piece) if index % 2 else list(piece.encode())
        ids += tokenizer.encode("<|im_end|>\n")
    encoding = encode("chatml", messages, tokenizer, special_tokens="text", allowed_special_tokens=exceptions)
    assert encoding is not None
    assert encoding.input_ids == ids


def test_think_tags_alone_are_text() -> None:
    """Contents of only think tags are encoded as text, as they are between words."""
    control = with_think_tags().encode("<think></think>")
    messages = [{"role": "user", "content": "<think></think>"}, {"role": "assistant", "content": "A"}]
    encoding = encode("chatml", messages, with_think_tags(), special_tokens="text")
    assert encoding is not None
    assert not set(control) & set(encoding.input_ids)
