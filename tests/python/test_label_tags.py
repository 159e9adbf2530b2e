"""What is trained without `{% generation %}` tags, against the tags of the named templates, whatever texts hold."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from chatmill import Encoding
from hypothesis import given
from hypothesis import strategies as st
from label_expected import CHOICES, DOUBTS, Policy, trained_characters
from label_rows import BORROWING, NAMES, Messages, encode, flagged, properties, without_flags


@pytest.mark.parametrize("name", [name for name in NAMES if name != BORROWING])
def test_regions_find_what_the_tags_enclose(name: str) -> None:
    """The author of a template tagged what is trained: without the tags the same is found, whatever the texts hold."""
    kept: list[int] = []
    policies = st.fixed_dictionaries({}, optional={key: CHOICES[key] for key in ("turns", "flags")})

    @properties(25)
    @given(flagged(name), policies)
    def holds(messages: Messages, policy: Policy) -> None:
        # Tags say nothing of what others than the assistant write.
        messages = [it if it["role"] == "assistant" else without_flags(it) for it in messages]
        tagged, found = (encode(name, messages, tags=tags, labels=policy) for tags in (True, False))
        if tagged is None or found is None:
            return
        kept.append(len(found))
        assert found.input_ids == tagged.input_ids
        assert not differences(found, tagged)

    holds()
    assert kept


def differences(found: Encoding, tagged: Encoding) -> str:
    """The characters that are trained with the tags alone, or without them alone."""
    ours, theirs = trained_characters(found), trained_characters(tagged)
    differ = [place for place in range(len(found.text)) if ours[place] != theirs[place]]
    for before, region in pairwise(found.regions):
        inside = range(region.start, region.end)
        if region.kind == "trailing" and (before.message, before.kind) != (region.message, "closer"):
            # Where no stop token ends a turn, white space at its end is not taken for the model's: it cannot be told
            # from what a template puts between turns.
            differ = [place for place in differ if place not in inside or not found.text[place].isspace()]
        elif "value_dropped" in found.notes and region.role == "assistant" and not any(ours[place] for place in inside):
            # A turn of which the template prints no word is not trained.
            shown = "".join(found.text[place] for place in inside if theirs[place])
            if not words(re.sub("<[^<>]*>|final", "", shown)):
                differ = [place for place in differ if place not in inside]
    return "".join(found.text[place] for place in differ)


def words(text: str) -> str:
    """A text without white space and tags of reasoning."""
    return re.sub(r"</?think>|\s", "", text)


# What did not hold once, each by its smallest example.

CALL = {"id": "call00001", "type": "function", "function": {"name": "f", "arguments": {"a": "b"}}}
ONCE_MISSED = {
    "gpt-oss": (
        [("user", "Q", {}), ("assistant", "", {"thinking": "T"})],
        "of an answer that is empty but for its reasoning, the part behind the first stop token is not trained",
    ),
    "command-r-tool_use": (
        [("user", "Q", {}), ("assistant", "", {"tool_calls": [CALL]})],
        "instructions that a template prints behind a conversation are trained where that ends with a call",
    ),
    "qwen3": (
        [("system", "S", {}), ("user", "", {}), ("assistant", "", {}), ("user", "R", {})],
        "an empty answer behind an empty question has no region, and is not trained",
    ),
}


@pytest.mark.parametrize(
    ("name", "turns"),
    [pytest.param(name, turns, id=f"{name}: {why}") for name, (turns, why) in ONCE_MISSED.items()],
)
def test_what_regions_once_missed(name: str, turns: list[tuple[str, str, dict[str, Any]]]) -> None:
    messages = [{"role": role, "content": content, **others} for role, content, others in turns]
    tagged, found = (encode(name, messages, tags=tags) for tags in (True, False))
    assert tagged is not None
    # To refuse the row, or to note that something is not trained, would do.
    assert found is None or DOUBTS & set(found.notes) or not differences(found, tagged)


def test_templates_that_need_documents_are_proved() -> None:
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    assert encode("command-r-rag", messages) is not None
