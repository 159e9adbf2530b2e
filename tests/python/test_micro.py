"""One feature of Jinja2 each: the 484 snippets of the corpus."""

from __future__ import annotations

import json
import re

import reference
from chatmill import ChatmillError, ChatTemplate

# Not equal, and why; COMPATIBILITY.md says it in more words.
DIFFER = {
    # Messages that are numbers: refused before the template sees them, as apply_chat_template refuses them.
    "st.shadow_ctx": "not rendered",
    # Two snippets have this id, and both have the reference of the second.
    "is.callable": "False|False",
}


def without_addresses(text: str | None) -> str | None:
    """Python prints where in memory an object lies, another place each time."""
    return text and re.sub(r"0x[0-9a-f]+", "0x…", text)


@reference.needs_corpus
def test_snippets_give_what_transformers_gives() -> None:
    differ = {}
    equal = 0
    with (reference.CORPUS / "corpus" / "micro.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            snippet = json.loads(line)
            row = {"messages": [{"role": "user", "content": "x"}], **snippet["ctx"]}
            try:
                text = ChatTemplate(snippet["template"]).render(**row)
            except ChatmillError:
                text = None
            expected = snippet["ref"][1] if snippet["ref"][0] == "ok" else None
            if without_addresses(text) == without_addresses(expected):
                equal += 1
            else:
                differ[snippet["id"]] = "not rendered" if text is None else text
    assert differ == DIFFER
    assert equal == 482
