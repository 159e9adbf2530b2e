"""The 484 snippets of the corpus, each about one feature of Jinja2."""

from __future__ import annotations

import json
import re

import pytest
import reference
from chatmill import ChatTemplate, DataError
from refusals import compiled_or_none, text_or_none

# Snippets with another result, and the reason; see COMPATIBILITY.md.
DIFFER = {
    # Messages that are numbers: rejected before the template sees them, as in apply_chat_template.
    "st.shadow_ctx": "no messages",
    # Two snippets have this id, and both have the reference of the second snippet.
    "is.callable": "False|False",
}


def without_addresses(text: str | None) -> str | None:
    """Remove memory addresses of objects, which Python prints and which differ each time."""
    return text and re.sub(r"0x[0-9a-f]+", "0x…", text)


@reference.needs_corpus
def test_snippets_give_what_transformers_gives() -> None:
    differ = {}
    equal = 0
    with (reference.CORPUS / "corpus" / "micro.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            snippet = json.loads(line)
            row = {"messages": [{"role": "user", "content": "x"}], **snippet["ctx"]}
            if not all(isinstance(message, dict) for message in row["messages"]):
                with pytest.raises(DataError, match="a message must be an object with `role` and `content`"):
                    ChatTemplate(snippet["template"]).render(**row)
                differ[snippet["id"]] = "no messages"
                continue
            text = text_or_none(compiled_or_none(snippet["template"]), **row)
            expected = snippet["ref"][1] if snippet["ref"][0] == "ok" else None
            if without_addresses(text) == without_addresses(expected):
                equal += 1
            else:
                differ[snippet["id"]] = "not rendered" if text is None else text
    assert differ == DIFFER
    assert equal == 482
