"""The contenders, which turn the same rows into ids and labels: transformers, the expert's script, chatmill.

Each contender starts from its fastest input: Python objects for transformers and the expert, Arrow columns for
chatmill.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import chatmill
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import transformers
from expert import Expert

import rows

Batch = Any
Step = Callable[[Batch], Any]


@dataclass(frozen=True)
class Contender:
    """A contender, which can process the workload.

    Attributes:
        name: The name in a table.
        threads: The number of its threads.
        batches: Its input, in its fastest form.
        step: Processes one batch; only this is timed.
        table: Makes columns `input_ids` and `labels` from the result of a step; not timed.
    """

    name: str
    threads: int
    batches: Sequence[Batch]
    step: Step
    table: Callable[[Any], pa.Table]

    def run(self) -> None:
        """Process everything and drop the results, like a loop that writes them out."""
        for batch in self.batches:
            self.step(batch)

    def result(self) -> Columns:
        """Process everything once and return the ids and labels."""
        return Columns.of(self.table(self.step(batch)) for batch in self.batches)


@dataclass(frozen=True)
class Columns:
    """The ids and labels of all rows, as flat arrays."""

    lengths: np.ndarray[Any, Any]
    input_ids: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]

    @staticmethod
    def of(tables: Iterable[pa.Table]) -> Columns:
        whole = pa.concat_tables(table.select(["input_ids", "labels"]) for table in tables).combine_chunks()
        ids, labels = (whole[name].combine_chunks() for name in ("input_ids", "labels"))
        lengths = np.asarray(pc.list_value_length(ids))
        if not np.array_equal(lengths, np.asarray(pc.list_value_length(labels))):
            raise ValueError("input_ids and labels do not have the same lengths")
        return Columns(lengths, np.asarray(ids.flatten()), np.asarray(labels.flatten()))

    @property
    def num_tokens(self) -> int:
        return len(self.input_ids)

    def rows_that_differ(self, other: Columns) -> tuple[int, int]:
        """Return the number of rows with different ids, and the number of rows with different labels."""
        if np.array_equal(self.lengths, other.lengths):
            rows = np.repeat(np.arange(len(self.lengths)), self.lengths)
            pairs = ((self.input_ids, other.input_ids), (self.labels, other.labels))
            ids, labels = (len(np.unique(rows[a != b])) for a, b in pairs)
            return ids, labels
        cuts = [(np.cumsum(it.lengths) - it.lengths, np.cumsum(it.lengths)) for it in (self, other)]
        differ = [0, 0]
        for a, b, c, d in zip(*cuts[0], *cuts[1], strict=True):
            differ[0] += not np.array_equal(self.input_ids[a:b], other.input_ids[c:d])
            differ[1] += not np.array_equal(self.labels[a:b], other.labels[c:d])
        return differ[0], differ[1]


def one_thread() -> None:
    """Limit tokenizers and fastokens to one thread. Both read the setting when they first encode a batch."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["FASTOKENS_BPE_THREADS"] = "1"


def of_transformers(workload: rows.Workload) -> Contender:
    """Return transformers: `apply_chat_template` on a batch, with its assistant mask."""
    one_thread()
    load: Any = transformers.PreTrainedTokenizerFast
    tokenizer = load(tokenizer_file=str(workload.tokenizer / "tokenizer.json"), **workload.special_tokens)

    def step(conversations: Batch) -> Any:
        return tokenizer.apply_chat_template(
            conversations,
            chat_template=workload.template,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )

    def table(encoded: Any) -> pa.Table:
        pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        labels = [[i if on else -100 for i, on in zip(ids, mask, strict=True)] for ids, mask in pairs]
        kind = pa.list_(pa.int32())
        return pa.table({"input_ids": pa.array(encoded["input_ids"], kind), "labels": pa.array(labels, kind)})

    return Contender("transformers", 1, workload.conversations, step, table)


def of_expert(workload: rows.Workload, *, whole: bool) -> Contender:
    """Return the expert: the 30 lines of `expert.py`, on segments or on whole texts."""
    one_thread()
    it = Expert(workload.tokenizer / "tokenizer.json", workload.template, **workload.special_tokens)
    step = it.encode_whole if whole else it.encode_segments
    return Contender(f"expert, {'whole' if whole else 'segments'}", 1, workload.conversations, step, lambda made: made)


def of_chatmill(
    workload: rows.Workload, *, threads: int, json: bool = False, tagged: bool = True, name: str | None = None
) -> Contender:
    """Return a mill, from Arrow columns or from JSON rows, with or without `{% generation %}` tags in the template."""
    source = workload.template if tagged else workload.untagged()
    template = chatmill.ChatTemplate(source, **workload.special_tokens)
    mill = chatmill.Mill(chatmill.Tokenizer.from_pretrained(workload.tokenizer), template, threads=threads)

    def step(batch: Batch) -> pa.Table:
        return pa.table(mill(batch, json_column="row") if json else mill(batch))

    batches = workload.json_tables if json else workload.tables
    return Contender(name or f"chatmill, {threads} thread{'s'[: threads - 1]}", threads, batches, step, lambda it: it)
