"""The cost of labels: the whole path with and without labels, and whether the cost grows with the number of turns.

    python benches/labels.py [--rounds 15] [--rows N]

The rows are those of the corpus under the models' own templates, which have no tags; without the corpus, the rows of
the demo under chatmill's named templates, with their tags removed. Both paths alternate in one process with one thread,
from JSON rows to Arrow columns; their ids are compared. Each mill has seen the rows in earlier rounds, so its tokenizer
is as fast as possible, and the share of the labels as large as possible.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain, cycle, islice
from typing import Any

import pyarrow as pa
from chatmill import ChatTemplate, Mill, Tokenizer
from table import interleave

import rows

MODELS = {"qwen3": "qwen3", "llama-3.1": "llama3.1", "deepseek-v4": "deepseek-v3"}
# The maximum time of the whole path with labels, relative to the path without labels.
MOST = 1.25
# The minimum ratio of tokens per second on long rows to tokens per second on short rows.
LEAST = 0.9


def lines(columns: list[list[dict[str, Any]]]) -> list[pa.RecordBatch]:
    """Return conversations as batches of JSON rows."""
    texts = [json.dumps({"messages": messages}, ensure_ascii=False) for messages in columns]
    size = rows.BATCH
    return [pa.record_batch({"row": pa.array(texts[at : at + size])}) for at in range(0, len(texts), size)]


def run(mill: Mill, batches: list[pa.RecordBatch]) -> None:
    """Process all batches with a mill."""
    for batch in batches:
        mill(batch, json_column="row")


def ids(mill: Mill, batches: list[pa.RecordBatch]) -> list[Any]:
    """Return the token ids of all rows."""
    return [pa.table(mill(batch, json_column="row"))["input_ids"].combine_chunks() for batch in batches]


def of_turns(conversations: list[list[dict[str, Any]]], turns: int, tokens_like: int) -> list[list[dict[str, Any]]]:
    """Return conversations of this many turns each, cut from one stream of user and assistant messages."""
    stream = cycle(message for it in conversations for message in it if message["role"] in {"user", "assistant"})
    wanted = ("user", "assistant")

    def conversation() -> list[dict[str, Any]]:
        return [{**next(stream), "role": wanted[turn % 2]} for turn in range(turns)]

    return [conversation() for _ in range(tokens_like // turns)]


def mill_of(family: str, labels: Any) -> Mill:
    """Make a mill with a model's own tokenizer and template."""
    folder = rows.CORPUS / "tokenizers" / family
    if folder.is_dir():
        parts = Tokenizer.from_pretrained(folder), ChatTemplate.from_pretrained(folder)
    else:
        parts = Tokenizer.from_pretrained(rows.load(1).tokenizer), ChatTemplate.named(MODELS[family])
    return Mill(*parts, threads=1, labels=labels)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=2000, help="rows of each set")
    options = parser.parse_args()
    workload = rows.load(options.rows)
    conversations = list(chain.from_iterable(workload.conversations))
    batches = lines(conversations)
    print(f"{workload.name.rpartition(',')[0] or workload.name}: {len(conversations)} rows, one thread\n")
    print(f"{'':<14}{'without, µs':>14}{'with, µs':>12}{'ratio':>8}  ids")
    missed = 0
    for family in MODELS:
        without, regions = mill_of(family, "none"), mill_of(family, {"tags": False})
        same = all(a.equals(b) for a, b in zip(ids(without, batches), ids(regions, batches), strict=True))
        runs: dict[str, Callable[[], None]] = {
            "without": partial(run, without, batches),
            "with": partial(run, regions, batches),
        }
        seconds = interleave(runs, options.rounds)
        off, on = (seconds[name] / len(conversations) * 1e6 for name in ("without", "with"))
        missed += not same or on / off > MOST
        verdict = "equal" if same else "DIFFERENT"
        word = "reached" if on / off <= MOST else "MISSED"
        print(f"{family:<14}{off:>14.1f}{on:>12.1f}{on / off:>8.2f}  {verdict}, required at most {MOST}: {word}")
    print(f"\n{'':<14}{'4 turns, M tokens/s':>22}{'60 turns':>10}{'ratio':>8}")
    for family in MODELS:
        mill = mill_of(family, {"tags": False})
        messages = sum(len(it) for it in islice(conversations, 2000))
        sizes = {turns: lines(of_turns(conversations, turns, messages)) for turns in (4, 60)}
        tokens = {turns: sum(mill(it, json_column="row").num_tokens for it in sizes[turns]) for turns in sizes}
        seconds = interleave({str(turns): partial(run, mill, sizes[turns]) for turns in sizes}, options.rounds)
        speed = {turns: tokens[turns] / seconds[str(turns)] / 1e6 for turns in sizes}
        ratio = speed[60] / speed[4]
        missed += ratio < LEAST
        word = "reached" if ratio >= LEAST else "MISSED"
        print(f"{family:<14}{speed[4]:>22.2f}{speed[60]:>10.2f}{ratio:>8.2f}  required at least {LEAST}: {word}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
