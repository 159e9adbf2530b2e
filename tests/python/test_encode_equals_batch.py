"""`Mill.encode` equals a batch of one row: the same ids, labels, weights, notes and errors.

This holds for all kinds of rows and all options.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, DataError, Encoding, Format, Mill, RowError, RowFailure
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from trained_spans import MASKED

TESTS = Path(__file__).parents[1]


TOKENIZER = byte_tokenizer(prefix=True, bos_token="<s>", eos_token="</s>", pad_token="</s>")
UNTAGGED = """{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}
{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"""
# Drops the last character of each content, moves system messages to the front, rejects the role "judge".
STRANGE = """{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor -%}
{% for m in messages if m.role != 'system' -%}
{% if m.role == 'judge' %}{{ raise_exception('no judges') }}{% endif %}[{{ m.role }}]{{ m.content[:-1] }}
{%- endfor %}"""
TEMPLATES = {
    "chatml": ChatTemplate.named("chatml", **TOKENIZER.special_tokens),
    "untagged": ChatTemplate(UNTAGGED, name="untagged"),
    "strange": ChatTemplate(STRANGE, name="strange"),
}

TEXT = st.sampled_from(["Hi", "", " ", "a b", "Grüße 你好", "<|im_end|>", "</s>", "x" * 40, "line\nbreak", "{}"])
ROLE = st.sampled_from(["user", "assistant", "system", "tool", "judge", "model"])
MESSAGE = st.fixed_dictionaries(
    {
        "role": ROLE,
        "content": TEXT | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2),
    },
    optional={
        "train": st.booleans(),
        "weight": st.sampled_from([0, 1, 0.5, -1, "x"]),
        "reasoning_content": TEXT,
        "name": TEXT,
        "tool_calls": st.just([{"function": {"name": "f", "arguments": {"a": "b"}}}]),
    },
)
TURN = st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt", "system", "martian"]), "value": TEXT})
ANY: st.SearchStrategy[Any] = st.sampled_from([None, 3, True, [], {}, "text", ["a"]])
CHAT = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGE, max_size=5) | ANY,
        "conversations": st.lists(TURN, max_size=4) | ANY,
        "chat_template_kwargs": st.sampled_from([None, {"a": 1}, "{", {"enable_thinking": False}]),
        "tools": st.sampled_from([None, [], [{"type": "function", "function": {"name": "f"}}], "[", 3]),
    },
)
FORMATS = [
    "alpaca", "alpaca:messages", "alpaca:chat", "sharegpt:chatml", "sharegpt:messages", "input_output", "completion",
    "pretrain", "tokenized", "stepwise_supervised", "preference", "kto", "reward", "dpo.intel:chatml", "instruct",
    "dpo.intel:messages", "context_qa", "llama_factory.alpaca",
]  # fmt: skip


def rows_of(name: str) -> list[dict[str, Any]]:
    """Example rows of a format."""
    file = TESTS / "formats" / f"{name.split(':', maxsplit=1)[0]}.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@st.composite
def formatted(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A format and one of its example rows, in which a field may be changed or removed."""
    name = draw(st.sampled_from(FORMATS))
    row = dict(draw(st.sampled_from(rows_of(name))))
    for key in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
        change = draw(st.sampled_from(["keep", "remove", "any", "text"]))
        if change == "remove":
            row.pop(key, None)
        elif change != "keep":
            row[key] = draw(ANY if change == "any" else TEXT)
    return name, row


LABELS = st.sampled_from([
    "assistant", "all", "none", "last", "tool_calls", "axolotl", "unsloth", "open-instruct", "completion",
    "llama-factory", "hf", {"turns": 1}, {"roles": "all"}, {"weights": {"content": 0.5}}, {"kinds": ["content"]},
    {"unproved": "mask"}, {"boundary": "split"}, {"tags": False}, {"unproved": "raise"},
])  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "labels": LABELS,
        "split": st.just("per_turn"),
        "max_length": st.integers(1, 60),
        "truncation": st.sampled_from(["keep_start", "keep_end", "turns", "drop", "raise", "split"]),
        "segment_length": st.integers(1, 20),
        "special_tokens": st.sampled_from(["allow", "text", "raise"]),
        "all_masked": st.sampled_from(["keep", "reject"]),
    },
)


