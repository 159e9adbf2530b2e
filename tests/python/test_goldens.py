"""The corpus' reference renders: 722 real templates on the ordinary conversations, texts and refusals.

COMPATIBILITY.md lists the templates that differ and why; this pins the list. Templates that read the clock are left
out, since the references were made with a frozen one.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import reference
from chatmill import ChatmillError, ChatTemplate

# Another text than transformers', on some conversations.
DIFFER = {
    "CohereForAI-c4ai-command-r-plus-tool_use",
    "CohereForAI-c4ai-command-r-v01-JSON-Schema",
    "CohereLabs-command-a-reasoning-08-2025",
    "dse_qwen2_vl",
    "meetkai-functionary-medium-v3.1",
    "tool_chat_template_llama4_pythonic",
    "tool_chat_template_toolace",
}
# Fails here only.
FAIL = {"CHAT_FORMAT-028e88af"}
# Rendered here where transformers refuses.
RENDER = {
    "Cohere2MoE",
    "CohereForAI-c4ai-command-r-plus-tool_use",
    "CohereForAI-c4ai-command-r-v01",
    "CohereForAI-c4ai-command-r-v01-JSON-Schema",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    "IntegrationTests-73457cd3",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-JSON-Schema",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "command-r-v01.rag",
    "command_a_tool_use",
    "llama-cpp-deepseek-r1",
    "loopTemplate",
    "template-530d82d3",
}


@reference.needs_corpus
def test_texts_and_refusals_are_those_of_transformers() -> None:
    folder = reference.CORPUS / "corpus"
    tokens = json.loads((folder / "conversations.json").read_text("utf-8"))["special_tokens"]
    conversations = reference.ordinary_conversations()
    templates: dict[str, ChatTemplate | None] = {}
    outcomes: Counter[str] = Counter()
    differ: set[str] = set()
    fail: set[str] = set()
    rendered: set[str] = set()
    with gzip.open(folder / "goldens.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            golden = json.loads(line)
            name, conversation = golden["file"], conversations.get(golden["conv"])
            if conversation is None:
                continue
            if name not in templates:
                source = (folder / "templates" / name).read_bytes().decode("utf-8")
                templates[name] = None if "strftime_now" in source else load(source, tokens)
            template = templates[name]
            if template is None:
                continue
            text, short = render(template, conversation), name.rpartition("/")[2].removesuffix(".jinja")
            if golden["ok"] and text != golden["out"]:
                (fail if text is None else differ).add(short)
                outcomes["not equal"] += 1
            elif not golden["ok"] and text is not None:
                rendered.add(short)
                outcomes["not refused"] += 1
            else:
                outcomes["same"] += 1
    assert (differ, fail, rendered) == (DIFFER, FAIL, RENDER)
    assert outcomes["same"] > 18_000, outcomes


def load(source: str, tokens: dict[str, str]) -> ChatTemplate:
    try:
        return ChatTemplate(source, **tokens)
    except ChatmillError as error:
        return ChatTemplate("{{ raise_exception(why) }}", why=str(error))


def render(template: ChatTemplate, conversation: dict[str, Any]) -> str | None:
    """The text, or None where the template refuses."""
    try:
        return template.render(
            conversation["messages"],
            tools=conversation.get("tools"),
            documents=conversation.get("documents"),
            add_generation_prompt=conversation.get("add_generation_prompt", False),
            **conversation.get("kw", {}),
        )
    except ChatmillError:
        return None
