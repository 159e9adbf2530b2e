"""Rendering alone: the texts of conversations by transformers and by chatmill; the texts are compared.

    python benches/rendering.py [--rounds 5] [--rows N]

There are three families: ChatML, Llama 3.1 and Qwen3, the latter two with the models' own templates (without the
corpus: with chatmill's). transformers renders row by row, as `apply_chat_template` does. chatmill renders one batch of
Arrow rows at a time, and also row by row from the same Python objects. All use one thread and alternate in one process.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
from chatmill import ChatTemplate
from table import interleave
from transformers.utils import chat_template_utils

import rows

_render_jinja_template: Any = chat_template_utils.render_jinja_template

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
MODELS = {"llama-3.1": "llama3.1", "qwen3": "qwen3"}
# The minimum ratio of the time of transformers to the time of a batch, by family.
LEAST = {"chatml": 4, "llama-3.1": 6, "qwen3": 8}


def template(family: str) -> ChatTemplate:
    """Return the chat template of a family."""
    if family == "chatml":
        return ChatTemplate(CHATML, name=family)
    folder = rows.CORPUS / "tokenizers" / family
    return ChatTemplate.from_pretrained(folder) if folder.is_dir() else ChatTemplate.named(MODELS[family])


def contenders(family: str, workload: rows.Workload) -> dict[str, Callable[[], list[Any]]]:
    """Return the contenders by name; each returns the texts of all rows."""
    ours = template(family)
    source, tokens = ours.source, ours.special_tokens

    def transformers() -> list[str]:
        return [
            _render_jinja_template(conversations=[messages], chat_template=source, **tokens)[0][0]
            for batch in workload.conversations
            for messages in batch
        ]

    def by_row() -> list[str]:
        return [ours.render(messages) for batch in workload.conversations for messages in batch]

    def by_batch() -> list[Any]:
        # The texts stay in Arrow, because a training pipeline needs them there.
        return [ours.render_batch(table) for table in workload.tables]

    return {"transformers": transformers, "chatmill, row by row": by_row, "chatmill, batch": by_batch}


def equal(runs: dict[str, Callable[[], list[Any]]]) -> bool:
    """Return whether all contenders print the same texts."""
    batches = [pa.table(it)["text"].to_pylist() for it in runs["chatmill, batch"]()]
    texts = [text for batch in batches for text in batch]
    return texts == runs["transformers"]() == runs["chatmill, row by row"]()


def _finish(run: Callable[[], list[Any]]) -> None:
    run()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000, help="rows of each set")
    options = parser.parse_args()
    workload = rows.load(options.rows)
    count = len(workload.rows)
    print(f"{workload.name.rpartition(',')[0] or workload.name}: {count} rows, one thread\n")
    print(f"{'':<12}{'':<24}{'µs a row':>10}{'times as fast':>16}  texts")
    for family, least in LEAST.items():
        runs = contenders(family, workload)
        same = "equal" if equal(runs) else "DIFFERENT"
        seconds = interleave({name: partial(_finish, run) for name, run in runs.items()}, options.rounds)
        for name, value in seconds.items():
            ratio = seconds["transformers"] / value
            print(f"{family:<12}{name:<24}{value / count * 1e6:>10.1f}{ratio:>16.1f}  {same}")
        reached = seconds["transformers"] / seconds["chatmill, batch"]
        print(f"{'':<12}{'wanted of a batch':<24}{'':>10}{least:>16}  {'reached' if reached >= least else 'MISSED'}")


if __name__ == "__main__":
    main()
