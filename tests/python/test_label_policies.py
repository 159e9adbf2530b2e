"""Labels of random conversations by random policies, compared with labels computed from regions and options.

Roles, turns, kinds, stop tokens, flags and ranges, weights, tokens across an edge.
Rejected rows do not count as examples.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pytest
import reference
from chatmill import Tokenizer
from hypothesis import given, reject
from hypothesis import strategies as st
from label_expected import (
    ALIASES,
    DOUBTS,
    OF_KINDS,
    POLICIES,
    Policy,
    by_token,
    check_any,
    check_labels,
    expected,
    trained_characters,
)
from label_rows import (
    BORROWING,
    NAMES,
    Messages,
    accepted,
    by_bytes,
    by_name,
    conversations,
    encode,
    flagged,
    mill,
    needed,
    properties,
)
from trained_spans import GENERATED, MASKED


@by_name
def test_the_default_trains_what_the_assistant_generates(name: str) -> None:
    """All text of the assistant through the stop token is trained, and nothing else."""

    @properties(20)
    @given(conversations(name))
    def holds(messages: Messages) -> None:
        encoding = accepted(encode(name, messages))
        generated: list[float] = []
        for region in encoding.regions:
            of_model = region.role == "assistant" and region.kind in GENERATED
            generated += [float(of_model)] * (region.end - region.start)
        if name == BORROWING or DOUBTS & set(encoding.notes):
            check_any(encoding, messages, {})
        else:
            check_labels(encoding, by_token(encoding, generated))
        assert (
            by_bytes().decode(encoding.input_ids)
            == encoding.text
            == mill(name).template.render(messages, now=reference.NOW, **needed(name))
        )

    holds()


@by_name
def test_policies_train_what_they_name(name: str) -> None:
    """Roles, turns, kinds, stop tokens and the flags of messages, in any combination."""

    @properties(40)
    @given(flagged(name), POLICIES)
    def holds(messages: Messages, policy: Policy) -> None:
        check_any(accepted(encode(name, messages, labels={**policy, "tags": False})), messages, policy)

    holds()


@by_name
def test_roles_are_a_union(name: str) -> None:
    """Training two roles trains the union of the tokens of each role."""

    @properties(15)
    @given(conversations(name), st.lists(st.sampled_from(list(ALIASES)), min_size=2, max_size=4, unique=True))
    def holds(messages: Messages, roles: list[str]) -> None:
        encodings = [
            encode(name, messages, labels={"roles": its, "unproved": "mask"})
            for its in [roles, *([it] for it in roles)]
        ]
        if encodings[0] is None:
            assert encodings[1:] == [None] * len(roles)
            reject()
        together, *alone = [
            [label != MASKED for label in encoding.labels] for encoding in encodings if encoding is not None
        ]
        assert together == [any(its) for its in zip(*alone, strict=True)]
        assert len(alone) == len(roles)

    holds()


@pytest.mark.parametrize("name", NAMES[::2])
def test_weights_are_those_of_kinds_and_messages(name: str) -> None:
    """The weight of a token is the product of the weights of its kind and its message; 0 means masked."""

    @properties(30)
    @given(flagged(name, (True, False, None, 0, 0.5, 1, 2)), POLICIES, OF_KINDS)
    def holds(messages: Messages, policy: Policy, of_kinds: dict[str, float]) -> None:
        policy = {**policy, "weights": of_kinds}
        encoding = accepted(encode(name, messages, labels={**policy, "tags": False, "weighted": True}))
        assert encoding.weights in [by_token(encoding, its) for its in expected(encoding, messages, policy)]
        check_labels(encoding, encoding.weights)

    holds()


@pytest.mark.parametrize("name", ["chatml", "deepseek", "qwen3", "llama2", "vicuna", "falcon", "gemma", BORROWING])
def test_boundaries_decide_for_tokens_across_an_edge(name: str, loaded: Tokenizer) -> None:
    """With a real vocabulary: any part, every part, or the first character. Tokens of one character stay together."""
    crossing: list[int] = []

    @properties(40)
    @given(flagged(name), POLICIES)
    def holds(messages: Messages, policy: Policy) -> None:
        policy = {**policy, "borrow_stop": False}
        trained = {}
        for boundary in ("overlap", "contained", "first"):
            chosen = {**policy, "boundary": boundary}
            encoding = accepted(encode(name, messages, loaded, labels={**chosen, "tags": False}))
            check_any(encoding, messages, chosen)
            trained[boundary] = {index for index, label in enumerate(encoding.labels) if label != MASKED}
            tokens = encoding.tokens
            for token, after in pairwise(tokens):
                assert after.start >= token.end or (token.label != MASKED) == (after.label != MASKED)
        assert trained["contained"] <= trained["first"] <= trained["overlap"]
        crossing.append(len(trained["overlap"] - trained["contained"]))

    holds()
    # These templates print line breaks next to contents, and a vocabulary joins them with those of the contents.
    assert name not in {"chatml", "qwen3", "gemma"} or any(crossing)


@pytest.mark.parametrize("name", ["chatml", "deepseek", "qwen3", "llama2", "vicuna", "falcon", "gemma", BORROWING])
def test_a_text_cut_at_the_edges_trains_exactly_what_is_chosen(name: str, loaded: Tokenizer) -> None:
    """`boundary="split"` gives the ids of separately encoded pieces, and no token crosses an edge."""

    @properties(40)
    @given(flagged(name), POLICIES)
    def holds(messages: Messages, policy: Policy) -> None:
        policy = {**policy, "borrow_stop": False, "boundary": "split"}
        encoding = accepted(encode(name, messages, loaded, labels={**policy, "tags": False}))
        trained = [float(it) for it in trained_characters(encoding)]
        assert trained in [[float(weight > 0) for weight in its] for its in expected(encoding, messages, policy)]
        check_labels(encoding, by_token(encoding, trained, "contained"))
        pieces = groupby(range(len(encoding.text)), key=lambda place: trained[place])
        texts = ["".join(encoding.text[place] for place in places) for _, places in pieces]
        assert encoding.input_ids == [token for text in texts for token in loaded.encode(text)]

    holds()


@properties(60)
@given(conversations("chatml"), st.data())
def test_ranges_of_characters_are_trained_where_they_are_printed(messages: Messages, data: st.DataObject) -> None:
    """Both ends are included, later ranges replace earlier ones, and the rest of the content is masked."""
    weights: list[float] = []
    for message in messages:
        content, of_assistant = message["content"], message["role"] == "assistant"
        own = [float(of_assistant)] * len(content)
        if content and data.draw(st.booleans()):
            message["train_detail"] = data.draw(ranges(len(content)))
            own = [0.0] * len(content)
            for it in message["train_detail"]:
                begin, end = it["begin_offset"], it["end_offset"] + 1
                own[begin:end] = [1.0 if it["weight"] is None else float(it["weight"])] * (end - begin)
        weights += [0.0] * len(f"<|im_start|>{message['role']}\n") + own
        weights += [float(of_assistant or "train_detail" in message)] * len("<|im_end|>") + [0.0]
    encoding = encode("chatml", messages, labels={"weighted": True})
    assert encoding is not None
    assert encoding.weights == by_token(encoding, weights)


def ranges(length: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    place = st.integers(0, length - 1)
    made = st.tuples(place, place, st.sampled_from([True, False, None, 0.5])).map(
        lambda it: {"begin_offset": min(it[:2]), "end_offset": max(it[:2]), "weight": it[2]}
    )
    return st.lists(made, max_size=3)


@pytest.mark.parametrize("content", [" ", "<think>"])
def test_ranges_of_contents_without_words(content: str) -> None:
    """An empty list of ranges means that nothing of the content is trained."""
    messages: Messages = [{"role": "user", "content": "Q"}]
    messages.append({"role": "assistant", "content": content, "train_detail": []})
    encoding = encode("chatml", messages)
    assert encoding is not None
    assert [token.text for token in encoding.tokens if token.label != MASKED] == ["<|im_end|>"]


def test_weights_are_there_where_they_are_asked_for() -> None:
    encoding = encode("chatml", [{"role": "user", "content": "Q"}], labels={"kinds": [], "weighted": True})
    assert encoding is not None
    assert encoding.weights == [0.0] * len(encoding)