def encoded(mill: Mill, row: Any) -> Encoding | ChatmillError:
    """The result of `encode` for a row."""
    try:
        if mill.format is not None:
            return mill.encode(row)
        variables = row.get("chat_template_kwargs") or {}
        messages = row.get("messages") if row.get("messages") is not None else row.get("conversations")
        return mill.encode(messages, row.get("tools"), None, **variables)
    except ChatmillError as error:
        return error


def compare(mill: Mill, row: dict[str, Any]) -> None:
    """Compare the row through `encode` with the same row as a batch of JSON rows."""
    result = encoded(mill, row)
    batch = pa.record_batch({"row": pa.array([json.dumps(row)])})
    try:
        tokens = mill(batch, json_column="row")
    except RowError as error:
        same_error(error.failure, result)
        return
    if tokens.failures:
        same_error(tokens.failures[0], result)
        return
    assert isinstance(result, Encoding), result
    assert dict.fromkeys(result.notes, 1) == tokens.counts
    samples = [sample for sample in pa.table(tokens).to_pylist() if sample["length"] is not None]
    if "input_ids" not in samples[0]:
        same_answers(samples[0], result)
        return
    assert [sample["input_ids"] for sample in samples] == [it.input_ids for it in result.samples]
    assert [sample["labels"] for sample in samples] == [it.labels for it in result.samples]
    assert [sample.get("weights") for sample in samples] == [it.weights for it in result.samples]
    for sample in result.samples:
        assert [token.id for token in sample.tokens] == sample.input_ids
        ends = [token.end for token in sample.tokens]
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= len(sample.text)


def same_error(failure: RowFailure, result: Encoding | ChatmillError) -> None:
    assert isinstance(result, ChatmillError), failure
    found: Any = result
    assert (found.code, found.text) == (failure.code, failure.text)
    assert (found.message, found.template_line) == (failure.message, failure.template_line)


def same_answers(row: dict[str, Any], result: Encoding) -> None:
    prompt = row.get("prompt_ids") or []
    for sample in result.samples:
        answer = row[f"{sample.answer}_ids"]
        assert sample.input_ids == prompt + answer
        assert sample.labels == [MASKED] * len(prompt) + answer
    assert len(result.samples) == len([name for name in row if name.endswith("_ids")]) - ("prompt_ids" in row)


def mill_of(template: ChatTemplate | None, options: dict[str, Any]) -> Mill:
    """A mill. Options that cannot be combined, which must be one clear error, do not count as an example."""
    mill = None
    try:
        mill = Mill(TOKENIZER, template, on_error="null", **options)
    except DataError as error:
        assert error.code == "option"  # noqa: PT017  (the other result is a mill)
    if mill is None:
        reject()
    return mill


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(TEMPLATES)), CHAT, OPTIONS)
def test_chat_rows(template: str, row: dict[str, Any], options: dict[str, Any]) -> None:
    if not isinstance(row.get("chat_template_kwargs"), dict):
        row.pop("chat_template_kwargs", None)
    assume(any(row.get(name) is not None for name in ("messages", "conversations")))
    compare(mill_of(TEMPLATES[template], options), row)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(formatted(), OPTIONS)
def test_rows_of_formats(case: tuple[str, dict[str, Any]], options: dict[str, Any]) -> None:
    name, row = case
    form = Format.named(name)
    template = TEMPLATES["chatml"] if form.needs_template else None
    compare(mill_of(template, {**options, "format": form}), row)


@pytest.mark.parametrize("name", FORMATS)
def test_example_rows_without_options(name: str) -> None:
    form = Format.named(name)
    mill = Mill(TOKENIZER, TEMPLATES["chatml"] if form.needs_template else None, format=form, on_error="null")
    for row in rows_of(name):
        compare(mill, row)
        assert isinstance(encoded(mill, row), Encoding)


def test_every_kind_of_rows_is_tried() -> None:
    kinds = {Format.named(name).kind for name in FORMATS}
    assert kinds == {"chat", "segments", "answers", "tokens", "text"}
