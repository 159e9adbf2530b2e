"""A mill is shared by threads, pickled to processes, and stopped by Ctrl-C."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill import ChatTemplate, Mill, Tokenizer

SPECIAL = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}
OPTIONS: dict[str, Any] = {
    "format": None,
    "labels": "all",
    "split": "per_turn",
    "max_length": 40,
    "truncation": "split",
    "segment_length": None,
    "padding": "longest",
    "padding_side": "left",
    "pad_to_multiple_of": 8,
    "special_tokens": "text",
    "allowed_special_tokens": ["<｜User｜>"],
    "all_masked": "reject",
    "threads": 2,
    "on_error": "null",
    "keep_columns": ["id"],
    "attention_mask": True,
    "position_ids": True,
    "chat_template_kwargs": {"enable_thinking": False, "note": "näïve 你好"},
    "limits": {"steps": 5_000_000, "memory": 1 << 26, "depth": 100, "output": 1 << 25},
    "now": datetime(2026, 7, 4, 13, 5, 9, 250),  # noqa: DTZ001  (templates see no time zone)
}


@pytest.fixture(scope="module")
def parts(tokenizer: Path) -> tuple[Tokenizer, ChatTemplate]:
    return Tokenizer.from_pretrained(tokenizer), ChatTemplate.named("deepseek", **SPECIAL)


def table(seed: int, rows: int = 200) -> pa.Table:
    """Rows whose texts depend on the seed, so that mixed-up threads would be noticed."""
    made = []
    for row in range(rows):
        words = " ".join(f"{seed}-{row}-{word} 你好 👋" for word in range((seed * 7 + row) % 40))
        made.append(
            {
                "id": f"{seed}/{row}",
                "messages": [{"role": "user", "content": f"q {words}"}, {"role": "assistant", "content": words or "?"}],
            }
        )
    return pa.Table.from_pylist(made)


def in_a_worker(mill: Mill, rows: pa.Table) -> list[dict[str, Any]]:
    """Run in another process."""
    made: list[dict[str, Any]] = pa.table(mill(rows)).to_pylist()
    return made


def test_pickle_keeps_the_specification(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    mill = Mill(*parts, **OPTIONS)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again: Mill = pickle.loads(pickle.dumps(mill, protocol))
        assert again.options == mill.options
        assert again.tokenizer.fingerprint == mill.tokenizer.fingerprint
        assert again.tokenizer.name == mill.tokenizer.name
        assert again.tokenizer.special_tokens == mill.tokenizer.special_tokens
        assert again.template.fingerprint == mill.template.fingerprint
        assert again.template.name == mill.template.name
        assert again.template.special_tokens == mill.template.special_tokens
    assert pa.table(again(table(1))).equals(pa.table(mill(table(1))))


def test_options_make_the_mill_again(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    mill = Mill(*parts, **OPTIONS)
    assert {name: list(it) if isinstance(it, tuple) else it for name, it in mill.options.items()} == OPTIONS
    assert Mill(*parts, **mill.options).options == mill.options


def test_parts_pickle(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    tokenizer, template = (pickle.loads(pickle.dumps(it)) for it in parts)
    assert tokenizer.encode("Hallo 👋") == parts[0].encode("Hallo 👋")
    assert tokenizer.engine.name == parts[0].engine.name
    assert template.render([{"role": "user", "content": "x"}]) == parts[1].render([{"role": "user", "content": "x"}])


def test_pickle_to_a_fresh_process(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    """`spawn` shares nothing with this process, like a worker of a cluster."""
    mill, rows = Mill(*parts, **OPTIONS), table(2)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(in_a_worker, (mill, rows)) == in_a_worker(mill, rows)


def test_threads_share_a_mill(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    mill = Mill(*parts, threads=2, keep_columns=["id"])
    tables = [table(seed) for seed in range(8)]
    alone = [in_a_worker(mill, it) for it in tables]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            assert list(pool.map(lambda it: in_a_worker(mill, it), tables)) == alone


def test_threads_share_encode_and_render(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    mill = Mill(*parts, threads=1)
    conversations = [row["messages"] for row in table(3, rows=64).to_pylist()]

    def work(messages: list[dict[str, str]]) -> tuple[str, list[int], list[int]]:
        encoding = mill.encode(messages)
        assert mill.template.render(messages) == encoding.text
        return encoding.text, encoding.input_ids, encoding.labels

    alone = [work(messages) for messages in conversations]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, conversations * 4)) == alone * 4


@pytest.mark.parametrize("threads", [1, 2, 3, 8, None])
def test_output_does_not_depend_on_threads(threads: int | None, parts: tuple[Tokenizer, ChatTemplate]) -> None:
    rows = table(4, rows=501)
    one = pa.table(Mill(*parts, threads=1, keep_columns=["id"])(rows))
    assert pa.table(Mill(*parts, threads=threads, keep_columns=["id"])(rows)).equals(one)


def test_python_runs_on_while_a_mill_works(parts: tuple[Tokenizer, ChatTemplate]) -> None:
    """The GIL is released: a counter in another thread keeps counting."""
    mill, rows = Mill(*parts, threads=1), pa.concat_tables([table(5, rows=500)] * 10)
    with ThreadPoolExecutor(1) as pool:
        milling = pool.submit(mill, rows)
        ticks = 0
        while not milling.done():
            time.sleep(0.001)
            ticks += 1
        milling.result()
    # With the GIL, a mill of this many rows would let it count once or twice.
    assert ticks > 20


# Seconds.
SOON = 5.0

ENDLESS = """
import sys, time
import pyarrow as pa
from chatmill import ChatTemplate, Mill, Tokenizer

folder, threads = sys.argv[1], int(sys.argv[2])
template = ChatTemplate.named("deepseek", bos_token="", eos_token="")
mill = Mill(Tokenizer.from_pretrained(folder), template, threads=threads)
words = " ".join(f"word{n} 你好" for n in range(400))
messages = [{"role": "user", "content": words}, {"role": "assistant", "content": words}]
rows = pa.table({"messages": [messages] * 2000})
huge = pa.concat_tables([rows] * 400)
print("ready", flush=True)
try:
    mill(huge)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child alone")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_a_batch_soon(threads: int, tokenizer: Path) -> None:
    # It takes a tenth of a second if the machine has nothing else to do.
    assert seconds_to_interrupt(threads, tokenizer) < SOON


def seconds_to_interrupt(threads: int, tokenizer: Path) -> float:
    """Interrupt a batch that would take minutes, and return the seconds until Python raises KeyboardInterrupt."""
    command = [sys.executable, "-c", ENDLESS, str(tokenizer), str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.7)
        assert process.poll() is None, "the batch finished before it could be interrupted"
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        printed = process.stdout.readline()
        seconds = time.monotonic() - start
        process.wait(20)
        assert (printed, process.returncode) == ("interrupted\n", 0), process.stderr and process.stderr.read()
    return seconds
