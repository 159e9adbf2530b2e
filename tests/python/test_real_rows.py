"""Real rows with the models' own templates: labels are proved, contain the answers, and are equal in all threads."""

from __future__ import annotations

import json
import lzma
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import cycle, islice
from typing import Any

import pyarrow as pa
import pytest
import reference
from chatmill import ChatmillError, ChatTemplate, Encoding, Mill, Tokenizer
from trained_spans import GENERATED, MASKED

DATASETS = {
    "smilechat_zh_10k": 10_000,
    "sgd_tools_17k": 17_193,
    "tau2_tools": 261,
    "sky_t1_think": 2_503,
    "toolrl_think_400": 400,
}


@dataclass(frozen=True)
class Measured:
    """The results of the rows of the datasets with the template of a model.

    Attributes:
        model: Name of the tokenizer that has the template.
        renders: The number of rows that the template renders, by dataset.
        unproved: The number of rows that are rejected because their labels are not proved, by dataset and reason.
        noted: The number of rows with other notes than `proved`.
    """

    model: str
    renders: dict[str, int]
    unproved: dict[tuple[str, str], int] = field(default_factory=dict)
    noted: dict[tuple[str, str], int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.model


CHAT = {"smilechat_zh_10k": 10_000, "sgd_tools_17k": 0, "tau2_tools": 0, "sky_t1_think": 2_503, "toolrl_think_400": 400}
# Two conversations have an empty answer.
EMPTY = {("sgd_tools_17k", "empty_answer"): 2}
MEASURED = [
    Measured("qwen3", DATASETS, noted=EMPTY),
    # The template prints an answer before the first question as that question, and supports one call per message.
    Measured("llama-3.1", {**DATASETS, "tau2_tools": 166}, noted={**EMPTY, ("tau2_tools", "other_role"): 166}),
    # The template requires alternating user and assistant messages, and ids of nine characters.
    Measured("mistral-nemo", {**CHAT, "smilechat_zh_10k": 9_936}),
    # The template fails if a message with calls has no content, and if a call has its function under `function`.
    Measured("gpt-oss", CHAT),
    # The template prints tool results before the content of the calling message.
    Measured("gemma-4", DATASETS, unproved={("tau2_tools", "merged"): 19}, noted=EMPTY),
    Measured("deepseek-v4", DATASETS, noted=EMPTY),
]
PAIRS = [
    pytest.param(it.model, dataset, id=f"{it}-{dataset}")
    for it in MEASURED
    for dataset, rows in it.renders.items()
    if rows
]


@lru_cache
def lines(dataset: str) -> list[bytes]:
    """The rows of a dataset as JSON. Instructions with their outputs become conversations."""
    with lzma.open(reference.CORPUS / "datasets" / f"{dataset}.jsonl.xz") as file:
        rows = file.read().splitlines()
    if dataset != "toolrl_think_400":
        return rows
    return [json.dumps({"messages": list(exchange(json.loads(row)))}, ensure_ascii=False).encode() for row in rows]


def exchange(row: dict[str, str]) -> Iterator[dict[str, str]]:
    yield {"role": "user", "content": "\n".join(filter(None, (row["instruction"], row["input"])))}
    yield {"role": "assistant", "content": row["output"]}


def batch(rows: Sequence[bytes]) -> pa.RecordBatch:
    return pa.record_batch({"json": pa.array(rows, pa.binary())})


@lru_cache(2)
def mill(model: str, threads: int | None = None) -> Mill:
    """The last two mills are kept: tokenizers are large, and the tests of a model run one after another."""
    folder = reference.tokenizer_folder(model)
    parts = Tokenizer.from_pretrained(folder), ChatTemplate.from_pretrained(folder)
    return Mill(*parts, on_error="null", labels={"tags": False}, threads=threads)


@reference.needs_corpus
@pytest.mark.parametrize("measured", MEASURED, ids=str)
def test_labels_are_proved_in_one_render(measured: Measured) -> None:
    """No row needs a second render, and almost no row is rejected; the numbers cover all rows."""
    its = mill(measured.model)
    refused: Counter[str] = Counter()
    noted: Counter[tuple[str, str]] = Counter()
    unproved: Counter[tuple[str, str]] = Counter()
    for dataset, count in DATASETS.items():
        rows = lines(dataset)
        assert len(rows) == count
        for start in range(0, count, 2_000):
            out = its(batch(rows[start : start + 2_000]), json_column="json")
            noted.update({(dataset, note): times for note, times in out.counts.items()})
            for failure in out.failures:
                if failure.code in {"template_raised", "template_failed"}:
                    refused[dataset] += 1
                else:
                    unproved[dataset, failure.code] += 1
    renders = {dataset: count - refused[dataset] for dataset, count in DATASETS.items()}
    assert renders == measured.renders
    assert unproved == measured.unproved
    proved = {key: noted.pop(key, 0) for key in [(dataset, "proved") for dataset in DATASETS]}
    assert noted == measured.noted
    # Each row is proved, or rejected with a reason.
    for dataset, rendered in renders.items():
        reasons = [times for (of, _), times in unproved.items() if of == dataset]
        assert proved[dataset, "proved"] == rendered - sum(reasons)


@reference.needs_corpus
@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_each_answer_is_trained_through_its_stop_token(model: str, dataset: str) -> None:
    """The trained text of a turn contains the content of its message and ends in an added token."""
    its, compared = mill(model), 0
    definition = json.loads((reference.tokenizer_folder(model) / "tokenizer.json").read_text("utf-8"))
    added = {token["id"] for token in definition["added_tokens"]}
    rows = lines(dataset)
    # About 200 rows from all parts of the file.
    for line in rows[:: -(-len(rows) // 200)]:
        row = json.loads(line)
        try:
            encoding = its.encode(row["messages"], row.get("tools"))
        except ChatmillError as error:
            # Rejected rows are counted above.
            if error.code in {"template_raised", "template_failed", "merged"}:
                continue
            raise
        compared += check_answers(encoding, row["messages"], added)
    assert compared == reference.compared("test_real_rows.answers")[f"{model} {dataset}"]


def check_answers(encoding: Encoding, messages: list[dict[str, Any]], added: set[int]) -> int:
    """Check the answers of a row, and return their number."""
    tokens, regions = encoding.tokens, encoding.regions
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    untrained, turns = 0, []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        own = [it for it in regions if it.message == index and it.kind in GENERATED]
        # The first token may begin in the header.
        turn = tokens[bisect_right(ends, own[0].start) : bisect_left(starts, own[-1].end)]
        trained = [token for token in turn if token.label != MASKED]
        if not trained:
            untrained += 1
            continue
        turns.append(turn)
        assert trained == turn
        text = encoding.text[turn[0].start : turn[-1].end]
        assert all(piece in text for piece in shown(message, encoding.text)), (message, text)
        assert turn[-1].id in added, text
    # No other text is trained.
    assert sum(label != MASKED for label in encoding.labels) == sum(map(len, turns))
    assert untrained == ("other_role" in encoding.notes)
    return len(turns)


def shown(message: dict[str, Any], text: str) -> list[str]:
    """The texts of a message that its trained turn must contain: the content, or the parts that the template prints."""
    content = (message.get("content") or "").strip()
    head, closed, answer = content.partition("</think>")
    if not closed or content in text:
        return [content]
    # qwen3 adds line breaks around the reasoning, deepseek-v4 leaves out reasoning after which there is no question.
    # The answer is always printed. The reasoning must be trained if it is printed.
    reasoning = head.replace("<think>", "").strip()
    return [answer.strip(), *([reasoning] if reasoning in text else [])]


@reference.needs_corpus
def test_threads_give_what_one_thread_gives() -> None:
    """50,000 rows in eight Python threads with one mill that uses all cores, compared with one thread."""
    sources = ("smilechat_zh_10k", "chitchat_en_4k", "sgd_tools_17k")
    rows = list(islice(cycle([line for name in sources for line in lines(name)]), 50_000))
    shared, serial = mill("qwen3"), mill("qwen3", threads=1)
    slices = [rows[start : start + 500] for start in range(0, len(rows), 500)]

    def work(first: int) -> list[pa.Table]:
        return [pa.table(shared(batch(it), json_column="json")) for it in slices[first::8]]

    with ThreadPoolExecutor(8) as pool:
        by_thread = list(pool.map(work, range(8)))
    compared = 0
    for index, its in enumerate(slices):
        alone = pa.table(serial(batch(its), json_column="json"))
        together = by_thread[index % 8][index // 8]
        assert together["input_ids"].equals(alone["input_ids"])
        assert together["labels"].equals(alone["labels"])
        assert alone["input_ids"].null_count == 0
        compared += len(alone)
    assert compared == 50_000
