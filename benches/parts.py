"""The parts of the path on their own: the bare tokenizer, and rendering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chatmill
import fastokens
import rows
from contenders import one_thread
from expert import EDGE, Expert
from transformers.utils import chat_template_utils

_render_jinja_template: Any = chat_template_utils.render_jinja_template


def rendered(workload: rows.Workload) -> list[list[str]]:
    """The texts that everybody's tokenizer sees, in batches."""
    it = Expert(workload.tokenizer / "tokenizer.json", workload.template, **workload.special_tokens)
    return [
        [it.render(messages=messages, **it.variables).replace(EDGE, "") for messages in batch]
        for batch in workload.conversations
    ]


def bare_tokenizer(workload: rows.Workload) -> Callable[[], None]:
    """The fast tokenizer alone on the rendered texts: no rendering, no labels, no columns."""
    one_thread()
    tokenizer = fastokens.Tokenizer.from_file(str(workload.tokenizer / "tokenizer.json"))
    batches = rendered(workload)

    def run() -> None:
        for texts in batches:
            tokenizer.encode_batch_flat(texts)

    return run


def renderer(workload: rows.Workload, who: str) -> Callable[[], None]:
    """Rendering alone, row by row, from Python objects.

    Args:
        workload: The rows.
        who: `"transformers"`, `"jinja2"` (compiled once, nothing copied) or `"chatmill"`.
    """
    special = workload.special_tokens

    def by_transformers(messages: Any) -> Any:
        return _render_jinja_template(conversations=[messages], chat_template=workload.template, **special)

    expert = Expert(workload.tokenizer / "tokenizer.json", workload.template, **special)

    def by_jinja2(messages: Any) -> Any:
        return expert.render(messages=messages, **expert.variables)

    template = chatmill.ChatTemplate(workload.template, **special)
    render = {"transformers": by_transformers, "jinja2": by_jinja2, "chatmill": template.render}[who]

    def run() -> None:
        for batch in workload.conversations:
            for messages in batch:
                render(messages)

    return run
