"""Labels equal transformers' masks if the template tags answer and stop token; without the tags they are the same.

transformers finds the tokens of a span with `char_to_token`, which is wrong in two cases: if a span begins with white
space that the tokenizer leaves out of its offsets, and if a span ends at token 0. So there are two references: its own
mask, except in these cases, and the overlap of tokens and spans, computed from the offsets, in all cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pytest
import reference
from awkward_texts import AWKWARD, LETTERS
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Encoding, Mill, Tokenizer
from empty_answers import EMPTY_ALLOWED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from template_files import settings as settings_of
from template_files import source, untagged
from trained_spans import MASKED

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Tagged:
    """A template whose `{% generation %}` tags enclose the text of the model: the answer through its stop token."""

    name: str
    source: str = field(repr=False)
    tokenizer: str
    special_tokens: dict[str, Any]

    @property
    def bundled(self) -> bool:
        """Whether it works without the corpus."""
        return self.tokenizer == reference.BUNDLED


def named(name: str, tokenizer: str) -> Tagged:
    return Tagged(name, source(name), tokenizer, settings_of(name)["special_tokens"])


def of_corpus(name: str, tokenizer: str = "qwen3") -> Tagged:
    source = reference.corpus_template(name) if reference.CORPUS.is_dir() else ""
    return Tagged(name, source, tokenizer, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"})


TEMPLATES = [
    named("deepseek", reference.BUNDLED),
    named("chatml", reference.BUNDLED),
    named("chatml", "qwen3"),
    named("llama3", "llama-3.1"),
    named("qwen2.5", "qwen2.5"),
    named("mistral", "mistral-v0.3"),
    named("gemma", "gemma-4"),
    named("zephyr", "llama2"),
    named("phi-4", "gpt-oss"),
    named("deepseek", "deepseek-v4"),
    of_corpus("huggingface__trl/chat_template-dd194fd4"),
    of_corpus("huggingface__trl/llama3_training", "llama-3.1"),
    of_corpus("huggingface__trl/cohere_training"),
    of_corpus("huggingface__trl/cohere2_training"),
    of_corpus("axolotl-ai-cloud__axolotl/phi_4"),
    of_corpus("NVIDIA-NeMo__Automodel/moonlight-16b--chat_template", "kimi-k2"),
    of_corpus("NVIDIA-NeMo__Automodel/olmo--chat_template", "gpt2"),
    of_corpus("huggingface__huggingface.js/library-rnj-1-latest"),
]
by_template = pytest.mark.parametrize(
    "tagged",
    [
        pytest.param(it, id=f"{it.name}-{it.tokenizer}", marks=() if it.bundled else reference.needs_corpus)
        for it in TEMPLATES
    ],
)


@lru_cache
def tokenizer(name: str) -> Tokenizer:
    # The reference is built from the file too.
    return Tokenizer.from_pretrained(reference.tokenizer_folder(name), rebuild=False)


@lru_cache
def mill(source: str, name: str, special_tokens: tuple[tuple[str, str], ...]) -> Mill:
    return Mill(tokenizer(name), ChatTemplate(source, **dict(special_tokens)), threads=1, format=EMPTY_ALLOWED)


def mill_of(tagged: Tagged, *, tags: bool) -> Mill:
    source = tagged.source if tags else untagged(tagged.source)
    return mill(source, tagged.tokenizer, tuple(tagged.special_tokens.items()))


@dataclass(frozen=True)
class Expected:
    """The expected result of a conversation.

    Attributes:
        ids: The token ids.
        labels: By overlap of tokens and spans.
        mask: transformers' own mask as labels, or None if it is or may be wrong.
    """

    ids: list[int]
    labels: list[int]
    mask: list[int] | None


def expect(tagged: Tagged, messages: Messages, tools: list[Any] | None = None) -> Expected:
    its = reference.tokenizer(tagged.tokenizer)
    text, tracked = reference.spans(tagged.source, messages, tools=tools, **tagged.special_tokens)
    spans = [(left, right) for left, right in tracked if left < right]
    encoded = its(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = encoded["input_ids"]

    # A token begins at the end of the previous token, because offsets leave out characters that the tokenizer trims.
    trained, end = [False] * len(ids), 0
    for index, (start, stop) in enumerate(encoded["offset_mapping"]):
        begin = min(start, end)
        end = max(end, stop)
        trained[index] = any(begin < right and left < stop for left, right in spans)
    labels = [i if on else MASKED for i, on in zip(ids, trained, strict=True)]

    edges = [(encoded.char_to_token(left), encoded.char_to_token(right - 1)) for left, right in spans]
    # An empty span trains nothing, but transformers trains the token at its place.
    inside = [
        encoded.char_to_token(left) == encoded.char_to_token(left - 1) for left, right in tracked if left == right
    ]
    if any(first is None or not last for first, last in edges) or any(inside):
        return Expected(ids, labels, None)
    out = its.apply_chat_template(
        messages, tools=tools, chat_template=tagged.source, return_dict=True, return_assistant_tokens_mask=True,
        **tagged.special_tokens,
    )  # fmt: skip
    assert out["input_ids"] == ids
    return Expected(ids, labels, [i if on else MASKED for i, on in zip(ids, out["assistant_masks"], strict=True)])


def check(tagged: Tagged, messages: Messages, tools: list[Any] | None = None) -> bool:
    """Compare one conversation, and return whether transformers' own mask could be compared."""
    expected = expect(tagged, messages, tools)
    for tags in (True, False):
        encoding = mill_of(tagged, tags=tags).encode({"messages": messages, "tools": tools})
        assert encoding.input_ids == expected.ids, f"tags={tags}"
        labels = expected.labels
        if "value_dropped" in encoding.notes:
            # Tags select the trained text in any case. Without tags, a turn whose value is lost is not trained.
            assert not tags
            labels = without_turns(encoding, labels, dropped_turns(messages, encoding.text))
        assert encoding.labels == labels, f"tags={tags}: {encoding.text!r}"
    if expected.mask is not None:
        assert expected.mask == expected.labels
    return expected.mask is not None


