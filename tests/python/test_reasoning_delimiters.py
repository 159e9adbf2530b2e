"""Reasoning keeps its closing delimiter, also where its content is empty and tool calls follow."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import reference
from chatmill import ChatmillError, ChatTemplate

REASON, NAME, ANSWER = "Quorvexian reasons.", "find_place", "Wexpundit says so."
TOOLS = [{"type": "function", "function": {"name": NAME, "description": "Finds.", "parameters": {"type": "object"}}}]
CALL = {"id": "call00001", "type": "function", "function": {"name": NAME, "arguments": {"place": "here"}}}


def conversation(content: str | None, *, calls: bool, inline: bool = False) -> list[dict[str, Any]]:
    answer: dict[str, Any] = {"role": "assistant", "content": content}
    if inline:
        answer["content"] = f"<think>\n{REASON}\n</think>\n\n{content or ''}"
    else:
        answer["reasoning_content"] = REASON
    if calls:
        answer["tool_calls"] = [CALL]
    return [{"role": "user", "content": "Where?"}, answer]


def pieces_after_reason(template: ChatTemplate, messages: list[dict[str, Any]]) -> list[tuple[str, str]] | None:
    """The kinds and texts after the reasoning, up to the name of the tool or the end; None if it is not printed."""
    tools = TOOLS if "tool_calls" in messages[1] else None
    try:
        text = template.render(messages, tools)
        regions = template.regions(messages, tools)
    except ChatmillError:
        return None
    start = text.find(REASON) + len(REASON)
    end = text.find(NAME, start) if tools else len(text)
    if REASON not in text or end < 0:
        return None
    cut = ((region, max(region.start, start), min(region.end, end)) for region in regions)
    return [(region.kind, text[first:last]) for region, first, last in cut if first < last]


QWEN3 = """{%- for m in messages %}<|im_start|>{{ m.role }}
{%- if m.reasoning_content %}
<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content or '' }}
{%- for call in m.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
CHANNELS = """{%- for m in messages %}{% if m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>
{%- else %}{% if m.reasoning_content %}<|start|>assistant<|channel|>analysis<|message|>{{ m.reasoning_content }}<|end|>
{%- endif %}{% for call in m.tool_calls or [] %}<|start|>assistant to={{ call.function.name }}<|message|>
{{- call.function.arguments | tojson }}<|call|>{% else %}
{{- '<|start|>assistant<|channel|>final<|message|>' ~ m.content }}<|return|>
{%- endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"""
UNUSUAL = """{%- for m in messages %}[{{ m.role }}]
{%- if m.reasoning_content %}#begin {{ m.reasoning_content }} #done {% endif %}{{ m.content or '' }}
{%- for call in m.tool_calls or [] %} #call {{ call.function.name }}({{ call.function.arguments | tojson }})
{%- endfor %}[end]
{%- endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"""


@pytest.mark.parametrize("content", ["", None])
@pytest.mark.parametrize(
    ("source", "reasoning", "call"),
    [
        (QWEN3, "\n</think>\n", '\n<tool_call>\n{"name": "'),
        (CHANNELS, "<|end|>", "<|start|>assistant to="),
        (UNUSUAL, " #done", " #call "),
    ],
    ids=["think tags", "channels", "words"],
)
def test_reasoning_ends_with_its_delimiter(source: str, content: str | None, reasoning: str, call: str) -> None:
    pieces = pieces_after_reason(ChatTemplate(source), conversation(content, calls=True))
    assert pieces is not None
    assert [kind for kind, _ in pieces] == ["reasoning", "tool_call"]
    assert pieces[0][1].strip() == reasoning.strip()
    assert pieces[1][1].strip() == call.strip()


@pytest.mark.parametrize("name", ["qwen3", "gpt-oss"])
def test_reasoning_of_named_templates(name: str) -> None:
    template = ChatTemplate.named(name)
    pieces = pieces_after_reason(template, conversation("", calls=True))
    assert pieces is not None
    assert [kind for kind, _ in pieces] == ["reasoning", "tool_call"]
    assert pieces[0][1].strip() in ("</think>", "<|end|>")


def test_inline_reasoning_keeps_its_tag() -> None:
    template = ChatTemplate.named("qwen3")
    for content, calls in (("", True), ("", False), (ANSWER, True)):
        pieces = pieces_after_reason(template, conversation(content, calls=calls, inline=True))
        assert pieces is not None
        assert pieces[0][0] == "content"
        assert pieces[0][1].lstrip().startswith("</think>")


@reference.needs_corpus
def test_templates_of_the_corpus() -> None:
    """Where a closing delimiter follows the reasoning before an answer, it is no part of the calls without one."""
    folder = reference.CORPUS / "corpus"
    tokens = json.loads((folder / "conversations.json").read_text("utf-8"))["special_tokens"]
    counts: Counter[str] = Counter()
    wrong = []
    for path in sorted((folder / "templates").rglob("*.jinja")):
        template = ChatTemplate(path.read_bytes().decode("utf-8"), **tokens)
        with_answer = pieces_after_reason(template, conversation(ANSWER, calls=False))
        if with_answer is None or ANSWER not in "".join(text for _, text in with_answer):
            continue
        between = "".join(text for _, text in with_answer).partition(ANSWER)[0].strip()
        delimiter = between[: between.find(">") + 1] if between.startswith("<") else ""
        for content in ("", None):
            pieces = pieces_after_reason(template, conversation(content, calls=True))
            if (
                pieces is None
                or not delimiter
                or not "".join(text for _, text in pieces).lstrip().startswith(delimiter)
            ):
                counts["not printed, or no delimiter"] += 1
                continue
            kind, text = pieces[0]
            is_right = kind == "reasoning" and text.lstrip().startswith(delimiter) and len(pieces) > 1
            counts["right" if is_right else "wrong"] += 1
            if not is_right:
                wrong.append((path.name, pieces[:2]))
    assert wrong == []
    assert counts["right"] > 150, counts
