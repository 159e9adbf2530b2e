"""The corpus' reference renders: 722 real templates on 33 conversations, every text and every error.

`now=` sets the clock to the time of the references.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import reference
from chatmill import ChatTemplate
from refusals import compiled_or_none, text_or_none

RENDERS = 23_826


@reference.needs_corpus
def test_texts_and_refusals_are_those_of_transformers() -> None:
    folder = reference.CORPUS / "corpus"
    known = json.loads((folder / "conversations.json").read_text("utf-8"))
    templates: dict[str, ChatTemplate | None] = {}
    differ: list[tuple[str, str]] = []
    same = 0
    with gzip.open(folder / "goldens.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            golden = json.loads(line)
            name = golden["file"]
            if name not in templates:
                templates[name] = compiled_or_none(
                    (folder / "templates" / name).read_bytes().decode("utf-8"), **known["special_tokens"]
                )
            text = render(templates[name], known["conversations"][golden["conv"]])
            if text == (golden["out"] if golden["ok"] else None):
                same += 1
            else:
                differ.append((name, golden["conv"]))
    assert (differ, same) == ([], RENDERS)


def render(template: ChatTemplate | None, conversation: dict[str, Any]) -> str | None:
    """The text, or None if the template does not compile or refuses the conversation."""
    row = {key: value for key, value in conversation.items() if key != "kw"}
    return text_or_none(template, **row, now=reference.NOW, **conversation.get("kw", {}))
