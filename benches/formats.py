"""Instruction formats: the speed of the whole path against tokenizers 0.23 row by row; ids and labels are compared.

    python benches/formats.py [--rounds 7] [--rows N]

The rows are questions with answers: from gsm8k, and the pairs of user and assistant messages in two sets of chats;
without the corpus, pairs from the demo's rows. tokenizers processes a row as axolotl does: it builds the prompt,
encodes prompt and answer separately, adds the end token to the answer, and sets the labels of the prompt to -100. It
starts from Python objects and returns lists; chatmill goes from Arrow columns to Arrow columns. The table also shows
the same rows as messages under a chat template.

All contenders run in one process and alternate. In the table, all have seen the rows before, so caches are full. A real
run sees each row once, so the lines at the end show first passes with a tokenizer that was just loaded.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import chain, islice, pairwise
from typing import Any

import chatmill
import pyarrow as pa
import tokenizers
from chatmill import ChatTemplate, Mill, Tokenizer
from contenders import Columns, one_thread
from table import differing, interleave, table

import rows

SETS = ("gsm8k_train", "smilechat_zh_10k", "chitchat_en_4k")
# The minimum ratio of the time of tokenizers to the time of chatmill, by threads.
LEAST = 30
TASK = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
CONCISE = (
    "Below is an instruction from a USER that describes a task. "
    "The ASSISTANT writes a response that appropriately and concisely completes the request.\n\n"
)
# axolotl's prompt of a row without an input, by format.
PROMPTS = {
    "alpaca": f"{TASK}\n\n### Instruction:\n{{}}\n\n### Response:\n",
    "alpaca:chat": f"SYSTEM: {TASK}\nUSER: {{}}\nASSISTANT:",
    "alpaca_chat.load_qa": f"SYSTEM: {CONCISE}\nUSER: {{}}\nASSISTANT:",
}
NAMES = {"alpaca_chat.load_qa": ("question", "answer")}
# The same rows as messages for a chat template: made by a format, and given as messages.
MESSAGES, CHAT = "alpaca:messages", "messages"
RIVAL = "tokenizers, row by row"
THREADS = (1, 2)
FIRST_PASSES = 3

Pair = tuple[str, str]
Encoded = tuple[list[list[int]], list[list[int]]]


@dataclass(frozen=True)
class Subject:
    """A subject of measurement: pairs of a question and its answer, with a tokenizer and a template.

    Attributes:
        name: The heading above the figures.
        workload: The tokenizer and the template.
        pairs: Questions with their answers.
    """

    name: str
    workload: rows.Workload
    pairs: list[Pair]

    def columns(self, names: Pair) -> list[pa.Table]:
        """Return the pairs as Arrow columns with these names."""
        size = rows.BATCH
        parts = (self.pairs[at : at + size] for at in range(0, len(self.pairs), size))
        return [pa.table(dict(zip(names, map(list, zip(*part, strict=True)), strict=True))) for part in parts]

    def messages(self) -> list[pa.Table]:
        """Return the pairs as conversations."""
        talks = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in self.pairs]
        size = rows.BATCH
        return [pa.table({"messages": pa.array(talks[at : at + size])}) for at in range(0, len(talks), size)]

    def tokenizer(self) -> Tokenizer:
        """Load chatmill's tokenizer."""
        text = (self.workload.tokenizer / "tokenizer.json").read_text("utf-8")
        return Tokenizer(text, special_tokens=self.workload.special_tokens)

    def mill(self, form: str | None, threads: int, tokenizer: Tokenizer) -> Mill:
        """Make a mill for a format; without a format, for messages."""
        template = None
        if form in {None, MESSAGES}:
            template = ChatTemplate(self.workload.template, **self.workload.special_tokens)
        return Mill(tokenizer, template, format=form, threads=threads)

    def row_by_row(self, form: str) -> Callable[[], Encoded]:
        """Do the same work with tokenizers in Python."""
        encode = tokenizers.Tokenizer.from_file(str(self.workload.tokenizer / "tokenizer.json"))
        end = encode.token_to_id(self.workload.special_tokens["eos_token"])
        assert end is not None
        question, answer = names_of(form)
        prompt = PROMPTS[form]
        given = [{question: q, answer: a} for q, a in self.pairs]

        def run() -> Encoded:
            ids, labels = [], []
            for row in given:
                asked = encode.encode(prompt.format(row[question])).ids
                answer_ids = encode.encode(row[answer], add_special_tokens=False).ids
                answer_ids.append(end)
                ids.append(asked + answer_ids)
                labels.append([-100] * len(asked) + answer_ids)
            return ids, labels

        return run


def names_of(form: str) -> Pair:
    """Return the field names of the question and the answer in a format."""
    return NAMES.get(form, ("instruction", "output"))


def pairs_of(source: Iterable[dict[str, Any]]) -> Iterator[Pair]:
    """Return questions with their answers."""
    for row in source:
        if "question" in row:
            yield row["question"], row["answer"]
        for first, second in pairwise(row.get("messages", ())):
            texts = first["content"], second["content"]
            if (first["role"], second["role"]) == ("user", "assistant") and all(
                isinstance(text, str) and text.strip() for text in texts
            ):
                yield texts


