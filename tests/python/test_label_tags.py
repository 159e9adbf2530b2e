"""The trained text without `{% generation %}` tags, compared with the tags of the named templates, for any texts."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from chatmill import ChatmillError, Encoding
from hypothesis import given
from hypothesis import strategies as st
from label_expected import CHOICES, Policy, trained_characters
from label_rows import BORROWING, NAMES, Messages, accepted, encode, flagged, mill, properties, without_flags


@pytest.mark.parametrize("name", [name for name in NAMES if name != BORROWING])
def test_regions_find_what_the_tags_enclose(name: str) -> None:
    """The author of a template tagged the trained text. Without the tags, the same text is found for any contents."""
    policies = st.fixed_dictionaries({}, optional={key: CHOICES[key] for key in ("turns", "flags")})

    @properties(25)
    @given(flagged(name), policies)
    def holds(messages: Messages, policy: Policy) -> None:
        # Tags enclose only text of the assistant.
        messages = [it if it["role"] == "assistant" else without_flags(it) for it in messages]
        tagged, found = (accepted(encode(name, messages, tags=tags, labels=policy)) for tags in (True, False))
        assert found.input_ids == tagged.input_ids
        assert not differences(found, tagged)

    holds()


def differences(found: Encoding, tagged: Encoding) -> str:
    """The characters that are trained only with the tags, or only without them."""
    ours, theirs = trained_characters(found), trained_characters(tagged)
    differ = [place for place in range(len(found.text)) if ours[place] != theirs[place]]
    for before, region in pairwise(found.regions):
        inside = range(region.start, region.end)
        if region.kind == "trailing" and (before.message, before.kind) != (region.message, "closer"):
            # If no stop token ends a turn, white space at its end is not trained, because it cannot be distinguished
            # from white space that the template prints between turns.
            differ = [place for place in differ if place not in inside or not found.text[place].isspace()]
        elif "value_dropped" in found.notes and region.role == "assistant" and not any(ours[place] for place in inside):
            # If the template prints no word of a turn, the turn is not trained.
            shown = "".join(found.text[place] for place in inside if theirs[place])
            if not words(re.sub("<[^<>]*>|final", "", shown)):
                differ = [place for place in differ if place not in inside]
    return "".join(found.text[place] for place in differ)


def words(text: str) -> str:
    """A text without white space and reasoning tags."""
    return re.sub(r"</?think>|\s", "", text)


# The smallest examples of earlier failures.

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

# Without tags, the end of such a turn is unknown.
REJECTED = {"gpt-oss": "unanchored"}


@pytest.mark.parametrize(
    ("name", "turns"),
    [pytest.param(name, turns, id=f"{name}: {why}") for name, (turns, why) in ONCE_MISSED.items()],
)
def test_what_regions_once_missed(name: str, turns: list[tuple[str, str, dict[str, Any]]]) -> None:
    messages = [{"role": role, "content": content, **others} for role, content, others in turns]
    if name in REJECTED:
        with pytest.raises(ChatmillError) as caught:
            mill(name).encode({"messages": messages})
        assert caught.value.code == REJECTED[name]
        return
    tagged, found = (encode(name, messages, tags=tags) for tags in (True, False))
    assert tagged is not None
    assert found is not None
    assert "proved" in found.notes
    assert not differences(found, tagged)


def test_templates_that_need_documents_are_proved() -> None:
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    encoding = encode("command-r-rag", messages)
    assert encoding is not None
    assert "proved" in encoding.notes
