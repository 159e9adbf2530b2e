"""Trained spans compared with the corpus' truth, in which two or more independent methods agree on every turn.

The clock is set to the time of the truth.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import reference
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, Mill, Tokenizer
from empty_answers import EMPTY_ALLOWED
from trained_spans import GENERATED, generated, joined

# For this template, the truth has the closers of the other turns, but not of this turn, whose answer ends in white
# space. The prompts of the turns prove chatmill's closer; see the end of the test.
TRUTH_IS_WRONG = {("Reka-Edge", "v08_whitespace")}


@reference.needs_corpus
def test_trained_spans_are_true_or_reported() -> None:
    """No wrong pair may be reported as proved, and almost all regions are right."""
    folder = reference.CORPUS / "corpus"
    tokens = json.loads((folder / "conversations.json").read_text("utf-8"))["special_tokens"]
    conversations = json.loads((folder / "spans_conversations.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_pretrained(reference.CORPUS / "tokenizers" / "gpt2")
    templates: dict[str, ChatTemplate] = {}
    outcomes: Counter[str] = Counter()
    wrong = set()
    with gzip.open(folder / "spans_truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            truth = json.loads(line)
            name, conversation = truth["file"], conversations[truth["conv"]]
            if name not in templates:
                source = (folder / "templates" / name).read_bytes().decode("utf-8")
                # For tagged templates the regions are compared, not the tagged text.
                templates[name] = ChatTemplate(source, **tokens)
            template, messages = templates[name], conversation["messages"]
            rest = (conversation.get("tools"), conversation.get("documents"))
            prompt = conversation["add_generation_prompt"]
            text = template.render(messages, *rest, add_generation_prompt=prompt, now=reference.NOW)
            if text != truth["text"]:
                outcomes["another text"] += 1
                continue
            regions = template.regions(messages, *rest, add_generation_prompt=prompt, now=reference.NOW)
            assistant = {index for index, message in enumerate(messages) if message["role"] == "assistant"}
            spans = [span for span in truth["spans"] if span[2] in assistant and span[3] in GENERATED]
            equal = generated(regions, assistant) == joined([(span[0], span[1]) for span in spans])
            outcomes["equal" if equal else "unequal"] += 1
            reported = report(
                Mill(tokenizer, template, now=reference.NOW, labels={"tags": False}, format=EMPTY_ALLOWED),
                messages,
                *rest,
            )
            outcomes[reported] += 1
            short = (name.rpartition("/")[2].removesuffix(".jinja"), truth["conv"])
            if not equal and reported == "proved" and short not in TRUTH_IS_WRONG:
                wrong.add(short)
    assert wrong == set(), outcomes
    # Turns with tool calls that the template does not print are left out. Headers other than the prompt are not proved.
    assert outcomes == {"equal": 9_630, "unequal": 20, "proved": 8_809, "a turn left out": 662, "unproved": 179}


def report(mill: Mill, messages: list[dict[str, Any]], tools: Any, documents: Any) -> str:
    """chatmill's report on the labels of a row."""
    try:
        notes = mill.encode({"messages": messages, "tools": tools, "documents": documents}).notes
    except ChatmillError as error:
        return "unproved" if error.code in {"header_mismatch", "merged", "unanchored"} else error.code
    if "value_dropped" in notes:
        return "a turn left out"
    assert {"proved", "proved_by_prefixes"} & set(notes)
    return "proved"


@reference.needs_corpus
def test_the_prompts_prove_what_the_truth_has_wrong() -> None:
    folder = reference.CORPUS / "corpus"
    conversations = json.loads((folder / "spans_conversations.json").read_text("utf-8"))
    messages = conversations["v08_whitespace"]["messages"]
    template = ChatTemplate((folder / "templates" / "ngxson__llama.cpp" / "Reka-Edge.jinja").read_text("utf-8"))
    text = template.render(messages)
    for turn in (2, 4):
        prompt, through = (
            template.render(messages[:turn], add_generation_prompt=True),
            template.render(messages[: turn + 1]),
        )
        assert text.startswith(prompt)
        assert text.startswith(through)
        assert (len(prompt), len(through)) in generated(template.regions(messages), {2, 4})


def test_contents_in_parts_have_profiles_of_their_own() -> None:
    """The space before an answer belongs to the prompt if contents are strings, but to the model if they are parts."""
    source = (
        "{% for m in messages %}{% set text = m.content if m.content is string else m.content[0].text %}"
        "{{ 'USER: ' + text + ' ' if m.role == 'user' else 'ASSISTANT: ' + text + '</s>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'ASSISTANT: ' if messages[-1].content is string else 'ASSISTANT:' }}"
        "{% endif %}"
    )
    tokenizer = byte_tokenizer()
    mill = Mill(tokenizer, ChatTemplate(source))

    def answers(*messages: tuple[str, str | list[dict[str, str]]]) -> list[str]:
        encoding = mill.encode([{"role": role, "content": content} for role, content in messages])
        return [encoding.text[start:end] for start, end in generated(encoding.regions, {1, 3})]

    def parts(text: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": text}]

    assert answers(("user", "a"), ("assistant", "b")) == ["b</s>"]
    assert answers(("user", parts("a")), ("assistant", parts("b"))) == [" b</s>"]