def load(limit: int) -> Subject:
    """Load this many pairs of each set."""
    workload = rows.load(1)
    if not rows.CORPUS.is_dir():
        return Subject(workload.name, workload, list(islice(pairs_of(rows.load(limit).rows), limit)))
    found = chain.from_iterable(islice(pairs_of(rows.dataset(name)), limit) for name in SETS)
    return Subject(f"{' + '.join(SETS)}, qwen3", workload, list(found))


def run_mill(mill: Mill, batches: list[pa.Table]) -> list[pa.Table]:
    """Process all batches, from Arrow to Arrow."""
    return [pa.table(mill(batch)) for batch in batches]


def columns_of(encoded: Encoded) -> Columns:
    """Return the lists of tokenizers as columns."""
    kind = pa.list_(pa.int32())
    return Columns.of([pa.table({"input_ids": pa.array(encoded[0], kind), "labels": pa.array(encoded[1], kind)})])


def verdict(mine: Columns, other: Columns) -> str:
    """Return in words whether ids and labels are equal."""
    return differing(max(mine.rows_that_differ(other)))


def first_pass(ready: Callable[[], Callable[[], Any]], rounds: int) -> float:
    """Return the median seconds of a first pass after loading."""
    seconds = []
    for _ in range(rounds):
        run = ready()
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def just_loaded(subject: Subject, threads: int, batches: list[pa.Table]) -> Callable[[], Any]:
    """Return a mill that has not seen a row yet."""
    return partial(run_mill, subject.mill("alpaca", threads, subject.tokenizer()), batches)


def runs_of(subject: Subject) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """Return all contenders by name, and whether their ids and labels equal those of their reference."""
    runs: dict[str, Callable[[], Any]] = {}
    verdicts: dict[str, str] = {}
    loaded = subject.tokenizer()
    for form in PROMPTS:
        runs[f"{form}, {RIVAL}"] = rival = subject.row_by_row(form)
        expected = columns_of(rival())
        for threads in THREADS:
            name = f"{form}, {threads}"
            runs[name] = partial(run_mill, subject.mill(form, threads, loaded), subject.columns(names_of(form)))
            verdicts[name] = verdict(Columns.of(runs[name]()), expected)
    for threads in THREADS:
        runs[f"{CHAT}, {threads}"] = partial(run_mill, subject.mill(None, threads, loaded), subject.messages())
        name = f"{MESSAGES}, {threads}"
        runs[name] = partial(run_mill, subject.mill(MESSAGES, threads, loaded), subject.columns(names_of(MESSAGES)))
        verdicts[name] = verdict(Columns.of(runs[name]()), Columns.of(runs[f"{CHAT}, {threads}"]()))
    return runs, verdicts


def main() -> None:
    """Print the table and the first passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=7000, help="pairs of each set")
    options = parser.parse_args()
    one_thread()
    subject = load(options.rows)
    count = len(subject.pairs)
    print(f"{subject.name}: {count:,} rows in batches of {rows.BATCH:,}, chatmill {chatmill.__version__}", end="")
    print(f", tokenizers {version('tokenizers')}\n")
    runs, verdicts = runs_of(subject)
    seconds = interleave(runs, options.rounds)

    lines, reached = [], dict.fromkeys(THREADS, float("inf"))
    for form in (*PROMPTS, MESSAGES, CHAT):
        rival = seconds.get(f"{form}, {RIVAL}")
        if rival is not None:
            lines.append([form, RIVAL, "1", f"{rival / count * 1e6:.1f}", "1", "-"])
        for threads in THREADS:
            name = f"{form}, {threads}"
            mine = seconds[name]
            ratio = rival / mine if rival else None
            if ratio is not None:
                reached[threads] = min(ratio, reached[threads])
            shown = "-" if ratio is None else f"{ratio:.1f}"
            same = verdicts.get(name, "-")
            lines.append([form, "chatmill", str(threads), f"{mine / count * 1e6:.2f}", shown, same])
    print(table(["", "", "threads", "us/row", "times as fast", "ids and labels"], lines))
    print(f"\n{MESSAGES} is compared with {CHAT}, the others with tokenizers.")
    for threads, ratio in reached.items():
        word = "reached" if ratio >= LEAST else "MISSED"
        print(f"{threads} thread{'s'[: threads - 1]}: at least {ratio:.1f} times; required {LEAST}: {word}")

    rival = first_pass(lambda: subject.row_by_row("alpaca"), FIRST_PASSES)
    print(f"\nfirst passes, alpaca: {RIVAL} {rival / count * 1e6:.1f} us/row", end="")
    batches = subject.columns(names_of("alpaca"))
    for threads in THREADS:
        mine = first_pass(partial(just_loaded, subject, threads, batches), FIRST_PASSES)
        print(f"; {threads} thread{'s'[: threads - 1]} {mine / count * 1e6:.1f}, {rival / mine:.1f} times", end="")
    print()


if __name__ == "__main__":
    main()
