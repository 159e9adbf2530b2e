"""The tokenizer alone: the part of the path that no contender can leave out."""

from __future__ import annotations

from collections.abc import Callable

import fastokens
from contenders import one_thread
from expert import EDGE, Expert

import rows


def rendered(workload: rows.Workload) -> list[list[str]]:
    """Return the texts that the tokenizers of all contenders get, in batches."""
    it = Expert(workload.tokenizer / "tokenizer.json", workload.template, **workload.special_tokens)
    return [
        [it.render(messages=messages, **it.variables).replace(EDGE, "") for messages in batch]
        for batch in workload.conversations
    ]


def bare_tokenizer(workload: rows.Workload) -> Callable[[], None]:
    """Run the fast tokenizer alone on the rendered texts: no rendering, no labels, no columns."""
    one_thread()
    tokenizer = fastokens.Tokenizer.from_file(str(workload.tokenizer / "tokenizer.json"))
    batches = rendered(workload)

    def run() -> None:
        for texts in batches:
            tokenizer.encode_batch_flat(texts)

    return run