def dropped_turns(messages: Messages, text: str) -> set[int]:
    """The assistant messages of which the template prints neither the content nor a call."""
    dropped = set()
    for index, message in enumerate(messages):
        values = [call["function"]["name"] for call in message.get("tool_calls") or []]
        values += [message["content"]] if message.get("content") else []
        if message["role"] == "assistant" and values and not any(str(value).strip() in text for value in values):
            dropped.add(index)
    assert dropped
    return dropped


def without_turns(encoding: Encoding, labels: list[int], turns: set[int]) -> list[int]:
    """The labels with some turns masked."""
    places = [(it.start, it.end) for it in encoding.regions if it.message in turns]
    inside = [any(start <= token.start < end for start, end in places) for token in encoding.tokens]
    return [MASKED if masked else label for label, masked in zip(labels, inside, strict=True)]


@reference.needs_corpus
@by_template
def test_corpus_conversations(tagged: Tagged) -> None:
    compared = 0
    for conversation in reference.ordinary_conversations().values():
        messages, tools = conversation["messages"], conversation.get("tools")
        try:
            reference.render(tagged.source, messages, tools=tools, **tagged.special_tokens)
        except Exception:  # noqa: BLE001  (refusals are the business of other tests)
            continue
        compared += check(tagged, messages, tools)
    key = f"{tagged.name}-{tagged.tokenizer}"
    assert compared == reference.compared("test_masks.corpus")[key]


