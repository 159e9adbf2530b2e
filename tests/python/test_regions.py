"""Trained spans against the corpus' truth, where two or more independent methods agree on every assistant turn.

Templates that read the clock are left out, since the truth was made with a frozen one, and so are pairs whose text
differs: a generation prompt at the end, and what COMPATIBILITY.md lists.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter

import reference
from chatmill import ChatmillError, ChatTemplate, Encoding, Mill, Tokenizer
from test_cases import TESTS

GENERATED = {"prefix", "reasoning", "content", "tool_call", "closer"}
Spans = list[tuple[int, int]]

# Labelled otherwise than the truth has it, and not refused: contents as lists that Jamba prints as JSON; a stop token
# that the template prints with the next turn; a llama2 whose closer is taken for less than it is. And one where the
# truth ends at the answer's words, without white space and stop token.
WRONG = {
    ("AI21-Jamba-Large-1.6", "v15_parts"),
    ("AI21-Jamba-Large-1.6", "v20_think_edge"),
    ("Reka-Edge", "v08_whitespace"),
    ("jamba", "v15_parts"),
    ("jamba", "v20_think_edge"),
    ("llama2ChatJinjaTemplate", "v19_ws_only_assistant"),
}


def joined(spans: Spans) -> Spans:
    """Without empty spans, neighbours as one."""
    out: Spans = []
    for start, end in spans:
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], end)
        elif start < end:
            out.append((start, end))
    return out


def trained(encoding: Encoding, assistant: set[int]) -> Spans:
    regions = encoding.regions
    return joined([(it.start, it.end) for it in regions if it.message in assistant and it.kind in GENERATED])


@reference.needs_corpus
def test_trained_spans_are_true_or_refused() -> None:
    folder = reference.CORPUS / "corpus"
    tokens = json.loads((folder / "conversations.json").read_text("utf-8"))["special_tokens"]
    conversations = json.loads((folder / "spans_conversations.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_pretrained(reference.CORPUS / "tokenizers" / "gpt2")
    mills: dict[str, Mill] = {}
    outcomes: Counter[str] = Counter()
    wrong = set()
    with gzip.open(folder / "spans_truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            truth = json.loads(line)
            name, conversation = truth["file"], conversations[truth["conv"]]
            source = (folder / "templates" / name).read_bytes().decode("utf-8")
            if "strftime_now" in source:
                outcomes["clock"] += 1
                continue
            if name not in mills:
                mills[name] = Mill(tokenizer, ChatTemplate(source, **tokens))
            messages = conversation["messages"]
            try:
                encoding = mills[name].encode(
                    messages, conversation.get("tools"), conversation.get("documents"), **conversation.get("kw", {})
                )
            except ChatmillError as error:
                outcomes["refused" if "not proved" in str(error) else "failed"] += 1
                continue
            if encoding.text != truth["text"]:
                outcomes["another text"] += 1
                continue
            assistant = {index for index, message in enumerate(messages) if message["role"] == "assistant"}
            spans = [span for span in truth["spans"] if span[2] in assistant and span[3] in GENERATED]
            if trained(encoding, assistant) == joined([(span[0], span[1]) for span in spans]):
                outcomes["equal"] += 1
            else:
                outcomes["wrong"] += 1
                short = name.rpartition("/")[2].removesuffix(".jinja").removeprefix("ai21labs-")
                wrong.add((short, truth["conv"]))
    assert wrong == WRONG, outcomes
    assert outcomes["failed"] == 0, outcomes
    assert outcomes["equal"] > 7_700, outcomes
    assert outcomes["refused"] < 800, outcomes


def test_contents_in_parts_have_facts_of_their_own() -> None:
    """The space before an answer is the prompt's where contents are strings, and the model's where they are parts."""
    source = (
        "{% for m in messages %}{% set text = m.content if m.content is string else m.content[0].text %}"
        "{{ 'USER: ' + text + ' ' if m.role == 'user' else 'ASSISTANT: ' + text + '</s>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'ASSISTANT: ' if messages[-1].content is string else 'ASSISTANT:' }}"
        "{% endif %}"
    )
    tokenizer = Tokenizer((TESTS / "data" / "byte_tokenizer.json").read_text(encoding="utf-8"))
    mill = Mill(tokenizer, ChatTemplate(source))

    def answers(*messages: tuple[str, str | list[dict[str, str]]]) -> list[str]:
        encoding = mill.encode([{"role": role, "content": content} for role, content in messages])
        return [encoding.text[start:end] for start, end in trained(encoding, {1, 3})]

    def parts(text: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": text}]

    assert answers(("user", "a"), ("assistant", "b")) == ["b</s>"]
    assert answers(("user", parts("a")), ("assistant", parts("b"))) == [" b</s>"]