@pytest.mark.parametrize("name", reference.tagged_templates())
def test_tags_say_what_is_trained(name: str) -> None:
    """Tags come before regions, even if an author tags more or less than the answer and its stop token."""
    tagged, compared = of_corpus(name), 0
    for conversation in reference.ordinary_conversations().values():
        messages, tools = conversation["messages"], conversation.get("tools")
        try:
            expected = expect(tagged, messages, tools)
        except Exception:  # noqa: BLE001  (refusals are the business of other tests)
            continue
        encoding = mill_of(tagged, tags=True).encode({"messages": messages, "tools": tools})
        assert encoding.input_ids == expected.ids
        assert encoding.labels == expected.labels
        assert expected.mask in (None, expected.labels)
        compared += 1
    assert compared == reference.compared("test_masks.tags")[name]


@by_template
def test_examples(tagged: Tagged) -> None:
    rows = [it for it in map(strictly_alternating, reference.example_conversations()) if it]
    assert len(rows) == 192
    assert sum(check(tagged, messages) for messages in rows) == 192


@reference.needs_corpus
@by_template
def test_real_rows(tagged: Tagged) -> None:
    rows = [it for it in map(strictly_alternating, real_rows(40)) if it]
    assert len(rows) == 80
    assert sum(check(tagged, messages) for messages in rows) == 80


def real_rows(count: int) -> list[Messages]:
    """The first conversations of two datasets of the corpus."""
    sets = ("smilechat_zh_10k", "chitchat_en_4k")
    return [row["messages"] for name in sets for _, row in zip(range(count), reference.rows(name), strict=False)]


def strictly_alternating(messages: Messages) -> Messages:
    """The longest start of a conversation in which user and assistant alternate, as some templates require."""
    kept: Messages = []
    for message in messages:
        if message["role"] != ("user", "assistant")[len(kept) % 2]:
            break
        kept.append(message)
    return kept[: len(kept) // 2 * 2]


awkward = st.sampled_from(AWKWARD)
contents = st.one_of(
    st.lists(st.one_of(awkward, st.text(LETTERS, max_size=12)), max_size=6).map("".join),
    st.text(LETTERS, max_size=40),
    st.text("ab \n", max_size=8),
)


@st.composite
def conversations(draw: st.DrawFn) -> Messages:
    messages: Messages = []
    for _ in range(draw(st.integers(1, 4))):
        messages.append({"role": "user", "content": draw(contents)})
        messages.append({"role": "assistant", "content": draw(contents)})
    return messages


@by_template
@given(messages=conversations())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_conversations(tagged: Tagged, messages: Messages) -> None:
    check(tagged, messages)


@by_template
def test_batch_gives_what_encode_gives(tagged: Tagged) -> None:
    rows = [it for it in map(strictly_alternating, reference.example_conversations()[:60]) if it]
    one = mill_of(tagged, tags=True)
    out = pa.table(one(pa.Table.from_pylist([{"messages": it} for it in rows])))
    encodings = [one.encode({"messages": it}) for it in rows]
    assert out["input_ids"].to_pylist() == [it.input_ids for it in encodings]
    assert out["labels"].to_pylist() == [it.labels for it in encodings]
    assert out["length"].to_pylist() == [len(it) for it in encodings]


def test_no_tags_warns_nobody_and_trains_the_answer() -> None:
    """transformers returns a mask of zeros for a template without tags; chatmill finds the answer."""
    tagged = TEMPLATES[0]
    messages = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]
    encoding = mill_of(tagged, tags=False).encode({"messages": messages})
    trained = "".join(token.text for token in encoding.tokens if token.label != MASKED)
    assert trained == "2<｜end▁of▁sentence｜>"


def test_values_that_are_one_string_in_memory() -> None:
    """Python keeps one copy of short strings, so a content may be the same object as a role, a name or a key."""
    source = (
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    )
    mill = Mill(byte_tokenizer(), ChatTemplate(source))
    for answer in ("user", "assistant", "x", "content", "role", "0"):
        messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": answer}]
        encoding = mill.encode(messages)
        trained = "".join(token.text for token in encoding.tokens if token.label != MASKED)
        assert trained == f"{answer}<|end|>"
